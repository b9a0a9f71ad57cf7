/** Merging without a checkout, and reading single things out of commits. */

import { parseObjectId, type ObjectId } from '../core/ids.ts';
import { BrokenObjects } from './broken.ts';
import { GitError } from './command.ts';
import type { Git } from './git.ts';
import { readLoose } from './objects.ts';
import { placeOf, type Repository } from './repository.ts';

export type Merge =
  | { readonly kind: 'clean'; readonly tree: ObjectId }
  /** The tree has the files with conflict markers. */
  | { readonly kind: 'conflict'; readonly tree: ObjectId; readonly files: readonly string[] };

/** Whether git was ended since a merge took too long, and not since it could not do one. */
export function isSlowMerge(error: unknown): boolean {
  return error instanceof GitError && error.reason === 'timeout' && error.command === 'merge-tree';
}

/** Merges two commits into a tree. */
export async function mergeTrees(git: Git, repository: Repository, ours: ObjectId, theirs: ObjectId): Promise<Merge> {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', '--allow-unrelated-histories'];
  const { code, stdout } = await git.local([...args, ours, theirs], { ...placeOf(repository), accept: [1] });
  const [treeText = '', ...files] = stdout.toString('utf8').split('\0');
  const tree = objectId(treeText);
  if (code === 0) return { kind: 'clean', tree };
  return { kind: 'conflict', tree, files: [...new Set(files.filter((file) => file !== ''))] };
}

export async function isAncestor(git: Git, repository: Repository, old: ObjectId, young: ObjectId): Promise<boolean> {
  if (old === young) return true;
  const { code } = await git.local(['merge-base', '--is-ancestor', old, young], {
    ...placeOf(repository),
    accept: [1],
  });
  return code === 0;
}

export interface FoundObject {
  readonly id: ObjectId;
  readonly type: string;
  readonly content: Buffer;
}

const MAX_DOUBTED = 10;

/**
 * Reads objects by name in one go (`<commit>^{tree}`, `<commit>:<path>`); null for each that is not there.
 *
 * @throws when a name has a line break, or all of them are larger than `maxBytes`
 */
export async function readObjects(
  git: Git,
  repository: Repository,
  names: readonly string[],
  maxBytes = 16 * 1024 * 1024,
): Promise<readonly (FoundObject | null)[]> {
  if (names.some((name) => name.includes('\n'))) throw new Error('an object name with a line break cannot be read');
  const { stdout } = await git.local(['cat-file', '--batch'], {
    ...placeOf(repository),
    input: `${names.join('\n')}\n`,
    maxOutputBytes: maxBytes,
  });
  const found: (FoundObject | null)[] = [];
  let at = 0;
  for (let index = 0; index < names.length; index += 1) {
    const newline = stdout.indexOf(0x0a, at);
    const header = stdout.toString('utf8', at, newline < 0 ? stdout.length : newline);
    at = newline + 1;
    const parts = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(header);
    if (parts === null) {
      found.push(null);
      continue;
    }
    const size = Number(parts[3]);
    found.push({ id: objectId(parts[1] ?? ''), type: parts[2] ?? '', content: stdout.subarray(at, at + size) });
    at += size + 1;
  }
  const absent = names.filter((_, index) => found[index] === null).slice(0, MAX_DOUBTED);
  for (const name of absent) await doubt(git, repository, name);
  return found;
}

/** @throws BrokenObjects when a name that was not found leads to an object that ought to be there */
async function doubt(git: Git, repository: Repository, name: string): Promise<void> {
  const of = name.includes(':')
    ? ['rev-parse', '--verify', '--quiet', name]
    : name.endsWith('^{tree}')
      ? ['cat-file', '-e', name.replace('^{tree}', '^{commit}')]
      : null;
  if (of === null) return;
  const { code } = await git.local(of, { ...placeOf(repository), accept: [1, 128] });
  if (code !== 0 || (await isSubmodule(git, repository, name))) return;
  throw new BrokenObjects(repository.gitDir, 'cat-file', `${name} is missing`);
}

/** Whether `<commit>:<path>` leads to a commit of another repository: that is nowhere here, and ought not to be. */
async function isSubmodule(git: Git, repository: Repository, name: string): Promise<boolean> {
  const [of = '', ...path] = name.split(':');
  if (path.length === 0) return false;
  const args = ['--literal-pathspecs', 'ls-tree', '--full-tree', of, '--', path.join(':')];
  const { stdout } = await git.local(args, placeOf(repository));
  return stdout.toString('latin1').startsWith('160000 ');
}

// A commit's tree never changes, so what was read or written once need not be asked of git again.
const knownTrees = new Map<ObjectId, ObjectId>();
const MAX_KNOWN_TREES = 4_096;

/** Keeps in mind what a commit's tree is. */
export function rememberTree(commit: ObjectId, tree: ObjectId): void {
  if (knownTrees.size >= MAX_KNOWN_TREES) {
    const oldest = knownTrees.keys().next();
    if (oldest.done !== true) knownTrees.delete(oldest.value);
  }
  knownTrees.set(commit, tree);
}

/** The tree of a commit, when it is in mind. */
export function knownTreeOf(commit: ObjectId): ObjectId | null {
  return knownTrees.get(commit) ?? null;
}

/** The tree of a commit. @throws GitError when the commit is not there */
export async function treeOf(git: Git, repository: Repository, commit: ObjectId): Promise<ObjectId> {
  const known = knownTrees.get(commit);
  if (known !== undefined) return known;
  const { stdout } = await git.local(['rev-parse', '--verify', `${commit}^{tree}`], placeOf(repository));
  const tree = objectId(stdout.toString('utf8').trim());
  rememberTree(commit, tree);
  return tree;
}

const MAX_LOOSE_BYTES = 64 * 1024;

/** Whether a commit is among a repository's objects. */
export async function hasCommit(git: Git, repository: Repository, commit: ObjectId): Promise<boolean> {
  // Asked of each candidate below another one: most were just written here, and need no process.
  if (readLoose(repository.store, commit, MAX_LOOSE_BYTES)?.type === 'commit') return true;
  const { code } = await git.local(['cat-file', '-e', `${commit}^{commit}`], {
    ...placeOf(repository),
    accept: [1, 128],
  });
  return code === 0;
}

/** An id that git itself printed. */
export function objectId(text: string): ObjectId {
  const id = parseObjectId(text);
  if (id.kind === 'invalid') throw new Error(`git printed no object id: ${id.message}`);
  return id.value;
}
