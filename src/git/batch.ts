/**
 * Candidates that land together: their commits written anew, each with the tree whose gate run covers it in its trailer,
 * and all of them pushed at once. The trees stay what they were, and the same parts give the same commits (N2).
 */

import type { ObjectId } from '../core/ids.ts';
import type { Part, SealAnswer } from '../core/queue.ts';
import type { Below, Candidate, LandResult, Target } from '../core/queue-types.ts';
import { landingOf, rememberLanding, writeCandidate } from './candidate.ts';
import { land } from './land.ts';
import type { LandingDeps } from './landing-parts.ts';
import { newInCandidate } from './new-objects.ts';
import { readLoose, type RawObject } from './objects.ts';
import { deleteRef, taskRef } from './refs.ts';
import { remake } from './remake.ts';
import type { Repository } from './repository.ts';
import type { Landed } from './types.ts';

const MAX_COMMIT_BYTES = 1024 * 1024;

/** @throws Error when a candidate cannot be made on this host */
export async function sealCandidates(
  deps: LandingDeps,
  target: Target,
  parts: readonly Part[],
  below: readonly Below[],
): Promise<SealAnswer> {
  const opened = await deps.repositories.openLanding(target);
  if (opened.kind === 'failed') return { kind: 'failed', text: opened.message };
  const { repository } = opened;
  const known = parts.every(({ candidate }) => deps.recent.get(candidate.commit) !== null);
  if (!known) await remake(deps, repository, target, [...below, ...parts.map(belowOf)]);
  const made = new Map<ObjectId, ObjectId>();
  const sealed = [];
  for (const { item, candidate, cover } of parts) {
    const main = made.get(candidate.main) ?? candidate.main;
    const { tree, gate } = candidate;
    const commit = await writeCandidate(repository, target.project, item, main, tree, gate.hash, cover ?? undefined);
    await keepObjects(deps, repository, candidate.commit, commit, main);
    made.set(candidate.commit, commit);
    sealed.push({ taskId: item.taskId, attempt: item.attempt, was: candidate.commit, commit, main, cover });
  }
  return { kind: 'sealed', parts: sealed };
}

function belowOf({ item, candidate: { commit, tree, main, gate, cover } }: Part): Below {
  return { item, commit, tree, main, gateHash: gate.hash, ...(cover === undefined ? {} : { cover }) };
}

/** It adds what the one that it replaces did, under another commit. */
async function keepObjects(
  deps: LandingDeps,
  repository: Repository,
  was: ObjectId,
  commit: ObjectId,
  main: ObjectId,
): Promise<void> {
  const before = deps.recent.get(was);
  const own = readLoose(repository.store, commit, MAX_COMMIT_BYTES);
  const added =
    before !== null && own !== null
      ? new Map([...[...before.objects].filter(([id]) => id !== was), [commit, own] as const])
      : await newInCandidate(deps.git, repository, commit);
  if (added !== null) deps.recent.keep(commit, main, added);
}

/** Moves main to the last of them, over all the others, in one push with a lease on what the first stands on. */
export async function landTogether(
  deps: LandingDeps,
  target: Target,
  under: readonly Landed[],
  last: Landed,
): Promise<LandResult> {
  const [first] = under;
  if (first === undefined) return land(deps, target, last.item, last.candidate);
  const opened = await deps.repositories.openLanding(target);
  if (opened.kind === 'open') await gather(deps, opened.repository, [...under, last]);
  // As one candidate on main: the first parents between are what the others are.
  const whole: Candidate = { ...last.candidate, main: first.candidate.main };
  const others = under.map(({ item }) => item);
  const result = await land(deps, target, last.item, whole, others);
  if (result.kind !== 'landed') return result;
  for (const { item, candidate } of [...under, last]) rememberLanding(deps, item, candidate);
  for (const { item, candidate } of under) {
    for (const commit of [item.head, candidate.commit]) deps.recent.forget(commit);
    if (opened.kind === 'open') await deleteRef(opened.repository.gitDir, taskRef(item.taskId, item.attempt, 'head'));
  }
  const landings = under.map(({ item, candidate }) => landingOf(candidate, item));
  return { kind: 'landed', landing: landingOf(last.candidate, last.item), under: landings };
}

/** What the push has to bring is what all of them add. */
async function gather(deps: LandingDeps, repository: Repository, parts: readonly Landed[]): Promise<void> {
  const all: Map<ObjectId, RawObject> = new Map();
  for (const { candidate } of parts) {
    const added =
      deps.recent.get(candidate.commit)?.objects ?? (await newInCandidate(deps.git, repository, candidate.commit));
    if (added === null) return deps.recent.forget(parts.at(-1)?.candidate.commit ?? candidate.commit);
    for (const [id, object] of added) all.set(id, object);
  }
  const last = parts.at(-1);
  const [first] = parts;
  if (last !== undefined && first !== undefined) deps.recent.keep(last.candidate.commit, first.candidate.main, all);
}
