/**
 * Builds candidates without a checkout. The same item on the same main under the same gate gives the same commit, on
 * every host and after every crash: so landing twice is landing the same commit (N2).
 */

import { oneLine, printable } from '../core/text.ts';
import type { FailureKind } from '../core/failure.ts';
import type { ObjectId, ProjectName, TaskId } from '../core/ids.ts';
import type { BuildResult, Candidate, QueueItem, Target } from '../core/queue-types.ts';
import { naming } from '../core/removed-tests.ts';
import type { Landing } from '../core/task-events.ts';
import { conflictRequest } from './conflict-evidence.ts';
import { mayBeMadeAnew, mergeDeclared } from './declared-merge.ts';
import type { Git } from './git.ts';
import { fetchForLanding, readParts, type LandingDeps } from './landing-parts.ts';
import { hasCommit, isSlowMerge, objectId, rememberTree, type Merge } from './merge.ts';
import { seeMain } from './main-seen.ts';
import { remake } from './remake.ts';
import { newInCandidate } from './new-objects.ts';
import { writeCommit } from './objects.ts';
import { shownOrigin } from '../core/origin-url.ts';
import { isUnreachable, missingBranch, problemOf } from './origin.ts';
import { readRef, taskRef } from './refs.ts';
import { placeOf, type Repository } from './repository.ts';
import type { BuildCandidateRequest, BuiltCandidate, ReadGate } from './types.ts';

const GATE_HASH_CHARS = 16;

const MAX_REMEMBERED = 2_000;

/** Keeps in mind what a landed commit is, so that main's history need not be searched for other tasks' sake. */
export function rememberLanding(deps: LandingDeps, item: QueueItem, { commit, main }: Candidate): void {
  const oldest = deps.landed.keys().next();
  if (deps.landed.size >= MAX_REMEMBERED && oldest.done !== true) deps.landed.delete(oldest.value);
  deps.landed.set(commit, { taskId: item.taskId, main });
}

/** Whether all of main since the task's base is known to be of other tasks. */
function isOfOthers(deps: LandingDeps, item: QueueItem, main: ObjectId): boolean {
  let at = main;
  for (let steps = 0; steps <= MAX_REMEMBERED; steps += 1) {
    if (at === item.base) return true;
    const known = deps.landed.get(at);
    if (known === undefined || known.taskId === item.taskId) return false;
    at = known.main;
  }
  return false;
}

/** Builds a candidate on main as it is, or on another candidate. */
export async function buildCandidate(...args: Parameters<typeof buildOnce>): Promise<BuiltCandidate> {
  try {
    return await buildOnce(...args).catch((error: unknown) => {
      if (!isSlowMerge(error)) throw error;
      // The machine may have stood still meanwhile.
      return buildOnce(...args);
    });
  } catch (error) {
    if (!isSlowMerge(error)) throw error;
    // Whoever made it so: others must not wait for it each time.
    const [, { branch }, { item }] = args;
    const message = `git could not merge ${taskRef(item.taskId, item.attempt, 'head')} with ${branch} in the time that a merge has`;
    return unseen(
      refused(
        'landing-refused',
        message,
        'have it done in smaller parts: very large files, or thousands that were moved and changed, take git long',
      ),
    );
  }
}

async function buildOnce(
  deps: LandingDeps,
  target: Target,
  request: BuildCandidateRequest,
  readGate: ReadGate,
): Promise<BuiltCandidate> {
  try {
    const opened = await deps.repositories.openLanding(target);
    if (opened.kind === 'failed') return unseen(refused(opened.failure, opened.message, opened.next));
    const { repository } = opened;
    const main = await fetchForLanding(deps, repository, request.item);
    if (main === null) {
      const { failure, message, next } = missingBranch(target.origin, target.branch);
      return unseen(refused(failure, message, next));
    }
    const seen = await seeMain(deps.git, repository, main, request.known);
    const { parent } = request;
    const built =
      parent === null || parent === main
        ? await buildOnMain(deps, repository, target, request.item, main, readGate)
        : await buildOnCandidate(deps, repository, target, { ...request, parent }, main, readGate);
    return { window: null, ...built, main: seen };
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    const text = problemOf(error, target.origin)?.message ?? shownOrigin(target.origin);
    return unseen({ kind: 'held', why: 'origin', text });
  }
}

function unseen(result: BuildResult): BuiltCandidate {
  return { result, main: null, window: null };
}

interface Built {
  readonly result: BuildResult;
  readonly window?: number | null;
  readonly batch?: boolean;
  readonly verify?: boolean;
}

async function buildOnMain(
  deps: LandingDeps,
  repository: Repository,
  target: Target,
  item: QueueItem,
  main: ObjectId,
  readGate: ReadGate,
): Promise<Built> {
  const { git } = deps;
  const isThere = await hasHead(git, repository, item);
  // On the very main that the task stands on, the merge is the task's own tree: a store takes only descendants of base.
  const isNext = main === item.base;
  const [landing, merged, { mainTree, tasksYaml, headTree }] = await Promise.all([
    isOfOthers(deps, item, main) ? null : findLanding(git, repository, item, main),
    isThere && !isNext ? mergeDeclared(deps, repository, main, item.head, main) : null,
    readParts(git, repository, main, item.head),
  ]);
  const merge: Merge | null = isNext && isThere && headTree !== null ? { kind: 'clean', tree: headTree } : merged;
  if (landing !== null) return { result: { kind: 'landed', landing: naming(landing, item.removedTests ?? []) } };
  if (merge === null) return { result: noBranch(item) };
  if (merge.kind === 'conflict') {
    return conflictWith(deps, repository, item, main, merge);
  }
  if (merge.tree === mainTree) return { result: { kind: 'nothing-to-land' } };
  return writeWith(deps, repository, target, item, main, merge.tree, tasksYaml, readGate);
}

async function hasHead(git: Git, repository: Repository, { taskId, attempt, head }: QueueItem): Promise<boolean> {
  const ref = await readRef(repository.gitDir, taskRef(taskId, attempt, 'head'));
  return ref === head || hasCommit(git, repository, head);
}

/** On a candidate ahead, which this host makes again when it lacks it. */
async function buildOnCandidate(
  deps: LandingDeps,
  repository: Repository,
  target: Target,
  { item, parent, below }: BuildCandidateRequest & { readonly parent: ObjectId },
  main: ObjectId,
  readGate: ReadGate,
): Promise<Built> {
  const { git } = deps;
  if (!(await hasHead(git, repository, item))) return { result: noBranch(item) };
  if (!(await hasCommit(git, repository, parent))) await remake(deps, repository, target, below);
  const [landing, merge, { mainTree: parentTree, tasksYaml }] = await Promise.all([
    isOfOthers(deps, item, main) ? null : findLanding(git, repository, item, main),
    mergeDeclared(deps, repository, parent, item.head, parent),
    readParts(git, repository, parent, item.head),
  ]);
  // Also one that stands on others: a task that was set back may have landed long ago (N2).
  if (landing !== null) return { result: { kind: 'landed', landing: naming(landing, item.removedTests ?? []) } };
  if (merge.kind === 'clean' && merge.tree !== parentTree) {
    return writeWith(deps, repository, target, item, parent, merge.tree, tasksYaml, readGate);
  }
  const onMain = await mergeDeclared(deps, repository, main, item.head, main);
  return onMain.kind === 'conflict'
    ? conflictWith(deps, repository, item, main, onMain)
    : { result: { kind: 'behind' } };
}

async function conflictWith(
  deps: LandingDeps,
  repository: Repository,
  item: QueueItem,
  main: ObjectId,
  merge: Extract<Merge, { kind: 'conflict' }>,
): Promise<Built> {
  const request = await conflictRequest(deps.git, repository, item, main, merge);
  const mayBe = await mayBeMadeAnew(deps, repository, main, merge.files);
  return { result: { kind: 'conflict', request: mayBe ? { ...request, regenerate: true } : request } };
}

/** The gate is the one that the commit below has: what main will be when this lands. */
async function writeWith(
  deps: LandingDeps,
  repository: Repository,
  target: Target,
  item: QueueItem,
  main: ObjectId,
  tree: ObjectId,
  tasksYaml: string | null,
  readGate: ReadGate,
): Promise<Built> {
  const read = readGate(tasksYaml);
  if (read.kind === 'invalid') return { result: { kind: 'held', why: 'gate', text: read.message } };
  const { gate, window, batch = false, verify = false } = read;
  const commit = await writeCandidate(repository, target.project, item, main, tree, gate.hash);
  const added = await newInCandidate(deps.git, repository, commit);
  if (added !== null) deps.recent.keep(commit, main, added);
  return {
    result: { kind: 'candidate', candidate: { commit, tree, main, gate }, knownGreen: false },
    window: window ?? null,
    batch,
    verify,
  };
}

function noBranch({ taskId, attempt }: QueueItem): BuildResult {
  const ref = taskRef(taskId, attempt, 'head');
  return refused('landing-refused', `the task's branch ${ref} is no longer on the origin`, 'retry the task');
}

/** The commit among main's first parents that landed the task, told by its trailers; null when there is none since `base`. */
export async function findLanding(
  git: Git,
  repository: Repository,
  { taskId, base }: { readonly taskId: TaskId; readonly base: ObjectId | null },
  main: ObjectId,
): Promise<Landing | null> {
  const format =
    '%H%x00%T%x00%P%x00%(trailers:key=Task-Id,valueonly)%x00%(trailers:key=Task-Attempt,valueonly)%x00%(trailers:key=Gate-Hash,valueonly)%x00';
  const args = ['log', '--first-parent', '--fixed-strings', `--grep=Task-Id: ${taskId}`, `--format=${format}`];
  const bound = base === null ? [] : [`^${base}`];
  const since = await git.local([...args, main, ...bound, '--'], {
    ...placeOf(repository),
    accept: [128],
    mayLack: true,
  });
  // A base that main's history no longer has cannot bound the search.
  const { stdout } = since.code === 0 ? since : await git.local([...args, main, '--'], placeOf(repository));
  const fields = stdout
    .toString('utf8')
    .split('\0')
    .map((field) => field.trim());
  for (let at = 0; at + 5 < fields.length; at += 6) {
    const [commit = '', tree = '', parents = '', id, attempt, gateHash = ''] = fields.slice(at, at + 6);
    // Whichever attempt it was: a task that was set back must not land again (N2).
    if (id !== taskId || !/^\d{1,9}$/.test(attempt ?? '')) continue;
    const [first = ''] = parents.split(' ');
    return {
      commit: objectId(commit),
      tree: objectId(tree),
      main: objectId(first),
      attempt: Number(attempt),
      gateHash,
    };
  }
  return null;
}

/**
 * The commit that would become main's next; its dates are the item's, so that it is the same whenever it is built.
 *
 * @param cover the tree whose gate run covers it, when that is one of a batch
 */
export async function writeCandidate(
  repository: Repository,
  project: ProjectName,
  item: QueueItem,
  main: ObjectId,
  tree: ObjectId,
  gateHash: string,
  cover?: ObjectId,
): Promise<ObjectId> {
  const title = oneLine(item.title) || `Task ${item.taskId}`;
  const summary = withoutTrailers(printable(item.summary).trim());
  const trailers = [
    `Task-Id: ${item.taskId}`,
    `Task-Attempt: ${item.attempt}`,
    `Gate-Hash: ${shortGateHash(gateHash)}`,
    ...(cover === undefined ? [] : [`Gate-Covered-By: ${cover}`]),
    ...(item.removedTests ?? []).map((name) => `Removed-Test: ${oneLine(name)}`),
    `Tributary-Project: ${project}`,
  ].join('\n');
  const commit = await writeCommit(repository.store, {
    tree,
    parents: [main, item.head],
    author: item.author,
    seconds: Math.floor(item.enqueuedAtMs / 1000),
    message: [title, ...(summary === '' ? [] : [summary]), trailers].join('\n\n'),
  });
  rememberTree(commit, tree);
  return commit;
}

export function landingOf(candidate: Candidate, item: QueueItem): Landing {
  const { commit, tree, main, gate } = candidate;
  const landing = { commit, tree, main, attempt: item.attempt, gateHash: shortGateHash(gate.hash) };
  return naming(landing, item.removedTests ?? []);
}

function shortGateHash(hash: string): string {
  return hash.slice(0, GATE_HASH_CHARS);
}

/** An agent's summary cannot claim to be another task's landing. */
function withoutTrailers(text: string): string {
  return text.replace(
    /^(Task-Id|Task-Attempt|Gate-Hash|Gate-Covered-By|Removed-Test|Tributary-Project)(\s*):/gim,
    '$1$2 -',
  );
}

function refused(kind: FailureKind, message: string, next: string): BuildResult {
  return { kind: 'refused', failure: { kind, message, next } };
}
