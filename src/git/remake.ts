/** Candidates that another host has built, made again here of the same parts: each has the same id, or is refused. */

import type { Below, Target } from '../core/queue-types.ts';
import { writeCandidate } from './candidate.ts';
import { mergeDeclared } from './declared-merge.ts';
import { fetchHead, type LandingDeps } from './landing-parts.ts';
import { hasCommit, treeOf, type Merge } from './merge.ts';
import { writeObjects } from './objects.ts';
import type { Repository } from './repository.ts';

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
    if (!(await hasCommit(git, repository, one.item.head))) await fetchHead(deps, repository, one.item);
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
