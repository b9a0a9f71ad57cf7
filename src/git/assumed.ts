/**
 * Entries of an agent's index that it assumes to be unchanged (`git update-index --assume-unchanged`): git would not look at
 * their files, and what was changed in them would be lost. The index's format is gitformat-index(5).
 */

import { readRegularSync } from '../files/read.ts';
import type { DeskPlace } from './desk.ts';
import type { Git } from './git.ts';
import type { HashAlgorithm } from './objects.ts';

const MAX_INDEX_BYTES = 1024 * 1024 * 1024;
const ASSUMED = 0x8000;
const EXTENDED = 0x4000;

/** Has git look at all files of the index. What is left out of a sparse checkout stays so. */
export async function assumeNothing(git: Git, place: DeskPlace, algorithm: HashAlgorithm): Promise<void> {
  const index = readRegularSync(place.index, MAX_INDEX_BYTES);
  if (index === null || !mayAssume(index, algorithm)) return;
  const { stdout } = await git.local(['ls-files', '-v', '-z'], place);
  const assumed = stdout
    .toString('latin1')
    .split('\0')
    .filter((line) => /^[a-z] /.test(line))
    .map((line) => `${line.slice(2)}\0`);
  if (assumed.length === 0) return;
  const input = Buffer.from(assumed.join(''), 'latin1');
  await git.local(['update-index', '--no-assume-unchanged', '-z', '--stdin'], { ...place, input });
}

/** False when no entry of the index is assumed to be unchanged; of an index that is none, or of another kind, git tells. */
export function mayAssume(index: Buffer, algorithm: HashAlgorithm): boolean {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return true;
  const version = index.readUInt32BE(4);
  if (version !== 2 && version !== 3) return true;
  const flagsFrom = 40 + (algorithm === 'sha256' ? 32 : 20);
  let at = 12;
  for (let left = index.readUInt32BE(8); left > 0; left -= 1) {
    if (at + flagsFrom + 2 > index.length) return true;
    const flags = index.readUInt16BE(at + flagsFrom);
    if ((flags & ASSUMED) !== 0) return true;
    const end = index.indexOf(0, at + flagsFrom + ((flags & EXTENDED) === 0 ? 2 : 4));
    if (end < 0) return true;
    at += Math.floor((end - at + 8) / 8) * 8;
  }
  return false;
}
