/** What stands in the way of moving a checked-out branch: a person's changes, or a landing that was cut off. */

import { lstat, readdir, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { quote } from '../core/ids.ts';
import type { Candidate } from '../core/queue-types.ts';
import { codeOf } from '../core/thrown.ts';
import { absentAsNull } from '../files/errors.ts';
import { exists, readRegular, readText } from '../files/read.ts';
import { removeFile } from '../files/remove.ts';
import { writeAtomic } from '../files/write.ts';
import type { CheckedOut } from './checked-out.ts';
import { readObjects } from './merge.ts';
import type { Git } from './git.ts';

import { placeOf, type Repository } from './repository.ts';

/** One path that the candidate changes, and which of the two contents the checkout's file has. */
export interface Change {
  readonly path: string;
  readonly oldMode: string;
  readonly newMode: string;
  readonly oldId: string;
  readonly newId: string;
  readonly onDisk: OnDisk;
}

/** `torn` is the one file that a kill left with the beginning of the candidate's content. */
type OnDisk = 'old' | 'new' | 'missing' | 'torn' | 'other';

export type CheckoutState =
  | { readonly kind: 'clean' }
  | { readonly kind: 'half-made'; readonly changes: readonly Change[] }
  | { readonly kind: 'dirty'; readonly text: string };

const ABSENT_MODE = '000000';
const MAX_NAMED = 3;

/** Looks at a checkout of the branch before the candidate moves it; changes nothing. */
export async function inspectCheckout(
  git: Git,
  repository: Repository,
  checkout: CheckedOut,
  candidate: Candidate,
): Promise<CheckoutState> {
  const [status, listed] = await Promise.all([readStatus(git, checkout), listChanges(git, repository, candidate)]);
  // Another commit than the candidate's first parent: the push itself will tell.
  if (status.head !== candidate.main) return { kind: 'clean' };
  const byPath = new Map(listed.map((change) => [change.path, change]));
  const persons = status.entries.filter((entry) => {
    const change = byPath.get(entry.path);
    return change === undefined || entry.unmerged || !isEither(entry.indexId, change);
  });
  if (persons.length > 0)
    return dirty(
      checkout,
      persons.map((entry) => entry.path),
    );
  const added = listed.filter((change) => change.oldMode === ABSENT_MODE);
  const inTheWay = await whatIsInTheWay(checkout, added, listed);
  if (inTheWay.length > 0) return dirty(checkout, inTheWay);
  const present = await Promise.all(added.map((change) => exists(join(checkout.path, change.path))));
  if (status.entries.length === 0 && !present.includes(true)) return { kind: 'clean' };

  const changes = await contentsOnDisk(git, checkout, listed);
  const begun =
    (await wasCutOff(checkout, candidate)) ||
    changes.some((change) => change.onDisk === 'new') ||
    status.entries.some((entry) => isNewInIndex(entry, byPath));
  const others = changes.filter((change) => change.onDisk === 'other' || (change.onDisk === 'missing' && !begun));
  const [first, ...more] = others;
  if (first === undefined) return { kind: 'half-made', changes };
  if (begun && more.length === 0 && (await isTorn(git, repository, checkout, first))) {
    const torn = changes.map((change): Change => (change === first ? { ...change, onDisk: 'torn' } : change));
    return { kind: 'half-made', changes: torn };
  }
  return dirty(
    checkout,
    others.map((change) => change.path),
  );
}

const MARK = 'tributary-landing';

/** Notes in a checkout which candidate is about to be written there: what is half-made later is that one's. */
export async function markLanding({ gitDir }: CheckedOut, { commit }: Candidate): Promise<void> {
  await writeAtomic(join(gitDir, MARK), `${commit}\n`, 0o644);
}

export async function unmarkLanding({ gitDir }: CheckedOut): Promise<void> {
  await removeFile(join(gitDir, MARK));
}

/** Whether git was killed while it wrote the candidate's files, perhaps between taking the first one away and writing it. */
async function wasCutOff({ gitDir }: CheckedOut, { commit }: Candidate): Promise<boolean> {
  return (await exists(join(gitDir, 'index.lock'))) && (await readText(join(gitDir, MARK)))?.trim() === commit;
}

/** Whether git was killed while it wrote this file: its lock is still there, and the file is a beginning of the new one. */
async function isTorn(git: Git, repository: Repository, checkout: CheckedOut, change: Change): Promise<boolean> {
  if (change.onDisk !== 'other' || !change.newMode.startsWith('100')) return false;
  if (!(await exists(join(checkout.gitDir, 'index.lock')))) return false;
  const [whole] = await readObjects(git, repository, [change.newId], MAX_TORN_BYTES);
  const content = await readRegular(join(checkout.path, change.path), MAX_TORN_BYTES);
  if (whole === null || whole === undefined || content === null || content.length >= whole.content.length) return false;
  return whole.content.subarray(0, content.length).equals(content);
}

const MAX_TORN_BYTES = 64 * 1024 * 1024;

interface StatusEntry {
  readonly path: string;
  readonly indexId: string;
  readonly unmerged: boolean;
}

async function readStatus(
  git: Git,
  checkout: CheckedOut,
): Promise<{ readonly head: string; readonly entries: readonly StatusEntry[] }> {
  const args = [
    'status',
    '--porcelain=v2',
    '--branch',
    '-z',
    '--untracked-files=no',
    '--no-renames',
    '--ignore-submodules=all',
  ];
  const { stdout } = await git.checkout(args, { gitDir: checkout.gitDir, worktree: checkout.path });
  const entries: StatusEntry[] = [];
  let head = '';
  for (const line of stdout.toString('utf8').split('\0')) {
    if (line.startsWith('# branch.oid ')) head = line.slice('# branch.oid '.length);
    const ordinary = /^1 \S+ \S+ \S+ \S+ \S+ \S+ (\S+) (.*)$/s.exec(line);
    if (ordinary !== null) entries.push({ path: ordinary[2] ?? '', indexId: ordinary[1] ?? '', unmerged: false });
    const unmerged = /^u (?:\S+ ){9}(.*)$/s.exec(line);
    if (unmerged !== null) entries.push({ path: unmerged[1] ?? '', indexId: '', unmerged: true });
  }
  return { head, entries };
}

type ListedChange = Omit<Change, 'onDisk'>;

async function listChanges(git: Git, repository: Repository, candidate: Candidate): Promise<readonly ListedChange[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', candidate.main, candidate.commit];
  const { stdout } = await git.local(args, placeOf(repository));
  const parts = stdout.toString('utf8').split('\0');
  const changes: ListedChange[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [oldMode = '', newMode = '', oldId = '', newId = ''] = (parts[at] ?? '').replace(/^:/, '').split(' ');
    changes.push({ path: parts[at + 1] ?? '', oldMode, newMode, oldId, newId });
  }
  return changes;
}

function isEither(id: string, change: ListedChange): boolean {
  return id === change.oldId || id === change.newId;
}

function isNewInIndex(entry: StatusEntry, byPath: ReadonlyMap<string, ListedChange>): boolean {
  const change = byPath.get(entry.path);
  return change !== undefined && change.oldId !== change.newId && entry.indexId === change.newId;
}

/**
 * Untracked things, ignored ones too, where the candidate wants to put a file: git would write over ignored ones.
 * A file is judged by its content later; here it is folders and files that stand where a folder has to be.
 */
async function whatIsInTheWay(
  checkout: CheckedOut,
  added: readonly ListedChange[],
  all: readonly ListedChange[],
): Promise<readonly string[]> {
  const removed = new Set(all.filter((change) => change.newMode === ABSENT_MODE).map((change) => change.path));
  const found: string[] = [];
  for (const { path } of added) {
    const stats = await lstatOrReason(join(checkout.path, path));
    if (stats === 'not-a-folder') {
      const blocking = await blockingAncestor(checkout.path, path);
      if (blocking !== null && !removed.has(blocking)) found.push(blocking);
    } else if (stats !== null && stats.isDirectory()) {
      found.push(...(await filesBelow(checkout.path, path)).filter((file) => !removed.has(file)));
    }
    if (found.length > MAX_NAMED) break;
  }
  return found;
}

async function lstatOrReason(path: string): Promise<Awaited<ReturnType<typeof lstat>> | 'not-a-folder' | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return 'not-a-folder';
    return absentAsNull(error);
  }
}

async function blockingAncestor(root: string, path: string): Promise<string | null> {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const stats = await lstatOrReason(join(root, folder));
    if (stats !== null && stats !== 'not-a-folder' && !stats.isDirectory()) return folder;
  }
  return null;
}

async function filesBelow(root: string, folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of (await readdir(join(root, folder), { withFileTypes: true }).catch(absentAsNull)) ?? []) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await filesBelow(root, path)));
    else files.push(path);
    if (files.length > 100) break;
  }
  return files;
}

/** Tells for each path whether its file has the old content, the candidate's, or another. */
async function contentsOnDisk(
  git: Git,
  checkout: CheckedOut,
  changes: readonly ListedChange[],
): Promise<readonly Change[]> {
  const kinds = await Promise.all(changes.map((change) => fileKind(join(checkout.path, change.path))));
  const hashable = changes.filter((_, index) => isFile(kinds[index]));
  const { stdout } = await git.checkout(['hash-object', '--stdin-paths'], {
    gitDir: checkout.gitDir,
    worktree: checkout.path,
    input: hashable.map((change) => `${inQuotes(change.path)}\n`).join(''),
  });
  const ids = stdout.toString('utf8').split('\n');
  const idOf = new Map(hashable.map((change, index) => [change.path, ids[index] ?? '']));
  const links = changes.filter((_, index) => kinds[index] === 'link');
  for (const change of links) idOf.set(change.path, await linkId(git, checkout, change.path));
  return changes.map((change, index) => ({
    ...change,
    onDisk: judge(change, kinds[index] ?? 'other', idOf.get(change.path)),
  }));
}

/** As git takes any name in a line of its own: the end of a line and a quote would be read as something else. */
function inQuotes(path: string): string {
  const escaped = path.replaceAll(/[\\"]/g, String.raw`\$&`);
  return `"${escaped.replaceAll('\n', String.raw`\n`).replaceAll('\r', String.raw`\r`)}"`;
}

function judge(change: ListedChange, kind: FileKind, id: string | undefined): OnDisk {
  if (kind === 'absent') {
    if (change.newMode === ABSENT_MODE) return 'new';
    return change.oldMode === ABSENT_MODE ? 'old' : 'missing';
  }
  if (kind === 'other' || id === undefined) return 'other';
  const mode = MODE_OF[kind];
  if (id === change.newId && mode === change.newMode) return 'new';
  if (id === change.oldId && mode === change.oldMode) return 'old';
  return 'other';
}

type FileKind = 'absent' | 'file' | 'program' | 'link' | 'other';

const MODE_OF = { file: '100644', program: '100755', link: '120000' } as const;

function isFile(kind: FileKind | undefined): boolean {
  return kind === 'file' || kind === 'program';
}

async function fileKind(path: string): Promise<FileKind> {
  const stats = await lstat(path).catch(absentAsNull);
  if (stats === null) return 'absent';
  // A folder where a file was or will be has been looked through already.
  if (stats.isDirectory()) return 'absent';
  if (stats.isSymbolicLink()) return 'link';
  if (!stats.isFile()) return 'other';
  return (stats.mode & 0o100) === 0 ? 'file' : 'program';
}

async function linkId(git: Git, checkout: CheckedOut, path: string): Promise<string> {
  const input = await readlink(join(checkout.path, path), { encoding: 'buffer' });
  const { stdout } = await git.checkout(['hash-object', '--stdin'], { gitDir: checkout.gitDir, input });
  return stdout.toString('utf8').trim();
}

function dirty(checkout: CheckedOut, paths: readonly string[]): CheckoutState {
  const named = paths.slice(0, MAX_NAMED).map(quote).join(', ');
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  return {
    kind: 'dirty',
    text: `${checkout.path} has changes in ${named}${more}: commit or stash them; landing goes on by itself`,
  };
}
