/**
 * Merging with the rules that main's tasks.yaml declares, before anything counts as a conflict.
 *
 * Objects alone are looked at (N4): no checkout, no attributes, no drivers of anybody's. The same commits under the same
 * rules give the same tree.
 */

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ObjectId } from '../core/ids.ts';
import { commandsFor, ruleFor, type MergeRule } from '../core/merge-rules.ts';
import { makeTemporary } from '../files/temporary.ts';
import { GitError } from './command.ts';
import type { Git } from './git.ts';
import { mergeTrees, objectId, readObjects, type Merge } from './merge.ts';
import { parseTree, writeBlob, writeLines } from './objects.ts';
import { placeOf, type Repository } from './repository.ts';

/** The rules in the text of a tasks.yaml; none of one that is missing or wrong. */
export type ReadMerges = (tasksYaml: string | null) => readonly MergeRule[];

export interface MergeDeps {
  readonly git: Git;
  readonly readMerges: ReadMerges;
}

const MAX_UNITED = 50;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_TREE_BYTES = 64 * 1024 * 1024;
/** Of the messages of a merge those that say no more than that two sides changed the same lines. */
const PLAIN = new Set(['Auto-merging', 'CONFLICT (contents)']);

/** Merges two commits by the rules that a third one, main, has. */
export async function mergeDeclared(
  deps: MergeDeps,
  repository: Repository,
  ours: ObjectId,
  theirs: ObjectId,
  main: ObjectId,
): Promise<Merge> {
  const merge = await mergeTrees(deps.git, repository, ours, theirs);
  if (merge.kind === 'clean') return merge;
  const rules = await rulesOf(deps, repository, main);
  if (!merge.files.some((file) => ruleFor(rules, file)?.by === 'union')) return merge;
  const found = await parts(deps.git, repository, ours, theirs);
  const united = await unite(deps.git, repository, found, { rules, isMainOurs: ours === main });
  return united ?? merge;
}

/** A merge of a task's branch with main that conflicted in nothing but files that main's rules make anew. */
export interface Anew {
  /** Has main's version of them. */
  readonly tree: ObjectId;
  readonly files: readonly string[];
  /** What makes them anew, in this order. */
  readonly commands: readonly string[];
}

/** Takes main's version in place of each conflict; null when not all of them are in files that main's rules make anew. */
export async function mergeAnew(
  deps: MergeDeps,
  repository: Repository,
  head: ObjectId,
  main: ObjectId,
): Promise<Anew | null> {
  const rules = await rulesOf(deps, repository, main);
  const found = await parts(deps.git, repository, head, main);
  const taken = new Map<string, ObjectId>();
  for (const [path, sides] of found.sides) {
    if (isPlain(found, path, sides) && ruleFor(rules, path)?.by === 'regenerate') taken.set(path, sides[2].id);
  }
  const files = [...taken.keys()];
  const commands = commandsFor(rules, files);
  if (commands.length === 0) return null;
  const merge = await unite(deps.git, repository, found, { rules, isMainOurs: false, taken });
  return merge?.kind === 'clean' ? { tree: merge.tree, files, commands } : null;
}

/** Whether nothing but such a conflict is in these files, as far as their paths tell. */
export async function mayBeMadeAnew(
  deps: MergeDeps,
  repository: Repository,
  main: ObjectId,
  files: readonly string[],
): Promise<boolean> {
  return commandsFor(await rulesOf(deps, repository, main), files).length > 0;
}

/** The rules as they stand in a commit. */
export async function rulesOf(
  { git, readMerges }: MergeDeps,
  repository: Repository,
  main: ObjectId,
): Promise<readonly MergeRule[]> {
  const [yaml] = await readObjects(git, repository, [`${main}:tasks.yaml`]);
  return readMerges(yaml?.type === 'blob' ? yaml.content.toString('utf8') : null);
}

interface Side {
  readonly mode: string;
  readonly id: ObjectId;
}

type Sides = readonly [base: Side | null, ours: Side | null, theirs: Side | null];

interface Parts {
  readonly tree: ObjectId;
  /** The base, ours and theirs of each conflicting path, where there are such. */
  readonly sides: ReadonlyMap<string, Sides>;
  /** Paths of which more is said than that both sides changed the same lines. */
  readonly odd: ReadonlySet<string>;
}

async function parts(git: Git, repository: Repository, ours: ObjectId, theirs: ObjectId): Promise<Parts> {
  const args = ['merge-tree', '--write-tree', '-z', '--messages', '--allow-unrelated-histories', ours, theirs];
  const { stdout } = await git.local(args, { ...placeOf(repository), accept: [1] });
  const words = stdout.toString('utf8').split('\0');
  const sides = new Map<string, [Side | null, Side | null, Side | null]>();
  let at = 1;
  for (; at < words.length && words[at] !== ''; at += 1) {
    const line = /^(\d+) ([0-9a-f]+) ([123])\t([^]*)$/.exec(words[at] ?? '');
    if (line === null) throw new Error('git merge-tree said what is not known');
    const [, mode = '', id = '', stage = '', path = ''] = line;
    const known = sides.get(path) ?? [null, null, null];
    known[Number(stage) - 1] = { mode, id: objectId(id) };
    sides.set(path, known);
  }
  const odd = new Set<string>();
  // Each message: how many paths, the paths, its kind, its words.
  for (at += 1; at + 1 < words.length;) {
    const count = Number(words[at]);
    if (!Number.isInteger(count)) throw new Error('git merge-tree said what is not known');
    const paths = words.slice(at + 1, at + 1 + count);
    if (!PLAIN.has(words[at + 1 + count] ?? '')) paths.forEach((path) => odd.add(path));
    at += count + 3;
  }
  return { tree: objectId(words[0] ?? ''), sides, odd };
}

/** Whether both sides have a path as a file with one mode, and no more is said of it than that both changed the same lines. */
function isPlain({ odd }: Parts, path: string, sides: Sides): sides is readonly [Side | null, Side, Side] {
  const [, ours, theirs] = sides;
  if (ours === null || theirs === null || odd.has(path)) return false;
  return ours.mode === theirs.mode && ours.mode.startsWith('100');
}

interface Settling {
  readonly rules: readonly MergeRule[];
  /** Whose lines come first: main's. */
  readonly isMainOurs: boolean;
  /** What other files are to be. */
  readonly taken?: ReadonlyMap<string, ObjectId>;
}

/** The merge with what the rules settle, and with what was taken for other files; null when nothing is settled. */
async function unite(
  git: Git,
  repository: Repository,
  found: Parts,
  { rules, isMainOurs, taken = new Map() }: Settling,
): Promise<Merge | null> {
  const { tree, sides, odd } = found;
  const united = new Map(taken);
  for (const [path, three] of sides) {
    if (united.size >= MAX_UNITED || ruleFor(rules, path)?.by !== 'union' || !isPlain(found, path, three)) continue;
    const [base, ours, theirs] = three;
    const [first, second] = isMainOurs ? [ours, theirs] : [theirs, ours];
    const blob = await unionOf(git, repository, [first.id, base?.id ?? null, second.id]);
    if (blob !== null) united.set(path, blob);
  }
  if (united.size === 0) return null;
  const replaced = await replaceFiles(git, repository, tree, united);
  if (replaced === null) return null;
  const files = [...new Set([...sides.keys(), ...odd])].filter((path) => !united.has(path));
  return files.length === 0 ? { kind: 'clean', tree: replaced } : { kind: 'conflict', tree: replaced, files };
}

/** The lines of both sides, the first one's first; null where a side is no text, or too long. */
async function unionOf(
  git: Git,
  repository: Repository,
  ids: readonly [ObjectId, ObjectId | null, ObjectId],
): Promise<ObjectId | null> {
  const folder = makeTemporary('tributary-union-');
  try {
    const given = ids.filter((id) => id !== null);
    const found = await readObjects(git, repository, given, 4 * MAX_BYTES);
    const contents = new Map(found.flatMap((one) => (one?.type === 'blob' ? [[one.id, one.content] as const] : [])));
    const files: string[] = [];
    for (const [at, id] of ids.entries()) {
      const content = id === null ? Buffer.alloc(0) : contents.get(id);
      if (content === undefined || content.length > MAX_BYTES || content.includes(0)) return null;
      const file = join(folder, String(at));
      await writeFile(file, content);
      files.push(file);
    }
    const { stdout } = await git.local(['merge-file', '--union', '-p', '--quiet', ...files], placeOf(repository));
    return await writeBlob(repository.store, stdout);
  } catch (error) {
    if (error instanceof GitError && (error.reason === 'exit' || error.reason === 'too-much-output')) return null;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A tree with other contents in some of its files; null when one of them is not in it. */
async function replaceFiles(
  git: Git,
  repository: Repository,
  tree: ObjectId,
  files: ReadonlyMap<string, ObjectId>,
): Promise<ObjectId | null> {
  const [found] = await readObjects(git, repository, [tree], MAX_TREE_BYTES);
  const known = found?.type === 'tree' ? parseTree(found.content, repository.store.algorithm) : null;
  if (known === null) return null;
  const lines = new Map(known);
  const below = new Map<string, Map<string, ObjectId>>();
  for (const [path, id] of files) {
    const slash = path.indexOf('/');
    const name = Buffer.from(slash < 0 ? path : path.slice(0, slash)).toString('latin1');
    if (slash < 0) {
      const line = lines.get(name);
      if (line === undefined) return null;
      lines.set(name, { ...line, id });
    } else below.set(name, (below.get(name) ?? new Map<string, ObjectId>()).set(path.slice(slash + 1), id));
  }
  for (const [name, inFolder] of below) {
    const line = lines.get(name);
    const replaced = line === undefined ? null : await replaceFiles(git, repository, line.id, inFolder);
    if (line === undefined || replaced === null) return null;
    lines.set(name, { ...line, id: replaced });
  }
  return writeLines(repository.store, lines);
}
