/**
 * What an agent has committed so far, while it still works.
 *
 * Kept true (N4): a confined agent's repository is only ever read, file by file, into a copy that nobody else writes; the
 * mirror takes the commits from there as it takes them at the phase's end, over git's own transport and checked. What
 * cannot be had so at this moment waits for the next look: the files of the worktree are stored all the same.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectId } from '../core/ids.ts';
import { inFolder } from '../files/held-folder.ts';
import { fewNamesIn } from '../files/list.ts';
import { exists, readRegular } from '../files/read.ts';
import { removeTree } from '../files/remove.ts';
import { fetchOwn, ownRepository, PLAIN_OBJECT, PLAIN_PACK } from './confined.ts';
import { isAncestor } from './merge.ts';
import type { WorkspacePlaces } from './places.ts';
import { readRef } from './refs.ts';
import { mirrorOf, placeOf, type Repository } from './repository.ts';
import { findUnusable } from './storable-names.ts';
import type { WorkspaceDeps } from './workspace.ts';

const MAX_FILES = 5_000;
/** Git itself makes 258 there. */
const MAX_FOLDERS = 1_000;
const MAX_BYTES = 64 * 1024 * 1024;

export interface AgentCommits {
  readonly head: ObjectId;
  /** The paths that they changed, as bytes in Latin-1. */
  readonly paths: readonly string[];
}

/** What the task's branch is at, with its objects in the mirror; `start` when that cannot be had or taken. */
export async function agentCommits(
  deps: WorkspaceDeps,
  repository: Repository,
  places: WorkspacePlaces,
  start: ObjectId,
): Promise<AgentCommits> {
  const none = { head: start, paths: [] };
  const own = ownRepository(places.folder);
  const isConfined = await exists(own);
  const head = await readRef(isConfined ? own : mirrorOf(repository), places.branchRef);
  if (head === null || head === start) return none;
  if (isConfined && !(await bring(deps, repository, places, head))) return none;
  if (!(await isAncestor(deps.git, repository, start, head))) return none;
  const names = await deps.git.local(['diff-tree', '-r', '-z', '--name-only', start, head], placeOf(repository));
  const text = names.stdout.toString('latin1');
  if (findUnusable(text) !== null) return none;
  return { head, paths: text.split('\0').filter((name) => name !== '') };
}

/** Copies the agent's objects and fetches its branch from the copy. */
async function bring(
  deps: WorkspaceDeps,
  repository: Repository,
  places: WorkspacePlaces,
  head: ObjectId,
): Promise<boolean> {
  const trash = join(deps.home, 'trash');
  const copy = join(places.folder, 'seen.git');
  await removeTree(copy, trash);
  try {
    if (!(await copyObjects(join(ownRepository(places.folder), 'objects'), join(copy, 'objects')))) return false;
    const { branchRef: ref, index } = places;
    return (await fetchOwn(deps, repository, { own: copy, ref, id: head, index, maxBytes: Infinity })) === null;
  } finally {
    await removeTree(copy, trash);
  }
}

/** False when it is too much, or nothing. Links and what else git does not make are left out. */
async function copyObjects(from: string, to: string): Promise<boolean> {
  let files = 0;
  let bytes = 0;
  for (const folder of fewNamesIn(from, MAX_FOLDERS) ?? []) {
    const plain = folder === 'pack' ? PLAIN_PACK : /^[0-9a-f]{2}$/.test(folder) ? PLAIN_OBJECT : null;
    if (plain === null) continue;
    mkdirSync(join(to, folder), { recursive: true });
    const whole = await inFolder(join(from, folder), async (held) => {
      const names = fewNamesIn(held, MAX_FILES);
      if (names === null) return false;
      for (const name of names.filter((each) => plain.test(each))) {
        const content = await readRegular(join(held, name), MAX_BYTES - bytes);
        files += 1;
        if (content === null || files > MAX_FILES) return false;
        bytes += content.length;
        writeFileSync(join(to, folder, name), content);
      }
      return true;
    });
    if (whole !== true) return false;
  }
  return files > 0;
}
