/**
 * Stores what an agent has done so far, while it works on: as a commit that is on no branch, under the attempt's own ref,
 * with the artifacts of the task folder beside it. The agent's index, branch and files stay as they are.
 *
 * Nothing is pushed that the scan objects to (N10), and nothing once another attempt has taken over (N2).
 */

import type { ObjectId } from '../core/ids.ts';
import { isNoSpace } from '../files/errors.ts';
import { agentCommits } from './agent-commits.ts';
import { moveWork } from './attempt-ref.ts';
import { readLoose, type ObjectStore, type RawObject } from './objects.ts';
import { rememberTree, treeOf } from './merge.ts';
import { newOnBranch } from './new-objects.ts';
import { writeNotesTree } from './notes.ts';
import { noSpace, problemOf } from './origin.ts';
import { placesOfTask, readState } from './places.ts';
import { commitNotes } from './push-checkpoint.ts';
import { readRef, taskRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { findSecrets } from './scan.ts';
import type { UnfinishedRequest, UnfinishedResult } from './types.ts';
import { parseUnfinished, writeUnfinished, type Unfinished } from './unfinished.ts';
import type { WorkspaceDeps } from './workspace.ts';
import { treeOfWorktree } from './worktree-tree.ts';

const MAX_COMMIT_BYTES = 1024 * 1024;

export async function storeUnfinished(
  deps: WorkspaceDeps,
  repository: Repository,
  request: UnfinishedRequest,
): Promise<UnfinishedResult> {
  try {
    return await store(deps, repository, request);
  } catch (error) {
    const problem = isNoSpace(error) ? noSpace() : problemOf(error, request.origin);
    if (problem === null) throw error;
    return { kind: 'failed', ...problem };
  }
}

async function store(
  deps: WorkspaceDeps,
  repository: Repository,
  request: UnfinishedRequest,
): Promise<UnfinishedResult> {
  const { git } = deps;
  const { workspace, attempt, project } = request;
  const { base, start, conflicted } = workspace;
  const { gitDir } = repository;
  const workRef = taskRef(workspace.taskId, attempt, 'work');
  const notesRef = taskRef(workspace.taskId, attempt, 'notes');
  const places = placesOfTask(deps.home, project, workspace.taskId);
  const last = await readRef(gitDir, workRef);
  // Another worker of this host has taken over.
  if (last === null && request.hasRef === true) return { kind: 'taken-over' };
  const before = last === null ? null : readUnfinished(repository.store, last);
  const commits = await agentCommits(deps, repository, places, start);
  const isNew = commits.head !== (before?.parent ?? start);
  const found = await treeOfWorktree(deps, repository, places, deps.seenTrees, isNew ? commits.paths : []);
  if ('failure' in found) return { kind: 'failed', ...found };
  const { tree, leftOut } = found;

  const written = new Map<ObjectId, RawObject>();
  const notesTree = await writeNotesTree({ ...repository.store, written }, places, request.session ?? null);
  const lastNotes = await readRef(gitDir, notesRef);
  const treeBefore = async (commit: ObjectId): Promise<ObjectId> => treeOf(git, repository, commit);
  const notesBefore = lastNotes === null ? (await readState(places))?.notesTree : await treeBefore(lastNotes);
  const sameNotes = notesTree === (notesBefore ?? null);
  const sameWork = !isNew && tree === (before?.tree ?? (await treeBefore(workspace.unfinished?.content ?? start)));
  if (sameWork && sameNotes) return { kind: 'unchanged', leftOut };

  const head = await writeUnfinished(repository.store, attempt, { tree, parent: commits.head, base, conflicted });
  rememberTree(head, tree);
  const notes = sameNotes ? null : await commitNotes({ ...repository.store, written }, request, notesTree, null);
  const added = await newOnBranch(git, repository, head, base);
  if (request.scan !== undefined) {
    const secret = await findSecrets(
      git,
      repository,
      { scan: request.scan, maxBytes: Infinity },
      { head, base, added, notes: written },
    );
    if (secret !== null) return { kind: 'failed', ...secret };
  }
  const updates = [{ ref: workRef, id: head, expected: last }];
  if (notes !== null) updates.push({ ref: notesRef, id: notes, expected: lastNotes });
  const objects = added === null ? null : [...added.values(), ...written.values()];
  const wrong = await moveWork(git, repository, request, { updates, objects });
  if (wrong === null) return { kind: 'stored', head, leftOut };
  return wrong.failure === 'worker-lost' ? { kind: 'taken-over' } : { kind: 'failed', ...wrong };
}

function readUnfinished(store: ObjectStore, commit: ObjectId): Unfinished | null {
  const found = readLoose(store, commit, MAX_COMMIT_BYTES);
  return found?.type === 'commit' ? parseUnfinished(found.body) : null;
}
