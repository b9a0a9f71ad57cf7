/** The artifacts of a task folder, kept as the tree of a commit beside the branch (refs/tasks/<id>/<attempt>/notes). */

import { dirname, join } from 'node:path';
import type { ObjectId } from '../core/ids.ts';
import { inFolder } from '../files/held-folder.ts';
import { createPace, lookThrough, type Listed, type Pace } from '../files/list.ts';
import { readRegular } from '../files/read.ts';
import { removeAny } from '../files/remove.ts';
import { makeFolder, writeAtomic } from '../files/write.ts';
import type { Git } from './git.ts';
import { readObjects } from './merge.ts';
import { writeBlob, writeTree, type ObjectStore, type TreeEntry } from './objects.ts';
import type { WorkspacePlaces } from './places.ts';
import { placeOf, type Repository } from './repository.ts';

const SINGLE_FILES = ['understanding.md', 'plan.md', 'result.md', 'report.json'];
const OUTPUTS = 'outputs';
/** The agent's session, which lies beside the task folder: no agent writes it. */
const SESSION = 'session.jsonl';
const MAX_SESSION_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 50;
const MAX_FILE_BYTES = 256 * 1024;
const MAX_DEPTH = 8;
/** They need not have a file. */
const MAX_FOLDERS = 1_000;
const MAX_LISTED = MAX_FILES + MAX_FOLDERS;

interface Folder {
  readonly files: Map<string, Buffer>;
  readonly folders: Map<string, Folder>;
}

/** What may still be taken, and looked into. */
interface Budget {
  left: number;
  folders: number;
  readonly pace: Pace;
}

type Places = Pick<WorkspacePlaces, 'taskDir' | 'sessionFile'>;

/**
 * Writes the task folder's artifacts as a tree; null when there are none. Links and oversized files are left out. A session
 * that is given is kept for the next time.
 */
export async function writeNotesTree(
  store: ObjectStore,
  { taskDir, sessionFile }: Places,
  session: Buffer | null,
): Promise<ObjectId | null> {
  if (session !== null) await writeAtomic(sessionFile, session);
  const root: Folder = { files: new Map(), folders: new Map() };
  const budget: Budget = { left: MAX_FILES, folders: MAX_FOLDERS, pace: createPace() };
  for (const name of SINGLE_FILES) await take(root, taskDir, name, budget);
  const outputs: Folder = { files: new Map(), folders: new Map() };
  await inFolder(join(taskDir, OUTPUTS), (held) => gather(outputs, held, budget, 0));
  root.folders.set(OUTPUTS, outputs);
  const kept = session ?? (await readRegular(sessionFile, MAX_SESSION_BYTES));
  if (kept !== null) root.files.set(SESSION, kept);
  return writeFolder(store, root);
}

async function take(into: Folder, folder: string, name: string, budget: Budget): Promise<void> {
  if (budget.left <= 0) return;
  const content = await readRegular(join(folder, name), MAX_FILE_BYTES);
  if (content === null) return;
  into.files.set(name, content);
  budget.left -= 1;
}

async function gather(into: Folder, folder: string, budget: Budget, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) return;
  const { pace } = budget;
  for (const { name, isFolder } of await firstIn(folder, pace)) {
    if (budget.left <= 0 || budget.folders <= 0) return;
    // Also where none of the folders has anything in it.
    if (pace.isDue()) await pace.turn();
    if (!isFolder) {
      await take(into, folder, name, budget);
      continue;
    }
    budget.folders -= 1;
    const below: Folder = { files: new Map(), folders: new Map() };
    await inFolder(join(folder, name), (held) => gather(below, held, budget, depth + 1));
    into.folders.set(name, below);
  }
}

interface Found {
  readonly name: string;
  readonly isFolder: boolean;
}

/** Files and folders, by name: as many as can be of use. */
async function firstIn(folder: string, pace: Pace): Promise<readonly Found[]> {
  const found: Found[] = [];
  const keepFirst = (): unknown => found.sort((one, other) => (one.name < other.name ? -1 : 1)).splice(MAX_LISTED);
  const look = (entry: Listed): boolean => {
    const name = entry.name.toString('utf8');
    const isFolder = entry.kind === 'folder';
    if ((isFolder || entry.kind === 'file') && name.toLowerCase() !== '.git') found.push({ name, isFolder });
    if (found.length >= 2 * MAX_LISTED) keepFirst();
    return true;
  };
  await lookThrough(folder, look, pace);
  keepFirst();
  return found;
}

async function writeFolder(store: ObjectStore, folder: Folder): Promise<ObjectId | null> {
  const entries: TreeEntry[] = [];
  for (const [name, content] of folder.files) {
    entries.push({ mode: '100644', name, id: await writeBlob(store, content) });
  }
  for (const [name, below] of folder.folders) {
    const id = await writeFolder(store, below);
    if (id !== null) entries.push({ mode: '40000', name, id });
  }
  return entries.length === 0 ? null : writeTree(store, entries);
}

/** Makes the task folder's artifacts what a checkpoint's notes say; null removes them. Other files stay. */
export async function restoreNotes(
  git: Git,
  repository: Repository,
  notes: ObjectId | null,
  { taskDir, sessionFile }: Places,
): Promise<void> {
  makeFolder(taskDir, 0o700);
  for (const path of [...[...SINGLE_FILES, OUTPUTS].map((name) => join(taskDir, name)), sessionFile])
    await removeAny(path);
  if (notes === null) return;
  const { stdout } = await git.local(['ls-tree', '-r', '-z', '--full-tree', notes], placeOf(repository));
  const files = stdout
    .toString('utf8')
    .split('\0')
    .map((line) => /^100(?:644|755) blob ([0-9a-f]+)\t(.*)$/s.exec(line))
    .filter((match) => match !== null)
    .slice(0, MAX_FILES + 1)
    .map((match) => ({ id: match[1] ?? '', path: match[2] ?? '' }))
    .filter(({ path }) => path === SESSION || isArtifact(path));
  if (files.length === 0) return;
  const contents = await readObjects(
    git,
    repository,
    files.map(({ id }) => id),
    MAX_FILES * (MAX_FILE_BYTES + 200) + MAX_SESSION_BYTES,
  );
  for (const [index, { path }] of files.entries()) {
    const content = contents[index];
    if (content === null || content === undefined) continue;
    const place = path === SESSION ? sessionFile : join(taskDir, path);
    makeFolder(dirname(place), 0o700);
    await writeAtomic(place, content.content, 0o600);
  }
}

/** The notes came from the origin: a path is written only where an artifact can have been. */
function isArtifact(path: string): boolean {
  if (SINGLE_FILES.includes(path)) return true;
  const parts = path.split('/');
  return (
    parts.length > 1 && parts[0] === OUTPUTS && parts.every((part) => part !== '' && part !== '.' && part !== '..')
  );
}
