/**
 * What a confined process has committed, looked at before git unpacks or compares it: objects of gigabytes that take nothing
 * of the disk, very many of them, or a few folders that are thousands of millions of files.
 *
 * Of a few small objects all is known without git. Of others git is asked for types and sizes, which are the first bytes of
 * each, and for the folders alone. What git does not find sound is left to the fetch, which finds the words for it.
 */

import { closeSync, constants, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { parseObjectId, type ObjectId } from '../core/ids.ts';
import { GitError } from './command.ts';
import { errnoOf } from './files.ts';
import type { Git } from './git.ts';
import { judgeSizes } from './large.ts';
import { parseTree, readLoose, type HashAlgorithm, type ObjectStore, type TreeLine } from './objects.ts';
import type { Problem } from './origin.ts';

const FEW = 300;
const SMALL_BYTES = 256 * 1024;
/** A hundred thousand files in folders of their own, and then some. */
const MAX_OBJECTS = 250_000;
/** Of what is unpacked, whatever the host allows. */
const MAX_BYTES = 2 * 1024 ** 3;
const MAX_TREE_BYTES = 64 * 1024 * 1024;
/** More than these, and git lists them one by one. */
const MANY_FILES = 1_000_000;
const MAX_LISTED_BYTES = 64 * 1024 * 1024;
/** As deep as a path can be. */
const MAX_DEPTH = 2_048;
const LOOK_MS = 20_000;

type Trees = ReadonlyMap<ObjectId, ReadonlyMap<string, TreeLine>>;

interface Seen {
  readonly sizes: readonly { readonly id: string; readonly type: string; readonly bytes: number }[];
  readonly trees: Trees;
}

/** What stands in the way of taking it; null: nothing. @param own a repository in which plain files alone are left, without alternates */
export async function judgeObjects(
  git: Git,
  own: string,
  algorithm: HashAlgorithm,
  maxBytes: number,
): Promise<Problem | Trees> {
  try {
    const seen = readFew({ folder: join(own, 'objects'), algorithm }) ?? (await readMany(git, own, algorithm));
    const { sizes, trees } = seen;
    if (sizes.length > MAX_OBJECTS)
      return tooMuch(`what was committed has ${sizes.length} objects`, `${MAX_OBJECTS} are taken`);
    const blobs = sizes.filter(({ type }) => type === 'blob');
    const named = blobs.map(({ id, bytes }) => ({ name: `the object ${id}`, bytes }));
    const large = judgeSizes(named, maxBytes);
    if (large !== null) return large;
    const sum = blobs.reduce((all, { bytes }) => all + bytes, 0);
    return sum > MAX_BYTES
      ? tooMuch(`what was committed has ${mebibytes(sum)}`, `${mebibytes(MAX_BYTES)} are taken`)
      : trees;
  } catch (error) {
    return problemOfLook(error) ?? new Map();
  }
}

/**
 * The same of the files that it is, each as often as it is there.
 *
 * @param own a repository that has the mirror's objects, too
 * @param known the index that the process began with
 */
export async function judgeFiles(
  git: Git,
  own: string,
  head: ObjectId,
  trees: Trees,
  known: string,
): Promise<Problem | null> {
  const before = entriesOf(known);
  const counts = new Map<ObjectId, number>();
  const count = (id: ObjectId, depth: number): number => {
    const lines = trees.get(id);
    if (lines === undefined) return before;
    if (depth > MAX_DEPTH) return Infinity;
    let files = counts.get(id) ?? 0;
    if (files > 0) return files;
    for (const { mode, id: below } of lines.values()) files += mode === '40000' ? count(below, depth + 1) : 1;
    counts.set(id, files);
    return files;
  };
  if (![...trees.keys()].some((id) => count(id, 0) > MANY_FILES)) return null;
  // Some of it may have been there before: git knows, and says so as it goes.
  try {
    const maxOutputBytes = MAX_LISTED_BYTES + 4_096 * before;
    const list = ['ls-tree', '-r', '-z', '--name-only', head];
    await git.local(list, { gitDir: own, maxOutputBytes, timeoutMs: LOOK_MS, mayLack: true });
    return null;
  } catch (error) {
    return problemOfLook(error);
  }
}

/** What it means that git took too long, or printed too much, on what a process has committed; null: something else is wrong. */
export function problemOfLook(error: unknown): Problem | null {
  if (!(error instanceof GitError)) throw error;
  if (error.reason === 'timeout' || error.reason === 'too-much-output')
    return tooMuch('what was committed is more files than git can list', 'fewer are taken');
  return null;
}

function tooMuch(what: string, allowed: string): Problem {
  return {
    failure: 'unstorable-files',
    message: `${what}; ${allowed}`,
    next: 'leave large and generated files to .gitignore, or the committing to the engine',
  };
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_048_576)} MiB`;
}

/** Null where git has to look. */
function readFew(store: ObjectStore): Seen | null {
  const sizes: { id: string; type: string; bytes: number }[] = [];
  const trees = new Map<ObjectId, ReadonlyMap<string, TreeLine>>();
  for (const folder of readdirSync(store.folder)) {
    if (folder === 'info') continue;
    const names = readdirSync(join(store.folder, folder));
    if (folder === 'pack' ? names.length > 0 : sizes.length + names.length > FEW) return null;
    for (const name of names) {
      const id = parseObjectId(folder + name);
      const object = id.kind === 'ok' ? readLoose(store, id.value, SMALL_BYTES) : null;
      if (id.kind !== 'ok' || object === null) return null;
      sizes.push({ id: id.value, type: object.type, bytes: object.body.length });
      const lines = object.type === 'tree' ? parseTree(object.body, store.algorithm) : null;
      if (lines !== null) trees.set(id.value, lines);
    }
  }
  return { sizes, trees };
}

async function readMany(git: Git, own: string, algorithm: HashAlgorithm): Promise<Seen> {
  const place = { gitDir: own, timeoutMs: LOOK_MS, mayLack: true };
  const format = '--batch-check=%(objectname) %(objecttype) %(objectsize)';
  const listed = await git.local(['cat-file', '--batch-all-objects', '--unordered', '--buffer', format], place);
  const sizes = listed.stdout
    .toString('latin1')
    .split('\n')
    .map((line) => line.split(' '))
    .flatMap(([id = '', type = '', size]) => (size === undefined ? [] : [{ id, type, bytes: Number(size) }]));
  if (sizes.length > MAX_OBJECTS) return { sizes, trees: new Map() };
  const folders = sizes.filter(({ type }) => type === 'tree');
  const input = folders.map(({ id }) => `${id}\n`).join('');
  const read = await git.local(['cat-file', '--batch', '--buffer'], {
    ...place,
    input,
    maxOutputBytes: MAX_TREE_BYTES,
  });
  return { sizes, trees: treesIn(read.stdout, algorithm) };
}

/** `<id> <type> <size>`, a newline, so many bytes, a newline. */
function treesIn(stdout: Buffer, algorithm: HashAlgorithm): Trees {
  const trees = new Map<ObjectId, ReadonlyMap<string, TreeLine>>();
  for (let at = 0; at < stdout.length;) {
    const newline = stdout.indexOf(0x0a, at);
    if (newline < 0) break;
    const [named = '', , size] = stdout.toString('latin1', at, newline).split(' ');
    at = newline + 1;
    if (size === undefined) continue;
    const id = parseObjectId(named);
    const lines = parseTree(stdout.subarray(at, at + Number(size)), algorithm);
    if (id.kind === 'ok' && lines !== null) trees.set(id.value, lines);
    at += Number(size) + 1;
  }
  return trees;
}

/** How many files an index has, by its head; 0 where there is none. */
function entriesOf(index: string): number {
  try {
    const file = openSync(index, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const head = Buffer.alloc(12);
      return readSync(file, head, 0, 12, 0) === 12 ? head.readUInt32BE(8) : 0;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
