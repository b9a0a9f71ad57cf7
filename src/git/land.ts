/**
 * Moves the origin's main to a candidate, by compare-and-swap alone (N2), and looks afterwards at what main is (N3).
 *
 * Whatever is not known for certain is found out by looking: a push whose answer was lost either left the candidate
 * among main's ancestors or it did not.
 */

import { join } from 'node:path';
import { quote, type ObjectId } from '../core/ids.ts';
import type { Candidate, LandResult, QueueItem, Target } from '../core/queue-types.ts';
import { exists } from '../files/read.ts';
import { landingOf, rememberLanding } from './candidate.ts';
import { fetchForLanding, type LandingDeps } from './landing-parts.ts';
import { GitError } from './command.ts';
import { findCheckout, gitFolderApart, receivePackFor, type CheckedOut } from './checked-out.ts';
import { inspectCheckout, markLanding, unmarkLanding } from './checkout-state.ts';
import { finishHalfMadeLanding, removeStaleIndexLock } from './half-made-landing.ts';
import type { Git } from './git.ts';
import { listOriginTaskRefs, localPathOf, readOriginRef } from './local-origin.ts';
import { hasCommit, isAncestor, treeOf } from './merge.ts';
import { shownOrigin } from '../core/origin-url.ts';
import {
  isLocked,
  isUnreachable,
  listRemote,
  problemOf,
  push,
  refusedWith,
  type PushRequest,
  type PushResult,
} from './origin.ts';
import { newInCandidate } from './new-objects.ts';
import { deleteRef, taskRef } from './refs.ts';
import { whyUnwritten } from './origin-full.ts';
import { isProtected } from './refusal.ts';
import type { Repository } from './repository.ts';

export async function land(
  deps: LandingDeps,
  target: Target,
  item: QueueItem,
  candidate: Candidate,
  /** Whose work goes along, below the candidate's: see batch.ts. */
  others: readonly QueueItem[] = [],
): Promise<LandResult> {
  try {
    const opened = await deps.repositories.openLanding(target);
    if (opened.kind === 'failed') {
      const { message, next } = opened;
      return { kind: 'refused', failure: { kind: 'bad-configuration', message, next } };
    }
    return await tryLanding(deps, opened.repository, item, candidate, others);
  } catch (error) {
    if (isUnreachable(error)) {
      return {
        kind: 'held',
        why: 'origin',
        text: problemOf(error, target.origin)?.message ?? shownOrigin(target.origin),
      };
    }
    throw error;
  }
}

async function tryLanding(
  deps: LandingDeps,
  repository: Repository,
  item: QueueItem,
  candidate: Candidate,
  others: readonly QueueItem[],
): Promise<LandResult> {
  const { branch, origin } = repository.origin;
  // A candidate that this host did not build, or no longer has, is built again before it can land.
  const loose = join(repository.store.folder, candidate.commit.slice(0, 2), candidate.commit.slice(2));
  const hasObjects = (await exists(loose)) || (await hasCommit(deps.git, repository, candidate.commit));
  const tree = hasObjects ? await treeOf(deps.git, repository, candidate.commit) : null;
  if (tree !== candidate.tree) return { kind: 'moved' };
  const checkout = await findCheckout(deps.git, origin, branch);
  if (checkout !== null) {
    const state = await inspectCheckout(deps.git, repository, checkout, candidate);
    if (state.kind === 'dirty') return { kind: 'held', why: 'checkout', text: state.text };
    if (state.kind === 'half-made') {
      const finished = await finishHalfMadeLanding(deps.git, repository, checkout, {
        item,
        candidate,
        changes: state.changes,
      });
      if (finished !== null) return { kind: 'held', why: 'checkout', text: finished };
    } else {
      // Left by a landing that was cut off before its first file, it would stop every later one.
      await removeStaleIndexLock(checkout);
    }
    await markLanding(checkout, candidate);
  }
  const pushed = await pushCandidate(deps, repository, [item, ...others], candidate, checkout).catch(
    (error: unknown) => {
      // It may have arrived all the same.
      if (error instanceof GitError && error.reason === 'timeout') return null;
      throw error;
    },
  );
  const result = await judge(deps, repository, item, candidate, pushed, checkout);
  if (checkout !== null && result.kind !== 'held') await unmarkLanding(checkout);
  return result;
}

async function pushCandidate(
  deps: LandingDeps,
  repository: Repository,
  items: readonly QueueItem[],
  candidate: Candidate,
  checkout: CheckedOut | null,
): Promise<PushResult> {
  const { branch, origin } = repository.origin;
  const heads = items.map(({ taskId, attempt }) => taskRef(taskId, attempt, 'head'));
  const ended = await Promise.all(items.map((item) => endedRefs(deps.git, origin, item)));
  return push(deps.git, repository.gitDir, origin, {
    updates: [{ ref: `refs/heads/${branch}`, id: candidate.commit, expected: candidate.main }],
    deletions: [...new Set([...heads, ...ended.flat()])],
    ...(checkout === null
      ? await knownObjects(deps, repository, candidate, items.length === 1)
      : { receivePack: receivePackFor(deps.git.gitPath) }),
  });
}

/** The origin has main and the task's branch: new there is what the candidate has beside them. */
async function knownObjects(
  { git, recent }: LandingDeps,
  repository: Repository,
  candidate: Candidate,
  isAlone: boolean,
): Promise<Pick<PushRequest, 'known'>> {
  if (localPathOf(repository.origin.origin) === null) return {};
  const looked = isAlone ? () => newInCandidate(git, repository, candidate.commit) : () => null;
  const known = recent.get(candidate.commit)?.objects ?? (await looked());
  return known === null ? {} : { known: { algorithm: repository.store.algorithm, objects: [...known.values()] } };
}

/**
 * What else can go in the push that lands the task, which is all or nothing: main has the work exactly when they are
 * gone (N8). Where they cannot be seen without asking, they are left to the clean-up after the task's end.
 */
async function endedRefs(git: Git, origin: string, item: QueueItem): Promise<readonly string[]> {
  const there = (await listOriginTaskRefs(git, origin, [item.taskId])) ?? [];
  return there.filter((ref) => Number(ref.split('/')[3]) <= item.attempt);
}

/** What a push came to, by what main is after it. */
async function judge(
  deps: LandingDeps,
  repository: Repository,
  item: QueueItem,
  candidate: Candidate,
  pushed: PushResult | null,
  checkout: CheckedOut | null,
): Promise<LandResult> {
  const { project, branch, origin } = repository.origin;
  const mainRef = `refs/heads/${branch}`;
  const main = await mainAfter(deps.git, repository, candidate, pushed);
  if (main === candidate.commit) return confirm(deps, repository, item, candidate, main);
  if (main !== candidate.main) {
    const fetched = await fetchForLanding(deps, repository, item);
    if (fetched === null) return { kind: 'moved' };
    if (!(await isAncestor(deps.git, repository, candidate.commit, fetched))) return { kind: 'moved' };
    await forget(repository, item);
    return { kind: 'landed', landing: landingOf(candidate, item) };
  }
  if (pushed === null)
    return { kind: 'held', why: 'origin', text: `${shownOrigin(origin)} did not answer a push in time` };
  const outcome = pushed.refs.get(mainRef);
  const reason = outcome?.kind === 'refused' ? outcome.reason : 'no reason was given';
  if (checkout !== null) {
    const state = await inspectCheckout(deps.git, repository, checkout, candidate);
    const text =
      state.kind === 'dirty' ? state.text : `${checkout.path} could not be updated: ${refusedWith(reason, pushed)}`;
    return { kind: 'held', why: 'checkout', text };
  }
  const folder = localPathOf(origin);
  if (/branch is currently checked out/.test(reason) && folder !== null)
    return { kind: 'held', why: 'checkout', text: await whyCheckedOut(deps.git, folder, branch) };
  // Another writer moved main, or was about to, at that moment.
  if (outcome?.kind === 'stale' || /failed to update ref|incorrect old value/.test(reason)) return { kind: 'moved' };
  const unwritten = whyUnwritten(pushed);
  if (unwritten !== null) {
    const text = `${shownOrigin(origin)} cannot write what is pushed to it (${quote(unwritten)}); if its disk is full, make room there: landing goes on by itself`;
    return { kind: 'held', why: 'origin', text };
  }
  if (isLocked(pushed)) {
    const text = `another git command is at work in ${shownOrigin(origin)}; landing goes on by itself when it has ended (${quote(pushed.words)})`;
    return { kind: 'held', why: 'origin', text };
  }
  const refused = refusedWith(reason, pushed);
  if (isProtected(reason, pushed.words)) {
    const fix = `let Tributary's account push to ${branch} (in a hosted repository: on the list of those who may bypass its rules)`;
    const text = `${shownOrigin(origin)} lets nobody push to ${branch}: ${refused}. ${fix}; then: tasks queue resume --project ${project}`;
    return { kind: 'protected', text };
  }
  return {
    kind: 'refused',
    failure: {
      kind: 'landing-refused',
      message: `the origin refused to move ${branch}: ${refused}`,
      next: `change what the origin objects to, or let Tributary's account push to ${branch}; then retry the task`,
    },
  };
}

/** Of a branch that is checked out for git, and in no worktree that could be moved along. */
async function whyCheckedOut(git: Git, folder: string, branch: string): Promise<string> {
  const apart = await gitFolderApart(git, folder, branch);
  if (apart !== null)
    return `${branch} is checked out by a worktree whose git folder is elsewhere (${apart}, as git init --separate-git-dir makes it), and git cannot move its files along: check out something else in it (git switch --detach); landing goes on by itself`;
  // To git it is so also while it is rebased or bisected, though the worktree is on no branch then.
  return `${branch} is being rebased or bisected in ${folder}, or is checked out in a worktree that is gone: finish it, or end it (git rebase --abort, git bisect reset, git worktree prune); landing goes on by itself`;
}

/**
 * Where main is after a push. An origin that took the push has said so: it moved main from the leased commit to the
 * candidate. One on this host is looked at all the same; any other answer is found out by asking again.
 */
async function mainAfter(
  git: Git,
  repository: Repository,
  candidate: Candidate,
  pushed: PushResult | null,
): Promise<ObjectId | null> {
  const { branch, origin } = repository.origin;
  const mainRef = `refs/heads/${branch}`;
  if (pushed?.ok === true && pushed.refs.get(mainRef)?.kind === 'moved') {
    if (localPathOf(origin) === null) return candidate.commit;
    if ((await readOriginRef(git, origin, mainRef)) === candidate.commit) return candidate.commit;
  }
  return (await listRemote(git, repository.gitDir, origin, [mainRef])).get(mainRef) ?? null;
}

/** Compares what main now is with what was tested (N3). */
async function confirm(
  deps: LandingDeps,
  repository: Repository,
  item: QueueItem,
  candidate: Candidate,
  main: ObjectId,
): Promise<LandResult> {
  const tree = await treeOf(deps.git, repository, main);
  if (tree !== candidate.tree) {
    const text = `${repository.origin.branch} is at ${main} with the tree ${tree}, but ${candidate.tree} was tested`;
    return { kind: 'mismatch', text };
  }
  rememberLanding(deps, item, candidate);
  deps.repositories.keepWhole(repository, main);
  for (const commit of [item.head, candidate.commit]) deps.recent.forget(commit);
  await forget(repository, item);
  return { kind: 'landed', landing: landingOf(candidate, item) };
}

async function forget(repository: Repository, item: QueueItem): Promise<void> {
  await deleteRef(repository.gitDir, taskRef(item.taskId, item.attempt, 'head'));
}
