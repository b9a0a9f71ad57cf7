/**
 * A profile of Temporal's own configuration file (temporal.toml): address, namespace, api_key and whether TLS is on.
 * Of TOML it reads tables and plain `key = value` lines, which is all that such a profile has. Client certificates are
 * not supported: a profile that has them is refused rather than half read.
 */

import { readFile } from 'node:fs/promises';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { quote } from '../core/ids.ts';

export interface TemporalProfile {
  readonly address: string | null;
  readonly namespace: string | null;
  readonly apiKey: string | null;
  readonly tls: boolean;
}

/** One profile of the file. */
export async function readTemporalProfile(file: string, name: string): Promise<Parsed<TemporalProfile>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return fail(`TEMPORAL_PROFILE: ${file} cannot be read; make it with temporal config set, or set TEMPORAL_ADDRESS`);
  }
  return parseTemporalProfile(text, name);
}

/** The profile of that name in a temporal.toml. Pure. */
function parseTemporalProfile(text: string, name: string): Parsed<TemporalProfile> {
  const values = new Map<string, string>();
  let table = '';
  let found = false;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]\s*(?:#.*)?$/.exec(line)?.[1];
    if (header !== undefined) table = header.replace(/["']/g, '').replace(/\s*\.\s*/g, '.');
    const under = table === `profile.${name}` ? '' : table === `profile.${name}.tls` ? 'tls.' : null;
    if (under === null) continue;
    found = true;
    if (header !== undefined) {
      values.set(`${under}here`, 'true');
      continue;
    }
    const [, key, value] = /^\s*["']?([\w.-]+)["']?\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values.set(under + key, plain(value));
  }
  if (!found)
    return fail(`TEMPORAL_PROFILE: there is no profile ${quote(name)}; temporal config list shows those there are`);
  const unsupported = [...values.keys()].find((key) => /cert|key_(?:path|data)|server_name|codec/.test(key));
  if (unsupported !== undefined) {
    return fail(
      `TEMPORAL_PROFILE: ${unsupported} of profile ${quote(name)} is not supported; address, namespace, api_key and tls are`,
    );
  }
  return ok({
    address: values.get('address') ?? null,
    namespace: values.get('namespace') ?? null,
    apiKey: values.get('api_key') ?? null,
    tls: (values.has('tls.here') && values.get('tls.disabled') !== 'true') || values.get('tls') === 'true',
  });
}

/** A TOML string without its quotes, or a bare value without its comment. */
function plain(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'([^']*)'/.exec(value);
  if (quoted !== null) return (quoted[1] ?? quoted[2] ?? '').replace(/\\(["\\])/g, '$1');
  return value.replace(/\s*#.*$/, '');
}
