/**
 * Copies what a checkout's .worktreeinclude names into a workspace: files that git ignores there, such as .env.
 *
 * Kept true here: what is copied is data, bounded in number and size; no link is followed, neither where it is read nor where
 * it is written; nothing that is there already is changed; and nothing is copied that the task's own .gitignore does not
 * ignore, since it would be committed (N10).
 */

import { renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { INCLUDE_FILE, type IncludedText } from '../core/included.ts';
import { isRecord } from '../core/text.ts';
import { codeOf } from '../core/thrown.ts';
import { absentAsNull } from '../files/errors.ts';
import { exists, readRegular, readText, statusOf } from '../files/read.ts';
import { removeFile } from '../files/remove.ts';
import { makeFolder, writeAtomic } from '../files/write.ts';
import { GitError, lastLines } from './command.ts';
import type { Git } from './git.ts';
import { localPathOf, resolveGitDir } from './local-origin.ts';
import { placesOfTask, type WorkspacePlaces } from './places.ts';
import { placeOf, type Repository } from './repository.ts';
import type { IncludeRequest, IncludeResult } from './types.ts';

const MAX_PATTERNS_BYTES = 64 * 1024;
const MAX_FILES = 2_000;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_BYTES = 128 * 1024 * 1024;
/** Files in which people keep keys are smaller. */
const MAX_TEXT_BYTES = 64 * 1024;
const MAX_TEXT_CHARS = 4 * 1024 * 1024;
const MAX_LISTED_BYTES = 16 * 1024 * 1024;

const IN_THE_WAY = 'a file or a link is where its folder would be';

interface Included {
  /** Tells a worktree that was made anew in the same place. */
  readonly worktree: string;
  readonly texts: readonly IncludedText[];
}

export async function includeFiles(
  git: Git,
  home: string,
  repository: Repository,
  request: IncludeRequest,
): Promise<IncludeResult> {
  const { workspace, project } = request;
  const places = placesOfTask(home, project, workspace.taskId);
  const made = statusOf(places.worktree);
  const worktree = `${made?.ino ?? 0} ${made?.birthtimeMs ?? 0}`;
  const record = join(places.folder, 'included.json');
  const before = includedIn(await readText(record, MAX_LISTED_BYTES));
  if (before?.worktree === worktree) return { kind: 'done', copied: 0, left: [], texts: before.texts };
  const root = await checkoutOf(request);
  if (root === null) return { kind: (await exists(join(places.worktree, INCLUDE_FILE))) ? 'no-checkout' : 'none' };
  if (!(await exists(join(root, '.git')))) return { kind: 'failed', message: `${root} is no checkout` };
  const named = await namedIn(git, root, join(places.folder, 'include'));
  if (named.kind === 'none' || named.kind === 'failed') return named;
  const place = { ...placeOf(repository), worktree: places.worktree, index: places.index };
  const run: Run = (args, input) => git.local(args, { ...place, input, accept: [1] });
  // Git asks nothing about what lies behind a link.
  const inTheWay = new Set(named.paths.filter((path) => isInTheWay(places.worktree, path)));
  const ignored = await ignoredAmong(
    run,
    named.paths.filter((path) => !inTheWay.has(path)),
  );
  const left: { path: string; why: string }[] = [];
  const texts: IncludedText[] = [];
  let [copied, bytes, chars] = [0, 0, 0];
  for (const path of named.paths) {
    if (!ignored.has(path)) {
      const why = inTheWay.has(path) ? IN_THE_WAY : "the task's .gitignore does not ignore it";
      left.push({ path, why });
      continue;
    }
    const size = statusOf(join(root, path))?.size ?? 0;
    if (size > MAX_FILE_BYTES || bytes + size > MAX_BYTES || copied >= MAX_FILES) {
      left.push({ path, why: 'too large, or one too many' });
      continue;
    }
    const why = await copy(root, places, path);
    if (why === null) {
      copied += 1;
      bytes += size;
    } else if (why !== 'there') {
      left.push({ path, why });
      continue;
    }
    // One that is there may have been copied by an attempt that died over it.
    const text = (await readOf(root, path, MAX_TEXT_BYTES))?.toString('utf8') ?? '\0';
    if (text.includes('\0') || chars + text.length > MAX_TEXT_CHARS) continue;
    chars += text.length;
    texts.push({ path, text });
  }
  await writeAtomic(record, JSON.stringify({ worktree, texts } satisfies Included));
  return { kind: 'done', copied, left, texts };
}

/** The checkout that the host's configuration names, or the origin itself where it is one on this host. */
async function checkoutOf({ checkout, origin }: IncludeRequest): Promise<string | null> {
  if (checkout !== null) return checkout;
  const path = localPathOf(origin);
  return path !== null && (await exists(join(path, '.git'))) ? path : null;
}

type Named =
  | { readonly kind: 'named'; readonly paths: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly message: string };

/** What the patterns name, and git ignores there; in order. */
async function namedIn(git: Git, root: string, scratch: string): Promise<Named> {
  try {
    const patterns = await readRegular(join(root, INCLUDE_FILE), MAX_PATTERNS_BYTES);
    if (patterns === null) return { kind: 'none' };
    const gitDir = await resolveGitDir(join(root, '.git'));
    await writeAtomic(scratch, patterns);
    const place = { gitDir, worktree: root, maxOutputBytes: MAX_LISTED_BYTES };
    const args = ['ls-files', '-z', '--others', '--ignored', `--exclude-from=${scratch}`];
    const listed = pathsIn((await git.checkout(args, place)).stdout).filter(isPlain);
    const run = (of: readonly string[], input: string) => git.checkout(of, { ...place, input, accept: [1] });
    const ignored = await ignoredAmong(run, listed);
    return { kind: 'named', paths: listed.filter((path) => ignored.has(path)).toSorted() };
  } catch (error) {
    if (error instanceof GitError) {
      const why = error.reason === 'too-much-output' ? `${INCLUDE_FILE} names too much` : lastLines(error.stderr, 1);
      return { kind: 'failed', message: why === '' ? error.message : why };
    }
    absentAsNull(error);
    return { kind: 'failed', message: `${root} is no checkout` };
  } finally {
    await removeFile(scratch);
  }
}

/** Repositories of their own are listed as folders; and git never lists what would lead out of the worktree. */
function isPlain(path: string): boolean {
  const parts = path.split('/');
  return parts.every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
}

type Run = (args: readonly string[], input: string) => Promise<{ readonly stdout: Buffer }>;

async function ignoredAmong(run: Run, paths: readonly string[]): Promise<ReadonlySet<string>> {
  if (paths.length === 0) return new Set();
  const { stdout } = await run(['check-ignore', '-z', '--stdin'], `${paths.join('\0')}\0`);
  return new Set(pathsIn(stdout));
}

function pathsIn(stdout: Buffer): readonly string[] {
  return stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}

/** Whether a file or a link stands where a folder above the path is, or would be. */
function isInTheWay(root: string, path: string): boolean {
  const parents = path.split('/').slice(0, -1);
  return parents
    .map((_, at) => statusOf(join(root, ...parents.slice(0, at + 1))))
    .some((stats) => stats !== null && !stats.isDirectory());
}

/** Null when it was copied; `there` when the workspace has something of that name. */
async function copy(root: string, { folder, worktree }: WorkspacePlaces, path: string): Promise<string | null> {
  const source = statusOf(join(root, path));
  if (source?.isFile() !== true || isInTheWay(root, path)) return 'it is no plain file';
  const target = join(worktree, path);
  if (statusOf(target) !== null) return 'there';
  const content = await readOf(root, path, MAX_FILE_BYTES);
  if (content === null) return 'it cannot be read';
  makeFolder(dirname(target));
  // Written beside the worktree: what a kill leaves half-written must not be committed.
  const aside = join(folder, 'include');
  await writeAtomic(aside, content, source.mode & 0o777);
  renameSync(aside, target);
  return null;
}

/** Null when it is no plain file, too large, or not for the worker's account to read. */
async function readOf(root: string, path: string, maxBytes: number): Promise<Buffer | null> {
  try {
    return await readRegular(join(root, path), maxBytes);
  } catch (error) {
    if (codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM') return null;
    throw error;
  }
}

/** Null for what is none, or not a whole one: then it is included once more, and what is there already stays. */
function includedIn(text: string | null): Included | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isIncluded(value) ? value : null;
  } catch {
    return null;
  }
}

function isIncluded(value: unknown): value is Included {
  if (!isRecord(value) || typeof value['worktree'] !== 'string' || !Array.isArray(value['texts'])) return false;
  return value['texts'].every(
    (each: unknown) => isRecord(each) && typeof each['path'] === 'string' && typeof each['text'] === 'string',
  );
}
