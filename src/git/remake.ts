/** Candidates that another host has built, made again here of the same parts: each has the same id, or is refused. */

import type { Below, Target } from '../core/queue-types.ts';
import { writeCandidate } from './candidate.ts';
import { mergeDeclared } from './declared-merge.ts';
import { fetchHead, type LandingDeps } from './landing-parts.ts';
import { hasCommit, treeOf, type Merge } from './merge.ts';
import { writeObjects } from './objects.ts';
import { isAbsentRef } from './origin.ts';
import type { Repository } from './repository.ts';

/** One that has landed meanwhile has no branch any more: main has its work, and mostly the candidate itself. */
async function fetchWork(
  deps: Pick<LandingDeps, 'git' | 'repositories'>,
  repository: Repository,
  item: Below['item'],
): Promise<void> {
  try {
    await fetchHead(deps, repository, item);
  } catch (error) {
    if (!isAbsentRef(error)) throw error;
    await deps.repositories.fetchBranch(repository);
    if (!(await hasCommit(deps.git, repository, item.head))) throw error;
  }
}

/**
 * Makes candidates again of what they were made of, nearest main first: each must come out the same.
 *
 * @throws Error when one does not
 */
export async function remake(
  deps: Pick<LandingDeps, 'git' | 'readMerges' | 'repositories' | 'recent'>,
  repository: Repository,
  target: Target,
  below: readonly Below[],
): Promise<void> {
  const { git, repositories } = deps;
  for (const one of below) {
    if (await hasCommit(git, repository, one.commit)) continue;
    if (!(await hasCommit(git, repository, one.main))) await repositories.fetchBranch(repository);
    if (!(await hasCommit(git, repository, one.item.head))) await fetchWork(deps, repository, one.item);
    if (await hasCommit(git, repository, one.commit)) continue;
    await remakeOne(deps, repository, target, one);
  }
}

/** The same for one of which all parts are here. */
export async function remakeOne(
  deps: Pick<LandingDeps, 'git' | 'readMerges' | 'recent'>,
  repository: Repository,
  target: Target,
  { item, commit, main, tree, gateHash, cover }: Below,
): Promise<void> {
  const built = deps.recent.get(commit);
  if (built !== null) {
    // This process has built it: the same objects, under the same ids.
    await writeObjects(repository.store, built.objects);
    return;
  }
  const merge: Merge =
    main === item.base
      ? { kind: 'clean', tree: await treeOf(deps.git, repository, item.head) }
      : await mergeDeclared(deps, repository, main, item.head, main);
  const made =
    merge.kind === 'clean' && merge.tree === tree
      ? await writeCandidate(repository, target.project, item, main, tree, gateHash, cover)
      : null;
  if (made !== commit) {
    throw new Error(`the candidate ${commit} comes out differently on this host (are the versions of git the same?)`);
  }
}
