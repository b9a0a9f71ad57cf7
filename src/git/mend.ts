/**
 * Mends a repository of the engine whose objects are broken or gone on disk, with what the origin has.
 *
 * Kept true here (N8): nothing is touched before the damage was seen and the origin's objects are on this host; nothing is
 * deleted: what is broken is moved aside, one folder of it for each repository, and whole objects in a broken pack are taken
 * out of it. Files are moved under the repository's lock file alone. What was in this repository only, and is broken, stays
 * lost: it is said.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseObjectId } from '../core/ids.ts';
import { exists, namesIn, statusOf } from '../files/read.ts';
import { removeTree } from '../files/remove.ts';
import { makeFolder, writeAtomic } from '../files/write.ts';
import { GitError } from './command.ts';
import { PLAIN_OBJECT, PLAIN_PACK } from './confined.ts';
import {
  findDamage,
  findGaps,
  isBrokenLoose,
  isBrokenPack,
  isWhole,
  listedIn,
  LOOK_MS,
  missingOf,
  type Damage,
} from './damage.ts';
import type { Git } from './git.ts';
import { writeObjects } from './objects.ts';
import { fetchRefs, listRemote } from './origin.ts';
import { deleteRef } from './refs.ts';
import { trackingRef, type Repositories, type Repository } from './repository.ts';
import { configuration, writeRepository } from './write-repository.ts';

export interface MendDeps {
  readonly home: string;
  /** Whose words are taken as they are. */
  readonly git: Git;
  readonly repositories: Pick<Repositories, 'exclusively'>;
}

export type Mended =
  /** Nothing of it is broken: what was suspected is about something else. */
  | { readonly kind: 'whole' }
  | {
      readonly kind: 'mended';
      /** How many files were broken, and objects that lead to what is gone. */
      readonly broken: { readonly loose: number; readonly packs: number; readonly cut: number; readonly refs: number };
      /** Objects that were broken, and were nowhere else. */
      readonly lost: number;
      /** Where what was moved aside lies. */
      readonly aside: string;
    };

/** Says in what was moved aside that all of it was looked through. */
const DONE = 'done';
const ENDINGS = ['pack', 'rev', 'idx'];
/** How often git is started for one pack. */
const MAX_STARTS = 100;
/** By git itself; or by the system, since the disk does not give back what git has mapped (SIGBUS, of Linux and of macOS). */
const STOPPED = [1, 128, 135, 138];
/** A larger pack is read by its index alone. */
const MAX_SALVAGED_BYTES = 512 * 1024 * 1024;

/** @throws GitError when the origin cannot be reached, or git does not end in time */
export async function mend(deps: MendDeps, repository: Repository): Promise<Mended> {
  const damage = await findDamage(deps.git, repository);
  if (isWhole(damage) && !(await isUnfinished(repository))) return { kind: 'whole' };
  const fresh = join(deps.home, 'trash', `mend-${randomBytes(6).toString('hex')}`);
  try {
    await fetchFresh(deps.git, repository, fresh);
    return await deps.repositories.exclusively(repository, () =>
      repository.mirror === null ? replace(repository, fresh, damage) : repair(deps, repository, fresh, damage),
    );
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** All that the origin has for this repository, into an empty one: git asks for everything, and checks that it is whole. */
async function fetchFresh(git: Git, repository: Repository, fresh: string): Promise<void> {
  const { origin, gitDir, store, mirror } = repository;
  const isLanding = mirror === null;
  await writeRepository(fresh, isLanding ? origin.branch : 'none', configuration(store.algorithm, true));
  const branches = [...new Set([origin.branch, ...(await namesBelow(join(gitDir, 'refs/remotes/origin')))])];
  const heads = branches.map((branch) => `refs/heads/${branch}`);
  const there = await listRemote(git, fresh, origin.origin, heads);
  const wanted = branches.filter((branch) => there.has(`refs/heads/${branch}`));
  const specs = wanted.map((branch) => `+refs/heads/${branch}:${trackingRef(branch)}`);
  if (!isLanding) specs.push('+refs/tasks/*:refs/tasks/*');
  if (specs.length > 0) await fetchRefs(git, { gitDir: fresh }, origin.origin, specs);
}

async function namesBelow(folder: string, below = ''): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await namesIn(join(folder, below))) {
    const path = join(below, name);
    if (statusOf(join(folder, path))?.isDirectory() === true) found.push(...(await namesBelow(folder, path)));
    else if (!name.endsWith('.lock')) found.push(path);
  }
  return found;
}

/** Everything in it is the origin's, or can be built again: the fresh one takes its place. */
async function replace({ gitDir }: Repository, fresh: string, damage: Damage): Promise<Mended> {
  const aside = brokenFolder(gitDir);
  rmSync(aside, { recursive: true, force: true });
  renameSync(gitDir, aside);
  renameSync(fresh, gitDir);
  return { kind: 'mended', broken: countsOf(damage), lost: 0, aside };
}

/** Where what was broken in a repository lies. */
export function brokenFolder(gitDir: string): string {
  return gitDir.endsWith('.engine') ? join(gitDir, 'broken') : `${gitDir}.broken`;
}

function countsOf({ loose, packs, cut, refs }: Damage) {
  return { loose: loose.length, packs: packs.length, cut: cut.length, refs: refs.length };
}

/** Worktrees belong to it, and work that is nowhere else: only what is broken is taken out. */
async function repair(deps: MendDeps, repository: Repository, fresh: string, damage: Damage): Promise<Mended> {
  const { git } = deps;
  const { folder } = repository.store;
  const aside = brokenFolder(repository.gitDir);
  // What an earlier mend has moved aside, and not yet looked through, stays with what this one does.
  if (!(await isUnfinished(repository))) await removeTree(aside, join(deps.home, 'trash'));
  for (const part of ['pack', 'info']) makeFolder(join(aside, 'objects', part), 0o700);
  const gone = new Set<string>();
  for (const path of damage.loose) {
    if (!(await isBrokenLoose(repository.store, path))) continue;
    moveLoose(path, join(aside, 'objects'));
    gone.add(`${basename(dirname(path))}${basename(path)}`);
  }
  for (const path of damage.packs) {
    if (await isBrokenPack(git, repository, path))
      moveFiles(dirname(path), join(aside, 'objects/pack'), basename(path));
  }
  const packs = await packsIn(join(aside, 'objects/pack'));
  await bringIn(join(fresh, 'objects'), folder);
  for (const pack of packs) for (const id of await salvage(deps, repository, pack)) gone.add(id);
  const lost = await missingOf(git, repository, [...gone]);
  // What leads to something that is gone is of no use, and would not be made again while it is there.
  const left = await findGaps(git, repository);
  for (const path of left.cut) moveLoose(path, join(aside, 'objects'));
  const refs = left.cut.length === 0 ? left.refs : (await findGaps(git, repository)).refs;
  // A ref of the engine says that all below it is here, so that it is neither fetched nor asked after.
  for (const { folder: where, ref } of refs) if (where === repository.gitDir) await deleteRef(where, ref);
  await writeAtomic(join(aside, DONE), '');
  return { kind: 'mended', broken: countsOf(damage), lost: lost.length + left.cut.length, aside };
}

/** Whether a mend of the mirror was cut off: what it moved aside may be needed. */
async function isUnfinished({ gitDir, mirror }: Repository): Promise<boolean> {
  const aside = brokenFolder(gitDir);
  return mirror !== null && (await exists(aside)) && !(await exists(join(aside, DONE)));
}

async function packsIn(folder: string): Promise<readonly string[]> {
  const stems = (await namesIn(folder))
    .filter((name) => PLAIN_PACK.test(name))
    .map((name) => name.replace(/\.\w+$/, ''));
  return [...new Set(stems)].map((stem) => join(folder, stem));
}

function moveLoose(path: string, objects: string): void {
  const fan = join(objects, basename(dirname(path)));
  mkdirSync(fan, { recursive: true });
  renameSync(path, join(fan, basename(path)));
}

/** The index last: a pack without one is none to git; and first when it goes. */
function moveFiles(from: string, to: string, stem: string, endings = ENDINGS.toReversed()): void {
  for (const ending of endings) {
    const path = join(from, `${stem}.${ending}`);
    if (statusOf(path) !== null) renameSync(path, join(to, `${stem}.${ending}`));
  }
}

/** Moves the objects of another folder in; what is there already stays. */
async function bringIn(from: string, to: string): Promise<void> {
  for (const name of await namesIn(join(from, 'pack'))) {
    const stem = name.replace(/\.pack$/, '');
    if (!PLAIN_PACK.test(name) || stem === name || (await exists(join(to, 'pack', `${stem}.idx`)))) continue;
    makeFolder(join(to, 'pack'));
    moveFiles(join(from, 'pack'), join(to, 'pack'), stem, ENDINGS);
  }
  for (const fan of (await namesIn(from)).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    makeFolder(join(to, fan));
    for (const name of (await namesIn(join(from, fan))).filter((each) => PLAIN_OBJECT.test(each))) {
      if (!(await exists(join(to, fan, name)))) renameSync(join(from, fan, name), join(to, fan, name));
    }
  }
}

/** Takes whatever is whole out of a pack that was moved aside; the ids that it had, as far as its index tells. */
async function salvage({ git, home }: MendDeps, repository: Repository, pack: string): Promise<readonly string[]> {
  const { store } = repository;
  const hasPack = statusOf(`${pack}.pack`) !== null;
  const index = statusOf(`${pack}.idx`) === null ? Buffer.alloc(0) : await readFile(`${pack}.idx`);
  const ids = await listedIn(git, repository, index);
  if (!hasPack) return ids;
  const scratch = join(home, 'trash', `salvage-${randomBytes(6).toString('hex')}`);
  const objects = join(scratch, 'objects');
  mkdirSync(join(objects, 'info'), { recursive: true });
  mkdirSync(join(objects, 'pack'), { recursive: true });
  writeFileSync(join(objects, 'info/alternates'), `${store.folder}\n`);
  try {
    // Unpacked up to where it breaks; what the repository has by now is left out.
    await unpack(git, repository, objects, pack);
    await bringIn(objects, store.folder);
    // And what lies behind that, by the index.
    writeFileSync(join(dirname(dirname(pack)), 'info/alternates'), `${store.folder}\n`);
    await readRest(git, repository, dirname(dirname(pack)), await missingOf(git, repository, ids));
  } finally {
    await removeTree(scratch, join(home, 'trash'));
  }
  return ids;
}

/** Reads objects out of a broken pack one after another; git stops at each that is broken, and is started behind it. */
async function readRest(git: Git, repository: Repository, objects: string, ids: readonly string[]): Promise<void> {
  const left = [...ids];
  for (let starts = 0; left.length > 0 && starts < MAX_STARTS; starts += 1) {
    const input = `${left.join('\n')}\n`;
    const options = { gitDir: repository.gitDir, objects, input, accept: STOPPED, timeoutMs: LOOK_MS };
    const { stdout } = await git.local(['cat-file', '--batch'], options);
    const answered = await takeObjects(repository, stdout);
    left.splice(0, answered + 1);
  }
}

/** Writes what `cat-file --batch` has printed whole. @returns how many answers that was */
async function takeObjects({ store }: Repository, stdout: Buffer): Promise<number> {
  let answers = 0;
  for (let at = 0; ; answers += 1) {
    const newline = stdout.indexOf(0x0a, at);
    if (newline < 0) return answers;
    const [name = '', type, size] = stdout.toString('latin1', at, newline).split(' ');
    at = newline + 1;
    const id = parseObjectId(name);
    if (size === undefined || id.kind === 'invalid') continue;
    const body = stdout.subarray(at, at + Number(size));
    if (body.length < Number(size)) return answers;
    at += Number(size) + 1;
    if (type === 'commit' || type === 'tree' || type === 'blob')
      await writeObjects(store, new Map([[id.value, { type, body }]]));
  }
}

async function unpack(git: Git, { gitDir }: Repository, objects: string, pack: string): Promise<void> {
  if ((statusOf(`${pack}.pack`)?.size ?? 0) > MAX_SALVAGED_BYTES) return;
  const input = await readFile(`${pack}.pack`);
  try {
    await git.local(['unpack-objects', '-r', '-q'], { gitDir, objects, input, timeoutMs: LOOK_MS });
  } catch (error) {
    // It says where the pack breaks; what came before is there.
    if (!(error instanceof GitError) || error.reason !== 'exit') throw error;
  }
}
