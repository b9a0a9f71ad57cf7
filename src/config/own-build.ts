/** Which version and build of Tributary this program is, as files beside the built program say. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../core/text.ts';

/** The version of this package. */
export function readOwnVersion(): string {
  const version = readField('../../package.json', 'version');
  return typeof version === 'string' ? version : 'unknown';
}

/**
 * The build that lies in dist/ at this moment: the version and a hash of the sources, `0.4.0-1a2b3c4d`. Null where nothing was
 * built. A process that lives on while another build takes its place asks when it starts.
 */
export function readOwnBuild(): string | null {
  const sources = readField('../build.json', 'sources');
  return typeof sources === 'string' ? `${readOwnVersion()}-${sources.slice(0, 8)}` : null;
}

/** @param path from here; all that is built lies as deep below dist/ as this below src/ */
function readField(path: string, name: string): unknown {
  try {
    const value: unknown = JSON.parse(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8'));
    return isRecord(value) ? value[name] : null;
  } catch {
    return null;
  }
}
