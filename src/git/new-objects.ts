/**
 * Which objects a commit adds to others, found by comparing trees: what a push has to bring, without starting git.
 *
 * Every object is read from a loose file and checked against its id. Whatever is not as plain as that (packed objects
 * beside the known parents, submodules, merges of an agent's own, very many files) is no result: then git has to look.
 */

import type { ObjectId } from '../core/ids.ts';
import type { Git } from './git.ts';
import { rememberTree, readObjects } from './merge.ts';
import { parseCommit, parseTree, readLoose, type RawObject, type TreeLine } from './objects.ts';
import type { Repository } from './repository.ts';

/** By their ids, in an order in which each stands behind what it names. */
export type NewObjects = ReadonlyMap<ObjectId, RawObject>;

const MAX_COMMITS = 20;
const MAX_OBJECTS = 300;
const MAX_BYTES = 1024 * 1024;
const MAX_TREE_BYTES = 1024 * 1024;
const MAX_KEPT_TREES = 256;

/** Trees never change. */
const keptTrees = new Map<ObjectId, ReadonlyMap<string, TreeLine>>();

/** What the commits from `head` down to `base`, a line of single parents, have that `base` has not; null: ask git. */
export async function newOnBranch(
  git: Git,
  repository: Repository,
  head: ObjectId,
  base: ObjectId,
): Promise<NewObjects | null> {
  const line: { readonly id: ObjectId; readonly body: Buffer; readonly tree: ObjectId }[] = [];
  for (let at = head; at !== base;) {
    const found = readLoose(repository.store, at, MAX_BYTES);
    const commit = found?.type === 'commit' ? parseCommit(found.body) : null;
    const [parent, ...others] = commit?.parents ?? [];
    if (found === null || commit === null || parent === undefined || others.length > 0) return null;
    line.unshift({ id: at, body: found.body, tree: commit.tree });
    if (line.length > MAX_COMMITS) return null;
    at = parent;
  }
  const adding = new Adding(git, repository);
  let before = await adding.treeOfCommit(base);
  for (const { id, body, tree } of line) {
    if (before === null || !(await adding.tree(tree, [before]))) return null;
    adding.found.set(id, { type: 'commit', body });
    before = tree;
  }
  return adding.found;
}

/** What a candidate has that its parents have not; null: ask git. */
export async function newInCandidate(
  git: Git,
  repository: Repository,
  candidate: ObjectId,
): Promise<NewObjects | null> {
  const found = readLoose(repository.store, candidate, MAX_BYTES);
  const commit = found?.type === 'commit' ? parseCommit(found.body) : null;
  if (found === null || commit === null) return null;
  const adding = new Adding(git, repository);
  const parents: ObjectId[] = [];
  for (const parent of commit.parents) {
    const tree = await adding.treeOfCommit(parent);
    if (tree === null) return null;
    parents.push(tree);
  }
  if (!(await adding.tree(commit.tree, parents))) return null;
  adding.found.set(candidate, found);
  return adding.found;
}

/** A file of a commit's topmost folder; null when git has to look. */
export async function readTopFile(
  git: Git,
  repository: Repository,
  tree: ObjectId,
  name: string,
): Promise<{ readonly id: ObjectId } | 'absent' | null> {
  const lines = await new Adding(git, repository).read(tree);
  if (lines === null) return null;
  const line = lines.get(name);
  if (line === undefined) return 'absent';
  return line.mode === '100644' || line.mode === '100755' ? { id: line.id } : null;
}

class Adding {
  readonly found = new Map<ObjectId, RawObject>();
  readonly #git: Git;
  readonly #repository: Repository;
  #bytes = 0;

  constructor(git: Git, repository: Repository) {
    this.#git = git;
    this.#repository = repository;
  }

  /** The tree of a commit that is known to be there, packed or not. */
  async treeOfCommit(commit: ObjectId): Promise<ObjectId | null> {
    const found = readLoose(this.#repository.store, commit, MAX_BYTES);
    if (found !== null) return found.type === 'commit' ? (parseCommit(found.body)?.tree ?? null) : null;
    const [packed] = await readObjects(this.#git, this.#repository, [`${commit}^{tree}`], MAX_TREE_BYTES);
    if (packed?.type !== 'tree') return null;
    rememberTree(commit, packed.id);
    keepTree(packed.id, parseTree(packed.content, this.#repository.store.algorithm));
    return packed.id;
  }

  /** Adds what a tree has that none of the others has in the same place; false: ask git. */
  async tree(id: ObjectId, others: readonly ObjectId[]): Promise<boolean> {
    if (others.includes(id) || this.found.has(id)) return true;
    const own = this.#take(id, 'tree');
    const lines = own === null ? null : parseTree(own.body, this.#repository.store.algorithm);
    if (own === null || lines === null) return false;
    const beside: ReadonlyMap<string, TreeLine>[] = [];
    for (const other of others) {
      const read = await this.read(other);
      if (read === null) return false;
      beside.push(read);
    }
    for (const [name, line] of lines) {
      const same = beside.map((other) => other.get(name)).filter((other) => other !== undefined);
      if (same.some((other) => other.id === line.id)) continue;
      if (line.mode === '160000') return false;
      if (line.mode === '40000') {
        const below = same.filter((other) => other.mode === '40000').map((other) => other.id);
        if (!(await this.tree(line.id, below))) return false;
      } else if (!this.found.has(line.id)) {
        const blob = this.#take(line.id, 'blob');
        if (blob === null) return false;
        this.found.set(line.id, blob);
      }
    }
    this.found.set(id, own);
    keepTree(id, lines);
    return true;
  }

  /** A tree that is known to be there, packed or not. */
  async read(id: ObjectId): Promise<ReadonlyMap<string, TreeLine> | null> {
    const kept = keptTrees.get(id);
    if (kept !== undefined) return kept;
    const { store } = this.#repository;
    const loose = readLoose(store, id, MAX_TREE_BYTES);
    const [packed] = loose === null ? await readObjects(this.#git, this.#repository, [id], 2 * MAX_TREE_BYTES) : [];
    const body = loose?.type === 'tree' ? loose.body : packed?.type === 'tree' ? packed.content : null;
    const lines = body === null ? null : parseTree(body, store.algorithm);
    keepTree(id, lines);
    return lines;
  }

  #take(id: ObjectId, type: RawObject['type']): RawObject | null {
    const found = readLoose(this.#repository.store, id, MAX_BYTES);
    if (found === null || found.type !== type) return null;
    this.#bytes += found.body.length;
    return this.#bytes <= MAX_BYTES && this.found.size < MAX_OBJECTS ? found : null;
  }
}

function keepTree(id: ObjectId, lines: ReadonlyMap<string, TreeLine> | null): void {
  if (lines === null) return;
  const oldest = keptTrees.keys().next();
  if (keptTrees.size >= MAX_KEPT_TREES && oldest.done !== true) keptTrees.delete(oldest.value);
  keptTrees.set(id, lines);
}
