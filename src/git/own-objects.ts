/**
 * What a confined process has committed, looked at before git unpacks or compares it: objects of gigabytes that take nothing
 * of the disk, very many of them, or a few folders that are thousands of millions of files.
 *
 * Of a few small objects all is known without git. Of others git is asked for types and sizes, which are the first bytes of
 * each, and for the folders alone. What git does not find sound is left to the fetch, which finds the words for it.
 */

import { readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { parseObjectId, type ObjectId } from '../core/ids.ts';
import { absentAsNull } from '../files/errors.ts';
import { fewNamesIn } from '../files/list.ts';
import { lookInto } from '../files/read.ts';
import { GitError } from './command.ts';
import type { Git } from './git.ts';
import { judgeSizes } from './large.ts';
import { parseTree, readLoose, type HashAlgorithm, type ObjectStore, type TreeLine } from './objects.ts';
import type { Problem } from './origin.ts';

const FEW = 300;
const SMALL_BYTES = 256 * 1024;
/** All together: they are inflated and hashed in one go, while nothing else of the worker runs. */
const MAX_FEW_BYTES = 8 * 1024 * 1024;
/** A hundred thousand files in folders of their own, and then some. */
const MAX_OBJECTS = 250_000;
/** Of what is unpacked, whatever the host allows. */
const MAX_BYTES = 2 * 1024 ** 3;
/** Everybody who looks through the history later reads all of it. */
const MAX_COMMIT_BYTES = 1024 * 1024;
const MAX_TREE_BYTES = 64 * 1024 * 1024;
/** More than these, and git lists them one by one. */
const MANY_FILES = 1_000_000;
const MAX_LISTED_BYTES = 64 * 1024 * 1024;
/** More than these, and git need not be asked. */
const HOPELESS = 1_000_000_000;
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
    const commit = sizes.find(({ type, bytes }) => type === 'commit' && bytes > MAX_COMMIT_BYTES);
    if (commit !== undefined)
      return tooMuch(`the commit ${commit.id} has ${mebibytes(commit.bytes)}, by its message mostly`, '1 MiB is taken');
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
 * The same of the files and folders that it is, each as often as it is there.
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
  const measured = new Map<ObjectId, Measure>();
  let worst: Measure = NOTHING;
  for (const id of trees.keys()) worst = larger(worst, measure({ trees, before, measured }, id, 0));
  if (worst.height > MAX_DEPTH)
    return tooMuch(
      'what was committed has folders in one another, deeper than a path can be',
      `${MAX_DEPTH} are taken`,
    );
  if (worst.least > HOPELESS) return tooManyFiles();
  if (worst.most <= MANY_FILES) return null;
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

/** What a folder comes to when all of it is written out. */
interface Measure {
  /** Files and folders of what the process itself has committed. */
  readonly least: number;
  /** With what was there before, each as if it were all of it. */
  readonly most: number;
  /** Folders in one another; Infinity: too many to go on. */
  readonly height: number;
}

const NOTHING: Measure = { least: 0, most: 0, height: 0 };

interface Measuring {
  readonly trees: Trees;
  readonly before: number;
  /** What is known of a folder, be it nothing: each is gone through once, however often it is there. */
  readonly measured: Map<ObjectId, Measure>;
}

/** Folders count, too: those without a file cost git as much. @param depth ends it before the stack does */
function measure(measuring: Measuring, id: ObjectId, depth: number): Measure {
  const { trees, before, measured } = measuring;
  const known = measured.get(id);
  if (known !== undefined) return known;
  const lines = trees.get(id);
  if (lines === undefined) return { least: 0, most: before, height: 0 };
  if (depth > MAX_DEPTH) return { ...NOTHING, height: Infinity };
  let [least, most, height] = [lines.size, lines.size, 0];
  for (const { mode, id: below } of lines.values()) {
    if (!isFolder(mode)) continue;
    const inner = measure(measuring, below, depth + 1);
    least += inner.least;
    most += inner.most;
    height = Math.max(height, inner.height);
  }
  const found = { least, most, height: height + 1 };
  measured.set(id, found);
  return found;
}

function larger(one: Measure, other: Measure): Measure {
  return {
    least: Math.max(one.least, other.least),
    most: Math.max(one.most, other.most),
    height: Math.max(one.height, other.height),
  };
}

/** As git takes it, which looks at the kind alone: 40755 is a folder, too. */
function isFolder(mode: string): boolean {
  return (Number.parseInt(mode, 8) & 0o170000) === 0o040000;
}

/** What it means that git took too long, or printed too much, on what a process has committed; null: something else is wrong. */
export function problemOfLook(error: unknown): Problem | null {
  if (!(error instanceof GitError)) throw error;
  if (error.reason === 'timeout' || error.reason === 'too-much-output') return tooManyFiles();
  return null;
}

function tooManyFiles(): Problem {
  return tooMuch('what was committed is more files than git can list', 'fewer are taken');
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

/** What a repository has, read in one go; null: it is packed, not sound, or too much for that, and git has to look. */
export function readFew(store: ObjectStore): Seen | null {
  let sum = 0;
  const sizes: { id: string; type: string; bytes: number }[] = [];
  const trees = new Map<ObjectId, ReadonlyMap<string, TreeLine>>();
  for (const folder of readdirSync(store.folder)) {
    if (folder === 'info') continue;
    const names = fewNamesIn(join(store.folder, folder), folder === 'pack' ? 0 : FEW - sizes.length);
    if (names === null) return null;
    for (const name of names) {
      const id = parseObjectId(folder + name);
      const object = id.kind === 'ok' ? readLoose(store, id.value, SMALL_BYTES) : null;
      if (id.kind !== 'ok' || object === null) return null;
      sum += object.body.length;
      if (sum > MAX_FEW_BYTES) return null;
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
    const looked = lookInto(index, (file) => {
      const head = Buffer.alloc(12);
      return readSync(file, head, 0, 12, 0) === 12 ? head.readUInt32BE(8) : 0;
    });
    return looked.kind === 'looked' ? looked.value : 0;
  } catch (error) {
    return absentAsNull(error) ?? 0;
  }
}
