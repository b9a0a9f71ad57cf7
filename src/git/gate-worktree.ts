/**
 * Kept worktrees of the mirror in which gates run, one run at a time each.
 *
 * A worktree is handed out only when its index is the candidate's tree and its files are the index (N3), or for set-up
 * main's tree, before it goes to the candidate's. Nothing stays between runs; what set-up made of main is kept elsewhere
 * and laid into each (set-up-store.ts).
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { quote, type ObjectId } from '../core/ids.ts';
import type { Below, Candidate, QueueItem, Target } from '../core/queue-types.ts';
import { isNoSpace } from '../files/errors.ts';
import { readText, statusOf } from '../files/read.ts';
import { removeAny, removeTree, removeWhole } from '../files/remove.ts';
import { makeFolder } from '../files/write.ts';
import { GitError } from './command.ts';
import { fetchHead } from './landing-parts.ts';
import type { MergeDeps } from './declared-merge.ts';
import { placeAt, type DeskPlace } from './desk.ts';
import { differencesOf, putBack } from './differences.ts';
import { removeForeign } from './foreign.ts';
import { dropHome, makeHome, type GateHome } from './gate-home.ts';
import { GATE_INDEX, leaseGate, releaseGate, type GatePlaces, type LeaseDeps } from './gate-lease.ts';
import type { Git } from './git.ts';
import { removeBlocking } from './inspect.ts';
import { hasCommit, treeOf } from './merge.ts';
import { unmountBelow } from './overlay.ts';
import { gitFileContent } from './places.ts';
import type { RecentWork } from './recent-work.ts';
import { readRef, taskRef } from './refs.ts';
import { remake, remakeOne } from './remake.ts';
import { trackingRef, type Repositories, type Repository } from './repository.ts';
import { hasSetUp, keepSetUp, laySetUp, type SetUpStore } from './set-up-store.ts';
import type { GateWorktree } from './types.ts';
import { isUnchanged } from './unchanged.ts';
import { installIndex, writeWorktreeLink } from './worktree-link.ts';

export interface GateDeps extends MergeDeps, LeaseDeps {
  readonly repositories: Repositories;
  readonly recent: RecentWork;
  /** Whether overlays may be tried: not again once one could not be made. */
  readonly overlays: { works: boolean };
}

const LOCK_FILES = [
  'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'requirements*.txt', 'poetry.lock',
  'uv.lock', 'Pipfile.lock', 'go.sum', 'Cargo.lock', 'Gemfile.lock', 'composer.lock',
]; // prettier-ignore

/** @throws GitError or Error when the worktree cannot be made what the candidate is */
export async function gateWorktree(
  deps: GateDeps,
  target: Target,
  item: QueueItem | null,
  candidate: Candidate,
  below: readonly Below[],
): Promise<GateWorktree> {
  const opened = await deps.repositories.openMirror(target);
  if (opened.kind === 'failed') throw new Error(opened.message);
  const { repository } = opened;
  if (item === null) {
    if (!(await hasCommit(deps.git, repository, candidate.commit))) await deps.repositories.fetchBranch(repository);
  } else {
    await remake(deps, repository, target, below);
    await rebuildCandidate(deps, repository, target, item, candidate);
  }
  const places = await leaseGate(deps, repository);
  try {
    const main = item === null ? candidate.commit : (below[0]?.main ?? candidate.main);
    try {
      return await fill(deps, repository, places, candidate, main);
    } catch (error) {
      if (!isOfWorktree(error)) throw error;
      // Whatever it is that is wrong with it, the next run would get the same one.
      await takeOff(places, join(deps.home, 'trash'));
      await dropWorktree(deps, places);
      return await fill(deps, repository, places, candidate, main);
    }
  } catch (error) {
    await releaseGate(deps, places);
    throw error;
  }
}

/** Not of the repository or of the disk: a worktree made anew can do without it. */
function isOfWorktree(error: unknown): boolean {
  return !isNoSpace(error) && (!(error instanceof GitError) || error.reason === 'exit' || error.reason === 'missing');
}

async function dropWorktree(deps: GateDeps, { path, admin, desk }: GatePlaces): Promise<void> {
  for (const each of [path, admin, desk]) await removeTree(each, join(deps.home, 'trash'));
}

/** The candidate in the mirror, made of the same parts; it must have the same id. */
async function rebuildCandidate(
  deps: GateDeps,
  repository: Repository,
  target: Target,
  item: QueueItem,
  candidate: Candidate,
): Promise<void> {
  const { git } = deps;
  const { gitDir } = repository;
  const ref = taskRef(item.taskId, item.attempt, 'head');
  const tracking = trackingRef(target.branch);
  const hasMain =
    deps.repositories.isWhole(repository, candidate.main) ||
    (await readRef(gitDir, tracking)) === candidate.main ||
    (await hasCommit(git, repository, candidate.main));
  if (!hasMain) await deps.repositories.fetchBranch(repository);
  if ((await readRef(gitDir, ref)) !== item.head && !(await hasCommit(git, repository, item.head))) {
    await fetchHead(deps, repository, item);
  }
  await remakeOne(deps, repository, target, { ...candidate, item, gateHash: candidate.gate.hash });
  deps.repositories.keepWhole(repository, candidate.commit);
}

async function fill(
  deps: GateDeps,
  repository: Repository,
  places: GatePlaces,
  candidate: Candidate,
  main: ObjectId,
): Promise<GateWorktree> {
  const { git } = deps;
  const place = placeAt(repository, places.path, places.desk, GATE_INDEX);
  const { setup } = candidate.gate;
  const trash = join(deps.home, 'trash');
  await takeOff(places, trash);
  // What a run has left: git looks at the files before all that is not the commit's is removed.
  await removeBlocking(places.path);
  await moveTo(deps, places, place, candidate.commit);
  await verifyTree(git, repository, candidate);
  const store: SetUpStore = { folder: places.setUps, overlays: deps.overlays };
  const key = setup === null ? null : await setUpKey(git, place, setup);
  const isKept = key !== null && (await hasSetUp(store, key));
  let isOnMain = false;
  if (key !== null && setup !== null && !isKept && main !== candidate.commit) {
    await moveTo(deps, places, place, main);
    isOnMain = (await setUpKey(git, place, setup)) === key;
    // Other lock files than main's: a set-up of its own, which no other run sees.
    if (!isOnMain) await moveTo(deps, places, place, candidate.commit);
  }
  const { algorithm } = repository.store;
  const tree = isOnMain ? await treeOf(git, repository, main) : candidate.tree;
  if (!(await isUnchanged({ worktree: places.path, index: places.index, algorithm }, tree))) await cleanUp(git, place);
  if (key !== null && isKept) await laySetUp(store, key, { worktree: places.path, layers: places.layers });
  const isOfMain = isOnMain || main === candidate.commit;
  await makeHome(store, places.home, key === null ? null : { key, isKept, isOfMain });
  await installIndex(places.index, places.admin);
  const goToCandidate = async (): Promise<void> => {
    await moveTo(deps, places, place, candidate.commit);
    await cleanUp(git, place);
    await installIndex(places.index, places.admin);
    isOnMain = false;
  };
  const giveBack = async (andThen: () => Promise<void>): Promise<void> => {
    try {
      await takeOff(places, trash);
      await andThen();
    } finally {
      await releaseGate(deps, places);
    }
  };
  return {
    path: places.path,
    home: places.home.path,
    needsSetup: key !== null && !isKept,
    isOnMain: () => isOnMain,
    goToCandidate,
    markSetUp: async () => {
      if (key === null) return;
      await removeBlocking(places.path);
      if (!isOnMain && main !== candidate.commit) {
        // What is judged is the candidate, and not what its set-up has made of its lock file, say.
        await putBack(git, place, (await differencesOf(git, place)).changed);
        return;
      }
      await keepMade(store, key, git, place, places.home);
      await goToCandidate();
      await laySetUp(store, key, { worktree: places.path, layers: places.layers });
      await dropHome(places.home, trash);
      await makeHome(store, places.home, { key, isKept: true, isOfMain: true });
    },
    release: () => giveBack(async () => undefined),
    discard: () => giveBack(() => dropWorktree(deps, places)),
  };
}

/** Takes what set-up has made out of the worktree, and its HOME, into the store. */
async function keepMade(store: SetUpStore, key: string, git: Git, place: DeskPlace, home: GateHome): Promise<void> {
  const { ignored } = await differencesOf(git, place, true);
  // A name that is no UTF-8 cannot be written down: what has one is left out, and goes.
  const entries = ignored.map((entry) => entry.replace(/\/$/, '')).filter((entry) => !entry.includes('\uFFFD'));
  await keepSetUp(store, key, place.worktree, entries, home.path);
}

/** Takes off what was laid into it, with all that the run has written there and in its HOME. */
async function takeOff({ path, layers, home, own }: GatePlaces, trash: string): Promise<void> {
  // Nothing is laid into a worktree or a HOME without one of these.
  if (![layers, home.layers, home.path, `${home.path}.tmp`, own].some((each) => statusOf(each) !== null)) return;
  await unmountBelow(path);
  await removeWhole(layers);
  await dropHome(home, trash);
  await removeTree(own, trash);
}

/** Moves the worktree to a commit; one that is too broken for that is made anew. */
async function moveTo(deps: GateDeps, places: GatePlaces, place: DeskPlace, commit: ObjectId): Promise<void> {
  const move = async (): Promise<void> => {
    makeFolder(places.path, 0o700);
    await writeWorktreeLink(places.admin, places.path, `${commit}\n`);
    await removeAny(`${places.index}.lock`);
    await deps.git.local(['read-tree', '--reset', '-u', commit], { ...place, writesWorktree: true });
  };
  if ((await readText(join(places.path, '.git'), 4_096)) === gitFileContent(places.admin)) {
    try {
      await move();
      return;
    } catch (error) {
      if (!(error instanceof GitError) || error.reason !== 'exit') throw error;
    }
  }
  await dropWorktree(deps, places);
  makeFolder(places.desk, 0o700);
  await move();
}

/** Names what set-up was done for: its command and the lock files as the candidate has them. */
async function setUpKey(git: Git, place: DeskPlace, command: string): Promise<string> {
  const patterns = LOCK_FILES.map((name) => `:(glob)**/${name}`);
  const { stdout } = await git.local(['ls-files', '-s', '-z', '--', ...patterns], place);
  return createHash('sha256').update(command).update('\0').update(stdout).digest('hex');
}

/** Sees that the files are the index, and removes all else, ignored or not. */
async function cleanUp(git: Git, place: DeskPlace): Promise<void> {
  const { changed } = await differencesOf(git, place);
  if (changed.length > 0) {
    throw new Error(
      `files of the gate worktree differ from the candidate: ${changed.slice(0, 3).map(quote).join(', ')}`,
    );
  }
  await removeForeign(git, place);
}

/** The index was just read from the candidate's commit, so its tree is the commit's. */
async function verifyTree(git: Git, repository: Repository, candidate: Candidate): Promise<void> {
  const tree = await treeOf(git, repository, candidate.commit);
  if (tree !== candidate.tree) throw new Error(`the gate worktree has the tree ${tree}, not ${candidate.tree}`);
}
