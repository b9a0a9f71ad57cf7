/** Brings what a candidate is made of into the landing repository: over the origin's transport, or from what is known. */

import type { ObjectId, TaskId } from '../core/ids.ts';
import type { QueueItem } from '../core/queue-types.ts';
import type { Git } from './git.ts';
import type { MergeDeps } from './declared-merge.ts';
import { readOriginRef } from './local-origin.ts';
import { knownTreeOf, readObjects, rememberTree } from './merge.ts';
import { readTopFile } from './new-objects.ts';
import { writeObjects } from './objects.ts';
import { fetchRefs, isAbsentRef } from './origin.ts';
import type { RecentWork } from './recent-work.ts';
import { readRef, taskRef, writeRef } from './refs.ts';
import { placeOf, trackingRef, type Repositories, type Repository } from './repository.ts';

export interface LandingDeps extends MergeDeps {
  readonly repositories: Repositories;
  readonly recent: RecentWork;
  /** What this process has landed lately: whose each commit is, and what it stands on. */
  readonly landed: Map<ObjectId, { readonly taskId: TaskId; readonly main: ObjectId }>;
}

/**
 * Brings an item's branch here and main with it, by which what this host has already is found. No ref of the branch: who
 * cleans up after the task does not know every host that ran its gate.
 *
 * @throws GitError when the origin cannot be reached or does not have it
 */
export async function fetchHead(
  { git, repositories }: Pick<LandingDeps, 'git' | 'repositories'>,
  repository: Repository,
  item: Pick<QueueItem, 'taskId' | 'attempt'>,
): Promise<void> {
  const { branch, origin } = repository.origin;
  const refspecs = [`+refs/heads/${branch}:${trackingRef(branch)}`, taskRef(item.taskId, item.attempt, 'head')];
  await repositories.exclusively(repository, () => fetchRefs(git, placeOf(repository), origin, refspecs));
}

/** Brings main and the item's branch here in one go; main's id, null when the origin has no such branch. */
export async function fetchForLanding(
  deps: LandingDeps,
  repository: Repository,
  item: QueueItem,
): Promise<ObjectId | null> {
  const { branch, origin } = repository.origin;
  const ref = taskRef(item.taskId, item.attempt, 'head');
  const mainSpec = `+refs/heads/${branch}:${trackingRef(branch)}`;
  return deps.repositories.exclusively(repository, async () => {
    const known = await takeKnown(deps, repository, item);
    if (known !== null) return known;
    try {
      await fetchRefs(deps.git, placeOf(repository), origin, [mainSpec, `+${ref}:${ref}`]);
    } catch (error) {
      if (!isAbsentRef(error)) throw error;
      try {
        await fetchRefs(deps.git, placeOf(repository), origin, [mainSpec]);
      } catch (second) {
        if (isAbsentRef(second)) return null;
        throw second;
      }
    }
    const main = await readRef(repository.gitDir, trackingRef(branch));
    if (main !== null) deps.repositories.keepWhole(repository, main);
    return main;
  });
}

/**
 * What a fetch would bring, when this process has it all: it landed or fetched main as the origin has it now, and pushed
 * the branch as the origin has it now, from a base that it landed or fetched. Null when there is more to it.
 */
async function takeKnown(deps: LandingDeps, repository: Repository, item: QueueItem): Promise<ObjectId | null> {
  const { git, repositories, recent } = deps;
  const { gitDir, store } = repository;
  const { branch, origin } = repository.origin;
  const ref = taskRef(item.taskId, item.attempt, 'head');
  const work = recent.get(item.head);
  const before = await readRef(gitDir, trackingRef(branch));
  const isWhole = (commit: ObjectId | null): commit is ObjectId =>
    commit !== null && repositories.isWhole(repository, commit);
  if (work === null || !isWhole(work.base) || !isWhole(before)) return null;
  const main = await readOriginRef(git, origin, `refs/heads/${branch}`);
  if (!isWhole(main) || (await readOriginRef(git, origin, ref)) !== item.head) return null;
  await writeObjects(store, work.objects);
  await writeRef(gitDir, ref, item.head);
  await writeRef(gitDir, trackingRef(branch), main);
  return main;
}

interface Parts {
  readonly mainTree: ObjectId | null;
  readonly headTree: ObjectId | null;
  readonly tasksYaml: string | null;
}

/** The text of a tasks.yaml by its blob; one at a time is enough, since it rarely changes. */
let keptYaml: { readonly id: ObjectId; readonly text: string } | null = null;

/** The trees of both commits, and main's tasks.yaml. */
export async function readParts(git: Git, repository: Repository, main: ObjectId, head: ObjectId): Promise<Parts> {
  const [knownMain, knownHead] = [knownTreeOf(main), knownTreeOf(head)];
  if (knownMain !== null && knownHead !== null) {
    const yaml = await readTopFile(git, repository, knownMain, 'tasks.yaml');
    const text = yaml === 'absent' ? null : yaml !== null && yaml.id === keptYaml?.id ? keptYaml.text : undefined;
    if (text !== undefined) return { mainTree: knownMain, headTree: knownHead, tasksYaml: text };
  }
  const names = [`${main}^{tree}`, `${main}:tasks.yaml`, `${head}^{tree}`];
  const [mainTree, yaml, headTree] = await readObjects(git, repository, names);
  const tasksYaml = yaml?.type === 'blob' ? yaml.content.toString('utf8') : null;
  if (yaml?.type === 'blob' && tasksYaml !== null) keptYaml = { id: yaml.id, text: tasksYaml };
  if (mainTree?.type === 'tree') rememberTree(main, mainTree.id);
  return {
    mainTree: mainTree?.type === 'tree' ? mainTree.id : null,
    headTree: headTree?.type === 'tree' ? headTree.id : null,
    tasksYaml,
  };
}
