/**
 * What a process may have of the mirror: all of it to read, and to write a small repository of the task's own, which takes
 * the place of the mirror's objects and refs. In a sandbox by what it is shown; without one by what its worktree says that
 * its repository is.
 *
 * Kept true (N4): nothing that the process writes lies in the mirror before {@link takeIn} has fetched it over git's own
 * transport, objects checked on the way, from a folder in which the engine has left plain files alone.
 */

import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseObjectId, quote, type ObjectId } from '../core/ids.ts';
import { namesIn, readText } from '../files/read.ts';
import { removeFrom } from '../files/remove-from.ts';
import { removeAny, removeTree } from '../files/remove.ts';
import { makeFolder, replaceAny } from '../files/write.ts';
import { GitError, lastLines, saysNoSpace } from './command.ts';
import type { Git } from './git.ts';
import { fetchRefs, type Problem } from './origin.ts';
import { judgeFiles, judgeObjects } from './own-objects.ts';
import { adminFolder, type WorkspacePlaces } from './places.ts';
import { deleteRef, readRef, writeRef } from './refs.ts';
import { mirrorOf, placeOf, type Repositories, type Repository } from './repository.ts';
import { bareConfiguration, configuration, MIRROR_EXTRA } from './write-repository.ts';

/** One folder or file as the process is to see it; or one that it is to see empty. Later ones lie on earlier ones. */
export type GitMount =
  | { readonly from: string; readonly to: string; readonly write: boolean }
  | { readonly empty: string };

/** Where the mirror's real objects are seen. */
const OBJECTS_SEEN_AT = '/tributary/objects';
/** In a repository that is being taken in: what its branch was at. */
const BEGUN = 'taken-in';
const BRANCHES = 'refs/heads/tasks';
const TRACKING = 'refs/remotes/origin';
export const PLAIN_OBJECT = /^[0-9a-f]{38}(?:[0-9a-f]{24})?$/;
export const PLAIN_PACK = /^pack-[0-9a-f]{40,64}\.(?:pack|idx|rev)$/;

/** The task's own repository, beside its worktree. */
export function ownRepository(folder: string): string {
  return join(folder, 'own.git');
}

/**
 * Makes the task's own repository anew and says what is to be seen of the mirror.
 *
 * @param branch the ref that it may move and what it is at; null for a worktree that is on no branch
 */
async function confine(
  places: { readonly own: string; readonly mirror: string; readonly admin: string; readonly trash: string },
  branch: { readonly ref: string; readonly id: ObjectId } | null,
): Promise<readonly GitMount[]> {
  const { own, mirror, admin } = places;
  await makeOwn(places, branch);
  writeFileSync(join(own, 'objects/info/alternates'), '');
  writeFileSync(join(own, 'alternates'), `${OBJECTS_SEEN_AT}\n`);
  return [
    { from: mirror, to: mirror, write: false },
    // Other tasks' worktrees are nobody's business.
    { empty: join(mirror, 'worktrees') },
    { from: admin, to: admin, write: true },
    { from: join(own, 'refs'), to: join(mirror, 'refs'), write: true },
    { from: join(mirror, 'objects'), to: OBJECTS_SEEN_AT, write: false },
    { from: join(own, 'objects'), to: join(mirror, 'objects'), write: true },
    { from: join(own, 'alternates'), to: join(mirror, 'objects/info/alternates'), write: false },
  ];
}

type OwnPlaces = Parameters<typeof confine>[0];

/** An empty repository with the branch, of which the objects are still elsewhere. */
async function makeOwn({ own, mirror, trash }: OwnPlaces, branch: Parameters<typeof confine>[1]): Promise<void> {
  await removeTree(own, trash);
  for (const part of ['objects/info', 'objects/pack', BRANCHES, TRACKING])
    mkdirSync(join(own, part), { recursive: true });
  if (branch !== null) writeFileSync(join(own, branch.ref), `${branch.id}\n`);
  await copyTracking(mirror, own);
}

/** Says which repository a worktree belongs to: the mirror that it lies in, or the task's own. */
async function belongTo(admin: string, own: string | null): Promise<void> {
  makeFolder(admin);
  await replaceAny(join(admin, 'commondir'), `${own ?? '../..'}\n`);
}

/** So that the project's branch is found under the name that a clone has it under. */
async function copyTracking(mirror: string, own: string): Promise<void> {
  for (const name of await filesBelow(join(mirror, TRACKING))) {
    const text = await readText(join(mirror, TRACKING, name), 4_096);
    if (text === null) continue;
    mkdirSync(dirname(join(own, TRACKING, name)), { recursive: true });
    writeFileSync(join(own, TRACKING, name), text);
  }
}

async function filesBelow(folder: string, below = ''): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await namesIn(join(folder, below))) {
    const path = join(below, name);
    const stats = lstatSync(join(folder, path), { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) found.push(...(await filesBelow(folder, path)));
    else if (stats?.isFile() === true && !name.endsWith('.lock')) found.push(path);
  }
  return found;
}

/** What a gate's worktree needs, by the link that the engine has just written into it. */
export async function confineGate(path: string, trash: string): Promise<readonly GitMount[]> {
  const link = await readText(join(path, '.git'), 4_096);
  const admin = link?.replace(/^gitdir: /, '').trim() ?? '';
  const mirror = dirname(dirname(admin));
  if (basename(dirname(admin)) !== 'worktrees') throw new Error(`${path} is no worktree of a mirror`);
  return confine({ own: `${path}.own`, mirror, admin, trash }, null);
}

interface TakeInDeps {
  readonly git: Git;
  readonly repositories: Repositories;
}

/** What of a confined process is taken. */
interface Takable {
  readonly own: string;
  readonly ref: string;
  readonly id: ObjectId;
  /** The index that it began with. */
  readonly index: string;
  /** Of all its files together. */
  readonly maxBytes: number;
}

/** Brings what a confined process has committed into the mirror; what is wrong with it, or null. */
export async function takeIn(
  deps: TakeInDeps,
  repository: Repository,
  places: WorkspacePlaces,
  trash: string,
  maxBytes: number,
): Promise<Problem | null> {
  const own = ownRepository(places.folder);
  const mirror = mirrorOf(repository);
  const there = lstatSync(own, { throwIfNoEntry: false });
  if (there === undefined) return null;
  // Without a sandbox there can be anything in its place: then there are files alone.
  if (!there.isDirectory()) {
    await removeAny(own);
    await belongTo(adminOf(repository, places), null);
    return null;
  }
  // What a take-in that was cut off had found: it has taken the refs away since.
  const begun = parseObjectId((await readText(join(own, BEGUN), 4_096))?.trim() ?? '');
  const id = begun.kind === 'ok' ? begun.value : await readRef(own, places.branchRef);
  if (id !== null && (await leavePlainFiles(join(own, 'objects')))) {
    const { branchRef: ref, index } = places;
    await replaceAny(join(own, BEGUN), `${id}\n`);
    const wrong = await fetchOwn(deps, repository, { own, ref, id, index, maxBytes });
    if (wrong !== null) {
      await belongTo(adminOf(repository, places), null);
      return wrong;
    }
  }
  if (id !== null) await writeRef(mirror, places.branchRef, id);
  else await deleteRef(mirror, places.branchRef);
  await belongTo(adminOf(repository, places), null);
  await removeTree(own, trash);
  return null;
}

/** The process's commits come as from any other repository: what git does not find sound is not taken. */
export async function fetchOwn(
  { git, repositories }: TakeInDeps,
  repository: Repository,
  { own, ref, id, index, maxBytes }: Takable,
): Promise<Problem | null> {
  // Everything but the objects is the engine's.
  for (const name of await namesIn(own)) if (name !== 'objects' && name !== BEGUN) await removeAny(join(own, name));
  await removeAny(join(own, 'objects/info'));
  for (const part of ['objects/info', BRANCHES]) mkdirSync(join(own, part), { recursive: true });
  writeFileSync(join(own, 'config'), bareConfiguration(repository.store.algorithm));
  writeFileSync(join(own, 'HEAD'), 'ref: refs/heads/none\n');
  writeFileSync(join(own, ref), `${id}\n`);
  const judged = await judgeObjects(git, own, repository.store.algorithm, maxBytes);
  if ('failure' in judged) return judged;
  writeFileSync(join(own, 'objects/info/alternates'), `${repository.store.folder}\n`);
  const tooMany = await judgeFiles(git, own, id, judged, index);
  if (tooMany !== null) return tooMany;
  try {
    await repositories.exclusively(repository, () => fetchRefs(git, placeOf(repository), own, [ref], true));
    return null;
  } catch (error) {
    if (!(error instanceof GitError) || error.reason === 'broken') throw error;
    if (saysNoSpace(error)) throw error;
    // What is wrong with which object comes before that something is.
    const why = /^error: object [0-9a-f]+: (.+)$/m.exec(error.stderr)?.[1] ?? lastLines(error.stderr, 2);
    return {
      failure: 'unstorable-files',
      message: `git does not take what was committed: ${quote(why)}`,
      next: 'commit plain files with git itself, or leave the committing to the engine',
    };
  }
}

/** Takes away all that git does not make in an objects folder. @returns whether there is anything left */
async function leavePlainFiles(objects: string): Promise<boolean> {
  let found = false;
  // Without a sandbox there can be anything in its place.
  if (lstatSync(objects, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  await removeFrom(objects, ({ name, kind }) => {
    const isFan = /^[0-9a-f]{2}$/.test(name.toString('latin1'));
    return kind !== 'folder' || !(isFan || name.equals(PACK) || name.equals(INFO));
  });
  for (const name of await namesIn(objects)) {
    if (name === 'info') continue;
    const plain = name === 'pack' ? PLAIN_PACK : PLAIN_OBJECT;
    await removeFrom(join(objects, name), (file) => {
      const isPlain = file.kind === 'file' && plain.test(file.name.toString('latin1'));
      found ||= isPlain;
      return !isPlain;
    });
  }
  return found;
}

const PACK = Buffer.from('pack');
const INFO = Buffer.from('info');

/** The same for a task's worktree, which is on the task's branch. */
export async function confineTask(
  repository: Repository,
  places: WorkspacePlaces,
  start: ObjectId,
  trash: string,
): Promise<readonly GitMount[]> {
  const admin = adminOf(repository, places);
  await belongTo(admin, null);
  const parts = { own: ownRepository(places.folder), mirror: mirrorOf(repository), admin, trash };
  return confine(parts, { ref: places.branchRef, id: start });
}

/** The same without a sandbox: the worktree belongs to the task's own repository, until what it has is taken in. */
export async function separateTask(
  repository: Repository,
  places: WorkspacePlaces,
  start: ObjectId,
  trash: string,
): Promise<void> {
  const [own, mirror, admin] = [ownRepository(places.folder), mirrorOf(repository), adminOf(repository, places)];
  await makeOwn({ own, mirror, admin, trash }, { ref: places.branchRef, id: start });
  writeFileSync(join(own, 'objects/info/alternates'), `${join(mirror, 'objects')}\n`);
  writeFileSync(join(own, 'config'), configuration(repository.store.algorithm, true, MIRROR_EXTRA));
  writeFileSync(join(own, 'HEAD'), `ref: ${places.branchRef}\n`);
  await belongTo(admin, own);
}

function adminOf(repository: Repository, { taskId }: WorkspacePlaces): string {
  return adminFolder(mirrorOf(repository), taskId);
}
