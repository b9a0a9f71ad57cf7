/**
 * The certificates that programs are told to trust beside the system's: behind a proxy that looks into TLS nothing can be fetched
 * without them. Agents, set-up and gates are told the same, and see these files read-only.
 */

import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { KnownPlaces } from './known-toolchains.ts';

/** Of OpenSSL, Node, curl, Python's requests and pip, git, Cargo, AWS's tools and Deno. */
const VARIABLES = [
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'GIT_SSL_CAINFO',
  'CARGO_HTTP_CAINFO',
  'AWS_CA_BUNDLE',
  'DENO_CERT',
];

/** Those of the account whose environment this is, each file once. @param isFile whether there is such a file */
export function certificatesOf(
  environment: Readonly<Record<string, string | undefined>>,
  isFile: (path: string) => boolean = isFileHere,
): KnownPlaces {
  const found = VARIABLES.flatMap((name): readonly (readonly [string, string])[] => {
    const path = environment[name] ?? '';
    return isAbsolute(path) && isFile(path) ? [[name, path]] : [];
  });
  return { variables: Object.fromEntries(found), read: [...new Set(found.map(([, path]) => path))] };
}

/** What this account may not look at is not there for it. */
function isFileHere(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
