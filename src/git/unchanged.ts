/**
 * Tells without starting git that a small worktree is exactly what an index says: the same files with the same content,
 * and nothing else, ignored or not. `false` says nothing: then git has to look.
 *
 * The index must be the engine's own, which no agent writes. A file counts as the index's when all that the index has of
 * its status is the same, and when it was last touched well before the index was written, or else by its content: the
 * rule by which git trusts an index. It is read at one go, on purpose: that takes less time than starting a process.
 */

import { createHash } from 'node:crypto';
import { lstatSync, opendirSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import type { ObjectId } from '../core/ids.ts';
import { readRegular } from '../files/read.ts';
import type { HashAlgorithm } from './objects.ts';

const MAX_ENTRIES = 400;
const MAX_INDEX_BYTES = 256 * 1024;
const MAX_HASHED_BYTES = 1024 * 1024;
/** Clocks of file systems tick at most every ten milliseconds. */
const TICK_NS = 20_000_000n;

interface Entry {
  readonly status: readonly number[];
  readonly mode: number;
  readonly id: string;
}

export interface Place {
  readonly worktree: string;
  readonly index: string;
  readonly algorithm: HashAlgorithm;
}

/** Whether the worktree is exactly the tree, of which the index was made. */
export async function isUnchanged({ worktree, index, algorithm }: Place, tree: ObjectId): Promise<boolean> {
  const own = await readIndex(index, algorithm);
  if (own === null || own.tree !== tree) return false;
  const { entries } = own;
  try {
    const writtenNs = lstatSync(index, { bigint: true }).mtimeNs - TICK_NS;
    const budget = { entries: MAX_ENTRIES * 2, bytes: MAX_HASHED_BYTES };
    const seen = { files: 0 };
    return (
      isFolderUnchanged({ worktree, entries, algorithm, writtenNs, budget, seen }, '') && seen.files === entries.size
    );
  } catch {
    // What cannot be read is for git to name.
    return false;
  }
}

/** Whether two small indexes list the same files with the same content; false when that cannot be told. */
export async function listsTheSame(one: string, other: string, algorithm: HashAlgorithm): Promise<boolean> {
  const [left, right] = await Promise.all([readIndex(one, algorithm), readIndex(other, algorithm)]);
  if (left === null || right === null || left.entries.size !== right.entries.size) return false;
  return [...left.entries].every(([path, { id, mode }]) => {
    const found = right.entries.get(path);
    return found?.id === id && found.mode === mode;
  });
}

interface Index {
  readonly entries: ReadonlyMap<string, Entry>;
  /** The tree that the entries are, as git keeps it in the index; null when it does not say. */
  readonly tree: string | null;
}

async function readIndex(path: string, algorithm: HashAlgorithm): Promise<Index | null> {
  const content = await readRegular(path, MAX_INDEX_BYTES);
  return content === null ? null : parseIndex(content, algorithm);
}

interface Walk {
  readonly worktree: string;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly algorithm: HashAlgorithm;
  readonly writtenNs: bigint;
  readonly budget: { entries: number; bytes: number };
  readonly seen: { files: number };
}

function isFolderUnchanged(walk: Walk, prefix: string): boolean {
  // Entry by entry: a folder may have millions, of which one that is too many is enough.
  const folder = opendirSync(join(walk.worktree, prefix));
  try {
    for (let found = folder.readSync(); found !== null; found = folder.readSync()) {
      if (prefix === '' && found.name === '.git') continue;
      walk.budget.entries -= 1;
      if (walk.budget.entries < 0) return false;
      const path = `${prefix}${found.name}`;
      if (found.isDirectory()) {
        const before = walk.seen.files;
        // A folder without a file is in no tree.
        if (!isFolderUnchanged(walk, `${path}/`) || walk.seen.files === before) return false;
        continue;
      }
      const entry = walk.entries.get(path);
      if (entry === undefined || !isFileUnchanged(walk, path, entry)) return false;
      walk.seen.files += 1;
    }
    return true;
  } finally {
    folder.closeSync();
  }
}

function isFileUnchanged(walk: Walk, path: string, entry: Entry): boolean {
  const full = join(walk.worktree, path);
  const stats = lstatSync(full, { bigint: true });
  const isLink = stats.isSymbolicLink();
  if (!isLink && !stats.isFile()) return false;
  if (entry.mode !== (isLink ? 0o120000 : (stats.mode & 0o100n) === 0n ? 0o100644 : 0o100755)) return false;
  if (!entry.status.every((field, at) => field === statusOf(stats)[at])) return false;
  if (stats.mtimeNs < walk.writtenNs && stats.ctimeNs < walk.writtenNs) return true;
  walk.budget.bytes -= Number(stats.size);
  if (walk.budget.bytes < 0) return false;
  const body = isLink ? readlinkSync(full, { encoding: 'buffer' }) : readFileSync(full);
  return createHash(walk.algorithm).update(`blob ${body.length}\0`).update(body).digest('hex') === entry.id;
}

const FIELD = 0xffff_ffffn;
const SECOND = 1_000_000_000n;

/** In the index's order: both times, then inode, owner, group and size, each as 32 bits; the device does not count. */
function statusOf(stats: BigIntStats): readonly number[] {
  const { ctimeNs, mtimeNs, ino, uid, gid, size } = stats;
  const parts = [ctimeNs / SECOND, ctimeNs % SECOND, mtimeNs / SECOND, mtimeNs % SECOND, ino, uid, gid, size];
  return parts.map((part) => Number(part & FIELD));
}

/** An index of version 2; null when it is of another kind, or has entries that are no plain files or links. */
function parseIndex(content: Buffer, algorithm: HashAlgorithm): Index | null {
  if (content.length < 12 || content.toString('latin1', 0, 4) !== 'DIRC' || content.readUInt32BE(4) !== 2) return null;
  const idBytes = algorithm === 'sha256' ? 32 : 20;
  const count = content.readUInt32BE(8);
  if (count > MAX_ENTRIES) return null;
  const entries = new Map<string, Entry>();
  let at = 12;
  for (let number = 0; number < count; number += 1) {
    const flagsAt = at + 40 + idBytes;
    const end = flagsAt + 2 < content.length ? content.indexOf(0, flagsAt + 2) : -1;
    if (end < 0) return null;
    // Assumed unchanged, extended or of a conflict.
    if ((content.readUInt16BE(flagsAt) & 0xf000) !== 0) return null;
    const name = content.toString('utf8', flagsAt + 2, end);
    if (name.includes('\uFFFD')) return null;
    const mode = content.readUInt32BE(at + 24);
    const status = [0, 4, 8, 12, 20, 28, 32, 36].map((offset) => content.readUInt32BE(at + offset));
    entries.set(name, { status, mode, id: content.toString('hex', at + 40, at + 40 + idBytes) });
    at += Math.floor((end - at + 8) / 8) * 8;
  }
  return entries.size === count ? { entries, tree: treeIn(content, at, idBytes) } : null;
}

/** The root of the TREE extension: its path, which is empty, how many entries and subtrees it has, and its id. */
function treeIn(content: Buffer, from: number, idBytes: number): string | null {
  for (let at = from; at + 8 <= content.length - idBytes;) {
    const size = content.readUInt32BE(at + 4);
    if (content.toString('latin1', at, at + 4) === 'TREE') {
      const newline = content.indexOf(0x0a, at + 8);
      const counts = newline < 0 ? '' : content.toString('latin1', at + 8, newline);
      // A count of -1 is a tree that was changed since.
      return /^\0\d+ \d+$/.test(counts) ? content.toString('hex', newline + 1, newline + 1 + idBytes) : null;
    }
    at += 8 + size;
  }
  return null;
}
