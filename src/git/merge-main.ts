/** What a revision begins with: main as it now is, merged into the task's branch. */

import type { ObjectId } from '../core/ids.ts';
import { mergeAnew, mergeDeclared, type MergeDeps } from './declared-merge.ts';
import { rememberTree } from './merge.ts';
import { ENGINE, writeCommit } from './objects.ts';
import type { Repository } from './repository.ts';
import type { PrepareRequest, Workspace } from './types.ts';

export type MergedMain = Pick<Workspace, 'start' | 'conflicted' | 'anew'>;

/** Merges main into a branch; files with markers, or main's own version where the request has them made anew. */
export async function mergeMain(
  deps: MergeDeps,
  repository: Repository,
  request: PrepareRequest,
  head: ObjectId,
  main: ObjectId,
): Promise<MergedMain> {
  const merge = await mergeDeclared(deps, repository, head, main, main);
  const wanted = merge.kind === 'conflict' && request.regenerate === true;
  const found = wanted ? await mergeAnew(deps, repository, head, main) : null;
  const { tree } = found ?? merge;
  const start = await writeCommit(repository.store, {
    tree,
    parents: [head, main],
    author: ENGINE,
    seconds: Math.floor(Date.now() / 1000),
    message: `Merge ${request.branch} into tasks/${request.taskId}`,
  });
  rememberTree(start, tree);
  const anew = found === null ? null : { files: found.files, commands: found.commands };
  return { start, conflicted: merge.kind === 'clean' ? [] : (anew?.files ?? merge.files), anew };
}
