/**
 * The tree that a worktree is at this moment, while an agent works in it: tracked files as they are, and untracked ones
 * that are not ignored.
 *
 * Kept true while the agent changes what it likes between two looks: git starts nothing (N4), since `ls-files` only compares
 * and lists, and unlike `add` and `status` asks no repository below the worktree how it is; such repositories are left out by
 * name. Files are read through folders that are held open (N10). The index lies on the desk: no agent writes it.
 */

import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { quote, type ObjectId } from '../core/ids.ts';
import { codeOf } from '../core/thrown.ts';
import { below, inFolderBelow } from '../files/held-folder.ts';
import { exists, lookInto, stampOf } from '../files/read.ts';
import { removeAny, removeFile } from '../files/remove.ts';
import { leftOut } from './assumed.ts';
import { GitError } from './command.ts';
import { conversionsOf, storeContent, type Storing } from './conversions.ts';
import { addingObjects, placeAt, type DeskPlace } from './desk.ts';
import { copyIndex } from './index-file.ts';
import type { Git } from './git.ts';
import { findBlocking } from './inspect.ts';
import { objectId } from './merge.ts';
import { writeBlob } from './objects.ts';
import type { Problem } from './origin.ts';
import { adminFolder, type WorkspacePlaces } from './places.ts';
import { mirrorOf, type Repository } from './repository.ts';
import { blocksGit } from './store-refusals.ts';

/** Larger files wait for the phase's end. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
const MAX_BYTES = 256 * 1024 * 1024;
const MAX_PATHS = 20_000;
const TIMEOUT_MS = 30_000;

export interface WorktreeTree {
  readonly tree: ObjectId;
  /** What was changed and is not in it: repositories, large files, and what is not in the encoding that it is said to have. */
  readonly leftOut: readonly string[];
}

/** What is known of private indexes: the file's stamp, and the tree that it is. */
export type SeenTrees = Map<string, { readonly stamp: string; readonly tree: ObjectId }>;

/** @param also paths that count whether git ignores them or not, as bytes in Latin-1 */
export async function treeOfWorktree(
  ...[deps, repository, places, seen, also]: Parameters<typeof lookOnce>
): Promise<WorktreeTree | Problem> {
  try {
    return await lookOnce(deps, repository, places, seen, also);
  } catch (error) {
    if (!(error instanceof GitError) || error.command !== 'write-tree') throw error;
    // The index names what the repository has lost: all files are read once more.
    await removeFile(workPlace(repository, places).index);
    return lookOnce(deps, repository, places, seen, also);
  }
}

/** With the private index of an attempt's work. */
function workPlace(repository: Repository, { worktree, desk }: WorkspacePlaces): DeskPlace {
  return placeAt(repository, worktree, desk, 'work');
}

async function lookOnce(
  { git, home }: { readonly git: Git; readonly home: string },
  repository: Repository,
  places: WorkspacePlaces,
  seen: SeenTrees,
  also: readonly string[],
): Promise<WorktreeTree | Problem> {
  const place = { ...workPlace(repository, places), timeoutMs: TIMEOUT_MS };
  const { index } = place;
  // What comes after this look git waits for as long as the time-out allows.
  const block = await findBlocking(places.worktree);
  if (block !== null) return blocksGit(block);
  await removeAny(`${index}.lock`);
  if (!(await exists(index))) {
    await copyIndex(places.index, index);
    // Of what was checked out within a second git's index says too little: it would be read at each look.
    await git.local(['update-index', '-q', '--refresh'], { ...place, accept: [1] });
  }
  const listed = await git.local(['ls-files', '-z', '--modified', '--others', '--exclude-standard'], place);
  const kept = await leftOut(
    git,
    { ...place, index: join(adminFolder(mirrorOf(repository), places.taskId), 'index') },
    repository.store.algorithm,
  );
  const paths = [...new Set([...namesOf(listed.stdout), ...also])];
  if (paths.filter((path) => !kept.has(path)).length > MAX_PATHS)
    return problem(`more than ${MAX_PATHS} files have changed`);
  const known = seen.get(index);
  if (paths.length === 0 && known !== undefined && known.stamp === (await stampOf(index)))
    return { tree: known.tree, leftOut: [] };
  const { store } = repository;
  const at = { place, trash: join(home, 'trash') };
  const storing = { git, store, at, conversions: await conversionsOf(git, place, paths) };
  const taken = await takeFiles(storing, places.worktree, paths, kept);
  if ('failure' in taken) return taken;
  if (taken.lines.length > 0) {
    const input = Buffer.from(taken.lines.join(''), 'latin1');
    await git.local(['update-index', '-z', '--index-info'], { ...place, input });
    // So that the next look need not read them.
    await git.local(['update-index', '-q', '--refresh'], { ...place, accept: [1] });
  }
  const { stdout } = await addingObjects(store, at, (there) => git.local(['write-tree'], there));
  const tree = objectId(stdout.toString('latin1').trim());
  seen.set(index, { stamp: await stampOf(index), tree });
  return { tree, leftOut: taken.leftOut };
}

interface Taken {
  /** For `update-index --index-info`. */
  readonly lines: readonly string[];
  readonly leftOut: readonly string[];
}

/** @param kept what the agent's index has of files that are not there, and were not deleted */
async function takeFiles(
  storing: Storing,
  worktree: string,
  paths: readonly string[],
  kept: ReadonlyMap<string, string>,
): Promise<Taken | Problem> {
  const none = '0'.repeat(storing.store.algorithm === 'sha256' ? 64 : 40);
  const lines: string[] = [];
  const leftOut: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const file = path.endsWith('/') ? 'no-file' : await readEntry(worktree, path);
    if (file === 'absent') lines.push(`${kept.get(path) ?? `0 ${none}`}\t${path}\0`);
    else if (file === 'no-file') leftOut.push(nameOf(path));
    else {
      bytes += file.content.length;
      if (bytes > MAX_BYTES) return problem(`what has changed is larger than ${MAX_BYTES / 1024 ** 2} MiB`);
      const isLink = file.mode === '120000';
      const id = await (isLink ? writeBlob(storing.store, file.content) : storeContent(storing, path, file.content));
      if (id === null) leftOut.push(nameOf(path));
      else lines.push(`${file.mode} ${id}\t${path}\0`);
    }
  }
  return { lines, leftOut };
}

function nameOf(path: string): string {
  return quote(Buffer.from(path, 'latin1').toString('utf8'));
}

interface Entry {
  readonly mode: string;
  readonly content: Buffer;
}

async function readEntry(worktree: string, path: string): Promise<Entry | 'absent' | 'no-file'> {
  const names = path.split('/');
  const name = names.pop() ?? '';
  const found = await inFolderBelow(worktree, names, async (folder) => readHere(below(folder, name)));
  return found ?? 'absent';
}

/** Of a folder that has come in a file's place nothing is left of the file. */
function readHere(path: Buffer): Entry | 'absent' | 'no-file' {
  try {
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) return { mode: '120000', content: readlinkSync(path, { encoding: 'buffer' }) };
    if (stats.isDirectory()) return 'absent';
    // A link or another thing may have come in its place meanwhile.
    const looked = lookInto(path, (file, { size, mode }): Entry | 'no-file' =>
      size > MAX_FILE_BYTES
        ? 'no-file'
        : { mode: (mode & 0o100) === 0 ? '100644' : '100755', content: readFileSync(file) },
    );
    return looked.kind === 'looked' ? looked.value : 'no-file';
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent';
    // What was a link is none any more; what cannot be read is told.
    if (code === 'EINVAL' || code === 'EACCES') return 'no-file';
    throw error;
  }
}

function namesOf(stdout: Buffer): readonly string[] {
  return stdout
    .toString('latin1')
    .split('\0')
    .filter((name) => name !== '');
}

function problem(message: string): Problem {
  return { failure: 'unstorable-files', message, next: "nothing: what is there at the phase's end is stored then" };
}
