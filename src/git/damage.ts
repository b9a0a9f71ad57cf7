/**
 * Looks through the objects of one repository of the engine: which files are not what their names say, and what that is
 * there names objects that are not. It changes nothing.
 */

import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { createInflate, inflateSync } from 'node:zlib';
import { parseObjectId, type ObjectId } from '../core/ids.ts';
import { codeOf } from '../core/thrown.ts';
import { absentAsNull } from '../files/errors.ts';
import { namesIn, readRegularSync, statusOf } from '../files/read.ts';
import { GitError } from './command.ts';
import { PLAIN_OBJECT } from './confined.ts';
import type { Git } from './git.ts';
import { parseCommit, parseTree, type ObjectStore } from './objects.ts';
import { readRef } from './refs.ts';
import { placeOf, type Repository } from './repository.ts';

export interface Damage {
  /** Loose objects that are not what their names say: their files. */
  readonly loose: readonly string[];
  /** Packs that are not sound, or have no sound index: their files without the ending. */
  readonly packs: readonly string[];
  /** Loose objects, sound in themselves, that name something which is not there, or lead to such. */
  readonly cut: readonly string[];
  /** Refs below which something is not there. */
  readonly refs: readonly FoundRef[];
}

export interface FoundRef {
  /** The git folder that has it. */
  readonly folder: string;
  readonly ref: string;
}

/** Longer than any repository takes that one would want to look through. */
export const LOOK_MS = 10 * 60_000;
const SMALL_BYTES = 1024 * 1024;
const MAX_CONTENT_BYTES = 16 * 1024 * 1024;
/** So many files are read before others have their turn. */
const AT_A_TIME = 100;
const MAX_REFS = 20_000;

export function isWhole({ loose, packs, cut, refs }: Damage): boolean {
  return loose.length + packs.length + cut.length + refs.length === 0;
}

/** @throws GitError when git cannot look in time */
export async function findDamage(git: Git, repository: Repository): Promise<Damage> {
  const packs = await brokenPacks(git, repository);
  return { packs, ...(await findGaps(git, repository)) };
}

/** The same, packs taken as sound. */
export async function findGaps(git: Git, repository: Repository): Promise<Omit<Damage, 'packs'>> {
  const { broken, links } = await readLoose(repository.store);
  const cut = await cutOff(git, repository, links);
  const refs = await brokenRefs(git, repository);
  return { loose: broken, cut: cut.map((id) => looseFile(repository.store, id)), refs };
}

function looseFile({ folder }: ObjectStore, id: string): string {
  return join(folder, id.slice(0, 2), id.slice(2));
}

type Links = ReadonlyMap<string, readonly string[]>;

/** The loose objects that are broken, and of the others what each names. */
async function readLoose(store: ObjectStore): Promise<{ readonly broken: readonly string[]; readonly links: Links }> {
  const broken: string[] = [];
  const links = new Map<string, readonly string[]>();
  let read = 0;
  for (const fan of (await namesIn(store.folder)).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    for (const name of (await namesIn(join(store.folder, fan))).filter((each) => PLAIN_OBJECT.test(each))) {
      const path = join(store.folder, fan, name);
      const named = await readOne(store, path, `${fan}${name}`);
      if (named === 'broken') broken.push(path);
      else if (named !== 'gone') links.set(`${fan}${name}`, named);
      read += 1;
      if (read % AT_A_TIME === 0) await turn();
    }
  }
  return { broken, links };
}

/** Whether a loose object's file is not what its name says; one that is gone is not broken. */
export async function isBrokenLoose(store: ObjectStore, path: string): Promise<boolean> {
  const [name = '', fan = ''] = path.split('/').toReversed();
  return (await readOne(store, path, `${fan}${name}`)) === 'broken';
}

async function readOne(store: ObjectStore, path: string, id: string): Promise<readonly string[] | 'broken' | 'gone'> {
  let file: Buffer | null;
  try {
    file = readRegularSync(path, SMALL_BYTES);
  } catch (error) {
    // What the disk does not give back is not there.
    if (codeOf(error) === 'EIO') return 'broken';
    throw error;
  }
  const whole = file === null ? 'too-long' : inflated(file);
  if (file === null || whole === 'too-long') return readLarge(store, path, id);
  if (whole === null || createHash(store.algorithm).update(whole).digest('hex') !== id) return 'broken';
  // Git does not take one with something behind it either.
  return inflated(file.subarray(0, -1)) === null ? linksOf(whole, store) : 'broken';
}

/** Null when it is not sound, or not all there. */
function inflated(file: Buffer): Buffer | 'too-long' | null {
  try {
    return inflateSync(file, { maxOutputLength: MAX_CONTENT_BYTES });
  } catch (error) {
    return codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? 'too-long' : null;
  }
}

/** Only what it is hashed to: nothing that names others is that large, or it counts as whole. */
async function readLarge(store: ObjectStore, path: string, id: string): Promise<readonly string[] | 'broken' | 'gone'> {
  const stats = statusOf(path);
  if (stats === null) return 'gone';
  if (!stats.isFile()) return 'broken';
  const hash = createHash(store.algorithm);
  const inflate = createInflate();
  try {
    await pipeline(createReadStream(path), inflate, hash);
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code === 'EIO' || code.startsWith('Z_')) return 'broken';
    absentAsNull(error);
    return 'gone';
  }
  return hash.digest('hex') === id && inflate.bytesWritten === stats.size ? [] : 'broken';
}

function linksOf(whole: Buffer, { algorithm }: ObjectStore): readonly string[] {
  const body = whole.subarray(whole.indexOf(0) + 1);
  switch (whole.toString('latin1', 0, whole.indexOf(' '))) {
    case 'commit': {
      const commit = parseCommit(body);
      return commit === null ? [] : [commit.tree, ...commit.parents];
    }
    case 'tree':
      // A submodule's commit is elsewhere.
      return [...(parseTree(body, algorithm)?.values() ?? [])].flatMap(({ mode, id }) =>
        mode === '160000' ? [] : [id],
      );
    default:
      return [];
  }
}

/** Looks at each pack with its index, content and all. */
async function brokenPacks(git: Git, repository: Repository): Promise<readonly string[]> {
  const folder = join(repository.store.folder, 'pack');
  const names = await namesIn(folder);
  const stems = [
    ...new Set(names.filter((name) => /\.(?:pack|idx)$/.test(name)).map((name) => name.replace(/\.\w+$/, ''))),
  ];
  const broken: string[] = [];
  for (const stem of stems.filter((each) => each.startsWith('pack-'))) {
    const path = join(folder, stem);
    if (await isBrokenPack(git, repository, path)) broken.push(path);
  }
  return broken;
}

/** One that is being written has no index for a moment, under the lock file; under no other circumstances. */
export async function isBrokenPack(git: Git, repository: Repository, path: string): Promise<boolean> {
  const names = await namesIn(join(path, '..'));
  const stem = path.slice(path.lastIndexOf('/') + 1);
  const [hasIndex, hasPack] = ['idx', 'pack'].map((ending) => names.includes(`${stem}.${ending}`));
  if (hasIndex !== hasPack || hasPack !== true) return hasIndex !== hasPack;
  try {
    await git.local(['verify-pack', `${path}.idx`], { ...placeOf(repository), timeoutMs: LOOK_MS });
    return false;
  } catch (error) {
    if (!saysWhy(error) || /out of memory|Cannot allocate/i.test(error.stderr)) throw error;
    // An upkeep may have dropped it meanwhile.
    return (await namesIn(join(path, '..'))).includes(`${stem}.idx`);
  }
}

/** The loose objects from which not all can be reached that they name. */
async function cutOff(git: Git, repository: Repository, links: Links): Promise<readonly string[]> {
  const namedBy = new Map<string, string[]>();
  for (const [id, named] of links) {
    for (const each of named) {
      const by = namedBy.get(each);
      if (by === undefined) namedBy.set(each, [id]);
      else by.push(id);
    }
  }
  const elsewhere = [...namedBy.keys()].filter((id) => !links.has(id));
  const left = [...(await missingOf(git, repository, elsewhere))];
  const cut = new Set<string>();
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    for (const by of namedBy.get(id) ?? []) {
      if (cut.has(by)) continue;
      cut.add(by);
      left.push(by);
    }
  }
  return [...cut];
}

/** Which of these objects the repository does not have. */
export async function missingOf(git: Git, repository: Repository, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const { stdout } = await git.local(['cat-file', '--batch-check=%(objectname)'], {
    ...placeOf(repository),
    input: `${ids.join('\n')}\n`,
    timeoutMs: LOOK_MS,
  });
  const lines = stdout.toString('latin1').split('\n');
  return lines.flatMap((line) => (line.endsWith(' missing') ? [line.slice(0, -' missing'.length)] : []));
}

/** The refs of the engine, and the branches of the mirror, from which not everything can be reached. */
async function brokenRefs(git: Git, repository: Repository): Promise<readonly FoundRef[]> {
  const found = [...(await refsOf(repository))];
  const broken: FoundRef[] = [];
  const left = [found];
  // Halved until each broken one is alone: as a rule there are few.
  for (let some = left.pop(); some !== undefined; some = left.pop()) {
    const ids = some.map(([, id]) => id);
    if (await isConnected(git, repository, ids)) continue;
    const [only, ...others] = some;
    if (only !== undefined && others.length === 0) broken.push(only[0]);
    else left.push(some.slice(0, Math.floor(some.length / 2)), some.slice(Math.floor(some.length / 2)));
  }
  return broken;
}

async function refsOf({ gitDir, mirror }: Repository): Promise<ReadonlyMap<FoundRef, ObjectId>> {
  const found = new Map<FoundRef, ObjectId>();
  const look = async (folder: string, below: string): Promise<void> => {
    for (const path of filesBelow(join(folder, below))) {
      const ref = path.slice(folder.length + 1);
      const id = ref.endsWith('.lock') ? null : await readRef(folder, ref);
      if (id !== null && found.size < MAX_REFS) found.set({ folder, ref }, id);
    }
  };
  await look(gitDir, 'refs/remotes');
  await look(gitDir, 'refs/tasks');
  if (mirror !== null) {
    await look(mirror, 'refs/remotes');
    await look(mirror, 'refs/heads');
  }
  return found;
}

function filesBelow(folder: string): readonly string[] {
  let entries: readonly Dirent[] = [];
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    absentAsNull(error);
  }
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Whether all below these commits is there. */
async function isConnected(git: Git, repository: Repository, ids: readonly ObjectId[]): Promise<boolean> {
  if (ids.length === 0) return true;
  try {
    await git.local(['rev-list', '--objects', '--quiet', '--stdin'], {
      ...placeOf(repository),
      input: [...ids, ''].join('\n'),
      timeoutMs: LOOK_MS,
    });
    return true;
  } catch (error) {
    if (saysWhy(error)) return false;
    throw error;
  }
}

/** A git that was killed says nothing, and so proves nothing. */
function saysWhy(error: unknown): error is GitError {
  return error instanceof GitError && error.reason === 'exit' && error.stderr.trim() !== '';
}

/** The ids that a pack's index lists, as far as it can be read. */
export async function listedIn(git: Git, repository: Repository, index: Buffer): Promise<readonly ObjectId[]> {
  try {
    const { stdout } = await git.local(['show-index'], { ...placeOf(repository), input: index, timeoutMs: LOOK_MS });
    const ids = stdout
      .toString('latin1')
      .split('\n')
      .map((line) => parseObjectId(line.split(' ')[1] ?? ''));
    return ids.flatMap((id) => (id.kind === 'ok' ? [id.value] : []));
  } catch (error) {
    if (error instanceof GitError && error.reason === 'exit') return [];
    throw error;
  }
}
