/** Where main is, and how it came there from where it was known to be. */

import type { ObjectId } from '../core/ids.ts';
import type { Candidate, MainSeen, Target } from '../core/queue-types.ts';
import { oneLine } from '../core/text.ts';
import type { LandingDeps } from './landing-parts.ts';
import type { Git } from './git.ts';
import { hasCommit, isAncestor, readObjects } from './merge.ts';
import { fetchRefs, isAbsentRef, isUnreachable } from './origin.ts';
import { readRef } from './refs.ts';
import { placeOf, trackingRef, type Repository } from './repository.ts';
import type { ReadGate } from './types.ts';

const MAX_VANISHED = 30;

export async function seeMain(
  git: Git,
  repository: Repository,
  main: ObjectId,
  known: ObjectId | null,
): Promise<MainSeen> {
  if (known === null) return { commit: main, since: 'first', vanished: [] };
  if (known === main) return { commit: main, since: 'same', vanished: [] };
  const isKnown = await hasCommit(git, repository, known);
  if (isKnown && (await isAncestor(git, repository, known, main)))
    return { commit: main, since: 'ahead', vanished: [] };
  // A commit that a fetch of main does not bring is not below main.
  const vanished = isKnown ? await vanishedLandings(git, repository, known, main) : [];
  return { commit: main, since: 'rewritten', vanished };
}

/** Main as it is now; null when the origin does not answer, or has no such branch. */
export async function lookAtMain(deps: LandingDeps, target: Target, known: ObjectId | null): Promise<MainSeen | null> {
  const tracking = trackingRef(target.branch);
  try {
    const opened = await deps.repositories.openLanding(target);
    if (opened.kind === 'failed') return null;
    const { repository } = opened;
    await deps.repositories.exclusively(repository, () =>
      fetchRefs(deps.git, placeOf(repository), target.origin, [`+refs/heads/${target.branch}:${tracking}`]),
    );
    const main = await readRef(repository.gitDir, tracking);
    return main === null ? null : await seeMain(deps.git, repository, main, known);
  } catch (error) {
    if (isAbsentRef(error) || isUnreachable(error)) return null;
    throw error;
  }
}

/** A commit of main as a candidate is, with the gate that it has itself. */
export async function mainCandidate(
  deps: LandingDeps,
  target: Target,
  commit: ObjectId,
  readGate: ReadGate,
): Promise<Candidate | null> {
  const opened = await deps.repositories.openLanding(target);
  if (opened.kind === 'failed') return null;
  const { repository } = opened;
  const [tree, tasksYaml] = await readObjects(deps.git, repository, [`${commit}^{tree}`, `${commit}:tasks.yaml`]);
  if (tree?.type !== 'tree') return null;
  const read = readGate(tasksYaml?.type === 'blob' ? tasksYaml.content.toString('utf8') : null);
  return read.kind === 'invalid' ? null : { commit, tree: tree.id, main: commit, gate: read.gate };
}

/** First parents with a task's trailer that main no longer has, newest first, a line each. */
async function vanishedLandings(
  git: Git,
  repository: Repository,
  known: ObjectId,
  main: ObjectId,
): Promise<readonly string[]> {
  const format = '%H%x00%s%x00%(trailers:key=Task-Id,valueonly)%x00';
  const args = ['log', '--first-parent', `--max-count=${MAX_VANISHED}`, `--format=${format}`, known, `^${main}`, '--'];
  const { stdout } = await git.local(args, placeOf(repository));
  const fields = stdout.toString('utf8').split('\0');
  const lines: string[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [commit = '', title = '', task = ''] = fields.slice(at, at + 3).map((field) => field.trim());
    if (task !== '') lines.push(`${task} ${oneLine(title)} (${commit.slice(0, 12)})`);
  }
  return lines;
}
