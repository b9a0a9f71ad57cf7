/**
 * Entries of an agent's index that git does not look at: assumed to be unchanged (`git update-index --assume-unchanged`), or
 * left out of the worktree as by a sparse checkout (`--skip-worktree`). What was changed in a file of one would be lost; and a
 * file that is left out is not one that was deleted. The index's format is gitformat-index(5).
 */

import { lstatSync } from 'node:fs';
import { codeOf } from '../core/thrown.ts';
import { below } from '../files/held-folder.ts';
import { readRegularSync } from '../files/read.ts';
import { GitError } from './command.ts';
import type { DeskPlace } from './desk.ts';
import type { Git } from './git.ts';
import type { HashAlgorithm } from './objects.ts';

const MAX_INDEX_BYTES = 1024 * 1024 * 1024;
const ASSUMED = 0x8000;
const EXTENDED = 0x4000;
/** Of the extended flags. */
const SKIPPED = 0x4000;

/** Has git look at all files that are there. What is left out of a sparse checkout, and has no file, stays so. */
export async function assumeNothing(git: Git, place: DeskPlace, algorithm: HashAlgorithm): Promise<void> {
  const hidden = await hiddenIn(git, place, algorithm);
  const assumed = hidden.filter(({ tag }) => tag !== tag.toUpperCase());
  const there = hidden.filter((entry) => isSkipped(entry) && hasFile(place, entry));
  for (const [option, entries] of [
    ['--no-assume-unchanged', assumed],
    ['--no-skip-worktree', there],
  ] as const) {
    if (entries.length === 0) continue;
    const input = Buffer.from(entries.map(({ path }) => `${path}\0`).join(''), 'latin1');
    await git.local(['update-index', option, '-z', '--stdin'], { ...place, input });
  }
}

/**
 * What an index leaves out of the worktree, and has no file: the mode and the id of each, by its path as bytes in Latin-1.
 * Nothing of one that git cannot read.
 */
export async function leftOut(
  git: Git,
  place: DeskPlace,
  algorithm: HashAlgorithm,
): Promise<ReadonlyMap<string, string>> {
  const hidden = await hiddenIn(git, place, algorithm).catch((error: unknown) => {
    if (error instanceof GitError && error.reason === 'exit') return [];
    throw error;
  });
  const without = hidden.filter((entry) => isSkipped(entry) && !hasFile(place, entry));
  return new Map(without.map(({ path, content }) => [path, content]));
}

interface Hidden {
  /** As `ls-files -v` has it: small where it is assumed, S where it is left out. */
  readonly tag: string;
  /** Its mode and id. */
  readonly content: string;
  readonly path: string;
}

async function hiddenIn(git: Git, place: DeskPlace, algorithm: HashAlgorithm): Promise<readonly Hidden[]> {
  const index = readRegularSync(place.index, MAX_INDEX_BYTES);
  if (index === null || !mayHide(index, algorithm)) return [];
  const { stdout } = await git.local(['ls-files', '-v', '-s', '-z'], place);
  return stdout
    .toString('latin1')
    .split('\0')
    .flatMap((line) => {
      const [, tag = '', content = '', path = ''] = /^([a-zS]) (\d+ [0-9a-f]+) \d\t([^]*)$/.exec(line) ?? [];
      return path === '' ? [] : [{ tag, content, path }];
    });
}

function isSkipped({ tag }: Hidden): boolean {
  return tag.toUpperCase() === 'S';
}

function hasFile({ worktree }: DeskPlace, { path }: Hidden): boolean {
  try {
    return lstatSync(below(worktree, path), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (codeOf(error) === 'ENAMETOOLONG') return false;
    throw error;
  }
}

/** False when git looks at all entries of the index; of an index that is none, or of another kind, git tells. */
export function mayHide(index: Buffer, algorithm: HashAlgorithm): boolean {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return true;
  const version = index.readUInt32BE(4);
  if (version !== 2 && version !== 3) return true;
  const flagsFrom = 40 + (algorithm === 'sha256' ? 32 : 20);
  let at = 12;
  for (let left = index.readUInt32BE(8); left > 0; left -= 1) {
    if (at + flagsFrom + 4 > index.length) return true;
    const flags = index.readUInt16BE(at + flagsFrom);
    if ((flags & ASSUMED) !== 0) return true;
    const isExtended = (flags & EXTENDED) !== 0;
    if (isExtended && (index.readUInt16BE(at + flagsFrom + 2) & SKIPPED) !== 0) return true;
    const end = index.indexOf(0, at + flagsFrom + (isExtended ? 4 : 2));
    if (end < 0) return true;
    at += Math.floor((end - at + 8) / 8) * 8;
  }
  return false;
}
