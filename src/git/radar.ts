/**
 * Looks which stored works go together with main, and with one another, without a checkout.
 *
 * It owns nothing: all merges are done in one process, on the mirror's objects, and what they make goes into a folder that
 * is thrown away. The landing repository is left alone, so that nobody waits for this who lands.
 */

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseObjectId, type ObjectId, type TaskId } from '../core/ids.ts';
import { ruleFor, type MergeRule } from '../core/merge-rules.ts';
import type { Target } from '../core/queue-types.ts';
import { pairsOf, someOf, type Overlap, type Sight, type Work } from '../core/radar.ts';
import type { MainConflict } from '../core/task-types.ts';
import { oneLine } from '../core/text.ts';
import { temporaryName } from '../files/write.ts';
import { rulesOf, type MergeDeps } from './declared-merge.ts';
import type { Git } from './git.ts';
import { objectId } from './merge.ts';
import { fetchRefs, isUnreachable, listRemote } from './origin.ts';
import { taskRef } from './refs.ts';
import { placeOf, type Repositories, type Repository } from './repository.ts';

/** Of one task; more are not compared. */
const MAX_TOUCHED = 2_000;
/** For so many tasks of one look it is looked up what landed on their files. */
const MAX_EXPLAINED = 50;
const MAX_LANDED = 10;
const MAX_SUMMARY_CHARS = 300;

export interface RadarDeps extends MergeDeps {
  readonly home: string;
  readonly repositories: Repositories;
}

interface Present extends Work {
  readonly headTree: ObjectId;
  readonly baseTree: ObjectId;
}

/** Null when main cannot be had now. A work that the origin no longer has is left out. */
export async function lookAround(deps: RadarDeps, target: Target, works: readonly Work[]): Promise<Sight | null> {
  try {
    const opened = await deps.repositories.openMirror(target);
    if (opened.kind === 'failed') return null;
    const { repository } = opened;
    const main = await deps.repositories.fetchBranch(repository);
    if (main === null) return null;
    const present = await bring(deps, repository, works);
    return await inScratch(deps, repository, async (objects) =>
      look(deps.git, { ...placeOf(repository), objects }, main, present, await rulesOf(deps, repository, main)),
    );
  } catch (error) {
    if (isUnreachable(error)) return null;
    throw error;
  }
}

interface Place {
  readonly gitDir: string;
  readonly objects: string;
}

async function look(
  git: Git,
  place: Place,
  main: ObjectId,
  works: readonly Present[],
  rules: readonly MergeRule[],
): Promise<Sight> {
  // Of what rules settle only the commonest case is told apart here: the path says it.
  const isSettled = (file: string): boolean => ruleFor(rules, file) !== null;
  const withMain = await mergeAll(
    git,
    place,
    works.map(({ head }) => [main, head] as const),
  );
  const conflicts = new Map<TaskId, MainConflict>();
  for (const [at, { id, head, base }] of works.entries()) {
    const files = someOf((withMain[at] ?? []).filter((file) => !isSettled(file)));
    if (files.length === 0) continue;
    const landed = conflicts.size < MAX_EXPLAINED ? await landedOn(git, place, base, main, files) : [];
    conflicts.set(id, { head, main, files, landed });
  }
  const heads = new Map(works.map(({ id, head }) => [id, head]));
  const touched = [...(await touchedBy(git, place, works))].map(
    ([id, files]) => [id, files.filter((file) => !isSettled(file))] as const,
  );
  const pairs = pairsOf(new Map(touched));
  const merges = pairs.flatMap(({ one, other }) => {
    const [first, second] = [heads.get(one), heads.get(other)];
    return first === undefined || second === undefined ? [] : [[first, second] as const];
  });
  const merged = await mergeAll(git, place, merges);
  const overlaps = pairs.map((pair, at): Overlap => {
    const files = merged[at];
    return { ...pair, conflict: files === undefined ? null : !files.every(isSettled) };
  });
  return { main, seen: works.map(({ id }) => id), conflicts, overlaps };
}

/** The works whose commits are here, those of other hosts fetched in one go. */
async function bring(
  { git, repositories }: RadarDeps,
  repository: Repository,
  works: readonly Work[],
): Promise<readonly Present[]> {
  const here = await presentOf(git, repository, works);
  const missing = works.filter((work) => !here.some(({ id }) => id === work.id));
  if (missing.length === 0) return here;
  const { origin } = repository.origin;
  const refs = missing.map(({ id, attempt }) => taskRef(id, attempt, 'head'));
  const there = await listRemote(git, repository.gitDir, origin, refs);
  const wanted = missing.flatMap(({ head }, at) => {
    const ref = refs[at];
    return ref !== undefined && there.get(ref) === head ? [ref] : [];
  });
  if (wanted.length === 0) return here;
  // Without refs of their own: nobody would delete them here when the task is over.
  await repositories.exclusively(repository, () => fetchRefs(git, placeOf(repository), origin, wanted));
  return presentOf(git, repository, works);
}

async function presentOf(git: Git, repository: Repository, works: readonly Work[]): Promise<readonly Present[]> {
  if (works.length === 0) return [];
  const names = works.flatMap(({ head, base }) => [`${head}^{tree}`, `${base}^{tree}`]);
  const { stdout } = await git.local(['cat-file', '--batch-check=%(objectname)'], {
    ...placeOf(repository),
    input: `${names.join('\n')}\n`,
  });
  const trees = stdout.toString('utf8').split('\n').map(parseObjectId);
  return works.flatMap((work, at) => {
    const [headTree, baseTree] = [trees[2 * at], trees[2 * at + 1]];
    return headTree?.kind === 'ok' && baseTree?.kind === 'ok'
      ? [{ ...work, headTree: headTree.value, baseTree: baseTree.value }]
      : [];
  });
}

/** The conflicting files of each merge, none where it is clean: one process for all of them. */
async function mergeAll(
  git: Git,
  place: Place,
  merges: readonly (readonly [ObjectId, ObjectId])[],
): Promise<readonly (readonly string[])[]> {
  if (merges.length === 0) return [];
  const args = ['merge-tree', '--write-tree', '--stdin', '--name-only', '--no-messages', '--allow-unrelated-histories'];
  const { stdout } = await git.local(args, {
    ...place,
    input: merges.map(([ours, theirs]) => `${ours} ${theirs}\n`).join(''),
  });
  const words = stdout.toString('utf8').split('\0');
  const results: string[][] = [];
  // Each says whether it is clean, its tree, its conflicting files, and an empty word at the end of them.
  for (let at = 0; results.length < merges.length && at + 1 < words.length;) {
    const isClean = words[at] === '1';
    const end = words.indexOf('', at + 2);
    const files = [...new Set(words.slice(at + 2, end < 0 ? undefined : end))];
    results.push(isClean ? [] : files.length === 0 ? ['?'] : files);
    at = end < 0 ? words.length : end + 1;
  }
  return results;
}

/** What each task changes; one process for all of them. */
async function touchedBy(
  git: Git,
  place: Place,
  works: readonly Present[],
): Promise<ReadonlyMap<TaskId, readonly string[]>> {
  const changed = works.filter(({ headTree, baseTree }) => headTree !== baseTree);
  const touched = new Map<TaskId, readonly string[]>();
  if (changed.length === 0) return touched;
  const lines = changed.map(({ headTree, baseTree }) => `${baseTree} ${headTree}\n`);
  const { stdout } = await git.local(['diff-tree', '--stdin', '-r', '--name-only', '--no-renames', '-z'], {
    ...place,
    input: lines.join(''),
  });
  const text = stdout.toString('utf8');
  let at = 0;
  for (const [index, { id }] of changed.entries()) {
    const line = lines[index] ?? '';
    if (!text.startsWith(line, at)) break;
    const next = lines[index + 1];
    const end = next === undefined ? -1 : text.indexOf(`\0${next}`, at);
    const files = text.slice(at + line.length, end < 0 ? undefined : end).split('\0');
    touched.set(id, files.filter((file) => file !== '').slice(0, MAX_TOUCHED));
    if (end < 0) break;
    at = end + 1;
  }
  return touched;
}

/** What landed on some files after a commit and what it was for, as the commits say it, newest first. */
async function landedOn(
  git: Git,
  place: Place,
  base: ObjectId,
  main: ObjectId,
  files: readonly string[],
): Promise<MainConflict['landed']> {
  const format = '--format=%H%x00%s%x00%b%x00';
  const args = ['--literal-pathspecs', 'log', '--first-parent', `--max-count=${MAX_LANDED}`, format, main, `^${base}`];
  const { stdout, code } = await git.local([...args, '--', ...files], { ...place, accept: [128], mayLack: true });
  if (code !== 0) return [];
  const fields = stdout.toString('utf8').split('\0');
  const landed: { commit: ObjectId; title: string; summary: string }[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [commit = '', title = '', body = ''] = fields.slice(at, at + 3).map((field) => field.trim());
    landed.push({ commit: objectId(commit), title: oneLine(title), summary: summaryOf(body) });
  }
  return landed;
}

/** A landing's own paragraph, without its trailers. */
function summaryOf(body: string): string {
  const [first = ''] = body.split('\n\n');
  return /^[A-Za-z-]+: /.test(first) && body.trim() === first.trim() ? '' : oneLine(first, MAX_SUMMARY_CHARS);
}

/** Objects that merges make go into a folder of their own, behind which the repository's are read. */
async function inScratch<T>(
  { home }: RadarDeps,
  repository: Repository,
  work: (objects: string) => Promise<T>,
): Promise<T> {
  // What a killed process leaves here is swept with the rest of the trash.
  const folder = temporaryName(join(home, 'trash', 'radar'));
  await mkdir(join(folder, 'info'), { recursive: true });
  await writeFile(join(folder, 'info/alternates'), `${repository.store.folder}\n`);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
