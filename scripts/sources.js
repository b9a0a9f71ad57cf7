/** What a build is made from. Plain Node: runs before anything is installed. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** A hash of every source, of the build itself and of the packages' versions. */
export function sourcesHash() {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const name of ['package-lock.json', 'package.json', 'scripts/build.js', 'scripts/warm-cache.js']) {
    files.push(join(root, name));
  }
  for (const file of files.toSorted()) hash.update(`${relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}
