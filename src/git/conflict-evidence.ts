/** What a task that conflicts with main is shown: both sides of each conflict, and what landed meanwhile. */

import { tailOf } from '../core/failure.ts';
import { quote, type ObjectId } from '../core/ids.ts';
import type { QueueItem } from '../core/queue-types.ts';
import type { RevisionRequest } from '../core/task-types.ts';
import { oneLine, printable } from '../core/text.ts';
import type { Git } from './git.ts';
import { objectId, readObjects, type Merge } from './merge.ts';
import { placeOf, type Repository } from './repository.ts';

const MAX_CONFLICT_FILES = 50;
const MAX_EVIDENCE_CHARS = 16 * 1024;
/** Of all files that are looked into. */
const MAX_BYTES = 60 * 1024 * 1024;
const MAX_LANDED_SINCE = 20;

export async function conflictRequest(
  git: Git,
  repository: Repository,
  item: QueueItem,
  main: ObjectId,
  merge: Extract<Merge, { kind: 'conflict' }>,
): Promise<RevisionRequest> {
  const files = merge.files.slice(0, MAX_CONFLICT_FILES);
  const [evidence, landedSince] = await Promise.all([
    conflictEvidence(git, repository, merge.tree, files),
    firstParents(git, repository, item.base, main),
  ]);
  const named = files.slice(0, 3).map(quote).join(', ');
  const more = merge.files.length > 3 ? ` and ${merge.files.length - 3} more` : '';
  const text = `conflicts with what landed since, in ${named}${more}`;
  return { kind: 'conflict', main, text, files, failedCommand: null, evidence, landedSince };
}

/** What landed on main since a commit, newest first. */
export async function firstParents(
  git: Git,
  repository: Repository,
  since: ObjectId,
  main: ObjectId,
): Promise<RevisionRequest['landedSince']> {
  const args = [
    'log',
    '--first-parent',
    `--max-count=${MAX_LANDED_SINCE}`,
    '--format=%H%x00%s%x00',
    main,
    `^${since}`,
    '--',
  ];
  const { stdout, code } = await git.local(args, { ...placeOf(repository), accept: [128], mayLack: true });
  if (code !== 0) return [];
  const fields = stdout
    .toString('utf8')
    .split('\0')
    .map((field) => field.trim());
  const landed: { commit: ObjectId; title: string }[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    landed.push({ commit: objectId(fields[at] ?? ''), title: oneLine(fields[at + 1] ?? '') });
  }
  return landed;
}

/** The conflicting places of each file with both sides, as the merge wrote them. */
async function conflictEvidence(
  git: Git,
  repository: Repository,
  tree: ObjectId,
  files: readonly string[],
): Promise<string> {
  const names = files.filter((file) => !file.includes('\n')).map((file) => `${tree}:${file}`);
  const sizes = await sizesOf(git, repository, names);
  let left = MAX_BYTES;
  const readable = names.filter((name) => {
    const fits = (sizes.get(name) ?? 0) <= left;
    if (fits) left -= sizes.get(name) ?? 0;
    return fits;
  });
  const objects = await readObjects(git, repository, readable, 2 * MAX_BYTES);
  const read = new Map(readable.map((name, at) => [name, objects[at]]));
  const parts: string[] = [];
  for (const name of names) {
    const found = read.get(name);
    const hunks = found?.type === 'blob' ? conflictHunks(found.content.toString('utf8')) : '';
    const none = read.has(name) ? '(one side deleted or renamed it, or it is not text)' : '(too large to be shown)';
    parts.push(`--- ${quote(name.slice(tree.length + 1))}\n${hunks || none}`);
  }
  const text = printable(parts.join('\n'));
  return text.length > MAX_EVIDENCE_CHARS
    ? `${text.slice(0, MAX_EVIDENCE_CHARS - 4)}\n[…]`
    : tailOf(text, MAX_EVIDENCE_CHARS);
}

/** How large each is, in bytes, where it is there. */
async function sizesOf(
  git: Git,
  repository: Repository,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const input = names.map((name) => `${name}\n`).join('');
  const { stdout } = await git.local(['cat-file', '--batch-check=%(objectsize)'], { ...placeOf(repository), input });
  const lines = stdout.toString('latin1').split('\n');
  return new Map(names.flatMap((name, at) => (/^\d+$/.test(lines[at] ?? '') ? [[name, Number(lines[at])]] : [])));
}

function conflictHunks(text: string): string {
  if (text.includes('\0')) return '';
  const kept: string[] = [];
  let inside = false;
  text.split('\n').forEach((line, index) => {
    if (line.startsWith('<<<<<<< ')) {
      inside = true;
      kept.push(`@@ line ${index + 1}`);
    }
    if (inside) kept.push(line);
    if (line.startsWith('>>>>>>> ')) inside = false;
  });
  return kept.join('\n');
}
