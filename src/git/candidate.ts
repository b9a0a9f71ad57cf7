/**
 * Builds candidates without a checkout. The same item on the same main under the same gate gives the same commit, on
 * every host and after every crash: so landing twice is landing the same commit (N2).
 */

import { oneLine, printable } from '../core/text.ts';
import { tailOf, type FailureKind } from '../core/failure.ts';
import type { ObjectId, ProjectName, TaskId } from '../core/ids.ts';
import { quote } from '../core/ids.ts';
import type { BuildResult, Candidate, QueueItem, Target } from '../core/queue-types.ts';
import type { RevisionRequest } from '../core/task-types.ts';
import type { Landing } from '../core/task-events.ts';
import type { Git } from './git.ts';
import { hasCommit, mergeTrees, objectId, readObjects, rememberTree, type Merge } from './merge.ts';
import { fetchForLanding, readParts, type LandingDeps } from './landing-parts.ts';
import { newInCandidate } from './new-objects.ts';
import { writeCommit } from './objects.ts';
import { isUnreachable, missingBranch, problemOf, shown } from './origin.ts';
import { readRef, taskRef } from './refs.ts';
import { placeOf, type Repository } from './repository.ts';
import type { ReadGate } from './types.ts';

const MAX_CONFLICT_FILES = 50;
const MAX_EVIDENCE_CHARS = 16 * 1024;
const MAX_LANDED_SINCE = 20;
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

export async function buildCandidate(
  deps: LandingDeps,
  target: Target,
  item: QueueItem,
  readGate: ReadGate,
): Promise<BuildResult> {
  try {
    return await build(deps, target, item, readGate);
  } catch (error) {
    if (isUnreachable(error)) {
      return { kind: 'held', why: 'origin', text: problemOf(error, target.origin)?.message ?? shown(target.origin) };
    }
    throw error;
  }
}

async function build(deps: LandingDeps, target: Target, item: QueueItem, readGate: ReadGate): Promise<BuildResult> {
  const { git } = deps;
  const opened = await deps.repositories.openLanding(target);
  if (opened.kind === 'failed') return refused(opened.failure, opened.message, opened.next);
  const { repository } = opened;
  const main = await fetchForLanding(deps, repository, item);
  if (main === null) {
    const { failure, message, next } = missingBranch(target.origin, target.branch);
    return refused(failure, message, next);
  }
  const hasHead =
    (await readRef(repository.gitDir, taskRef(item.taskId, item.attempt, 'head'))) === item.head ||
    (await hasCommit(git, repository, item.head));
  // On the very main that the task stands on, the merge is the task's own tree: a store takes only descendants of base.
  const isNext = main === item.base;
  const [landing, merged, { mainTree, tasksYaml, headTree }] = await Promise.all([
    isOfOthers(deps, item, main) ? null : findLanding(git, repository, item, main),
    hasHead && !isNext ? mergeTrees(git, repository, main, item.head) : null,
    readParts(git, repository, main, item.head),
  ]);
  const merge: Merge | null = isNext && hasHead && headTree !== null ? { kind: 'clean', tree: headTree } : merged;
  if (landing !== null) return { kind: 'landed', landing };
  if (merge === null) {
    const ref = taskRef(item.taskId, item.attempt, 'head');
    return refused('landing-refused', `the task's branch ${ref} is no longer on the origin`, 'retry the task');
  }
  if (merge.kind === 'conflict') {
    return { kind: 'conflict', request: await conflictRequest(git, repository, item, main, merge) };
  }
  if (merge.tree === mainTree) return { kind: 'nothing-to-land' };
  const gate = readGate(tasksYaml);
  if (gate.kind === 'invalid') return { kind: 'held', why: 'gate', text: gate.message };
  const commit = await writeCandidate(repository, target.project, item, main, merge.tree, gate.gate.hash);
  const added = await newInCandidate(git, repository, commit);
  if (added !== null) deps.recent.keep(commit, main, added);
  return { kind: 'candidate', candidate: { commit, tree: merge.tree, main, gate: gate.gate }, knownGreen: false };
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
  const since = await git.local([...args, main, ...bound, '--'], { ...placeOf(repository), accept: [128] });
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

/** The commit that would become main's next; its dates are the item's, so that it is the same whenever it is built. */
export async function writeCandidate(
  repository: Repository,
  project: ProjectName,
  item: QueueItem,
  main: ObjectId,
  tree: ObjectId,
  gateHash: string,
): Promise<ObjectId> {
  const title = oneLine(item.title) || `Task ${item.taskId}`;
  const summary = withoutTrailers(printable(item.summary).trim());
  const trailers = [
    `Task-Id: ${item.taskId}`,
    `Task-Attempt: ${item.attempt}`,
    `Gate-Hash: ${shortGateHash(gateHash)}`,
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
  return { commit, tree, main, attempt: item.attempt, gateHash: shortGateHash(gate.hash) };
}

function shortGateHash(hash: string): string {
  return hash.slice(0, GATE_HASH_CHARS);
}

/** An agent's summary cannot claim to be another task's landing. */
function withoutTrailers(text: string): string {
  return text.replace(/^(Task-Id|Task-Attempt|Gate-Hash|Tributary-Project)(\s*):/gim, '$1$2 -');
}

async function conflictRequest(
  git: Git,
  repository: Repository,
  item: QueueItem,
  main: ObjectId,
  merge: Extract<Merge, { kind: 'conflict' }>,
): Promise<RevisionRequest> {
  const files = merge.files.slice(0, MAX_CONFLICT_FILES);
  const [evidence, landedSince] = await Promise.all([
    conflictEvidence(git, repository, merge.tree, files),
    firstParents(git, repository, item.base, main),
  ]);
  const named = files.slice(0, 3).map(quote).join(', ');
  const more = merge.files.length > 3 ? ` and ${merge.files.length - 3} more` : '';
  const text = `conflicts with what landed since, in ${named}${more}`;
  return { kind: 'conflict', main, text, files, failedCommand: null, evidence, landedSince };
}

/** What landed on main since a commit, newest first. */
export async function firstParents(
  git: Git,
  repository: Repository,
  since: ObjectId,
  main: ObjectId,
): Promise<RevisionRequest['landedSince']> {
  const args = [
    'log',
    '--first-parent',
    `--max-count=${MAX_LANDED_SINCE}`,
    '--format=%H%x00%s%x00',
    main,
    `^${since}`,
    '--',
  ];
  const { stdout, code } = await git.local(args, { ...placeOf(repository), accept: [128] });
  if (code !== 0) return [];
  const fields = stdout
    .toString('utf8')
    .split('\0')
    .map((field) => field.trim());
  const landed: { commit: ObjectId; title: string }[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    landed.push({ commit: objectId(fields[at] ?? ''), title: oneLine(fields[at + 1] ?? '') });
  }
  return landed;
}

/** The conflicting places of each file with both sides, as the merge wrote them. */
async function conflictEvidence(
  git: Git,
  repository: Repository,
  tree: ObjectId,
  files: readonly string[],
): Promise<string> {
  const readable = files.filter((file) => !file.includes('\n'));
  const contents = await readObjects(
    git,
    repository,
    readable.map((file) => `${tree}:${file}`),
    64 * 1024 * 1024,
  );
  const parts: string[] = [];
  for (const [index, file] of readable.entries()) {
    const found = contents[index];
    const hunks = found?.type === 'blob' ? conflictHunks(found.content.toString('utf8')) : '';
    parts.push(`--- ${quote(file)}\n${hunks || '(one side deleted or renamed it, or it is not text)'}`);
  }
  const text = printable(parts.join('\n'));
  return text.length > MAX_EVIDENCE_CHARS
    ? `${text.slice(0, MAX_EVIDENCE_CHARS - 4)}\n[…]`
    : tailOf(text, MAX_EVIDENCE_CHARS);
}

function conflictHunks(text: string): string {
  if (text.includes('\0')) return '';
  const kept: string[] = [];
  let inside = false;
  text.split('\n').forEach((line, index) => {
    if (line.startsWith('<<<<<<< ')) {
      inside = true;
      kept.push(`@@ line ${index + 1}`);
    }
    if (inside) kept.push(line);
    if (line.startsWith('>>>>>>> ')) inside = false;
  });
  return kept.join('\n');
}

function refused(kind: FailureKind, message: string, next: string): BuildResult {
  return { kind: 'refused', failure: { kind, message, next } };
}
