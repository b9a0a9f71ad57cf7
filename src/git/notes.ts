/** The artifacts of a task folder, kept as the tree of a commit beside the branch (refs/tasks/<id>/<attempt>/notes). */

import { readdirSync, type Dirent } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ObjectId } from '../core/ids.ts';
import { absentAsNull } from '../files/errors.ts';
import { inFolder } from '../files/held-folder.ts';
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

interface Folder {
  readonly files: Map<string, Buffer>;
  readonly folders: Map<string, Folder>;
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
  const budget = { left: MAX_FILES };
  for (const name of SINGLE_FILES) await take(root, taskDir, name, budget);
  const outputs: Folder = { files: new Map(), folders: new Map() };
  await inFolder(join(taskDir, OUTPUTS), (held) => gather(outputs, held, budget, 0));
  root.folders.set(OUTPUTS, outputs);
  const kept = session ?? (await readRegular(sessionFile, MAX_SESSION_BYTES));
  if (kept !== null) root.files.set(SESSION, kept);
  return writeFolder(store, root);
}

async function take(into: Folder, folder: string, name: string, budget: { left: number }): Promise<void> {
  if (budget.left <= 0) return;
  const content = await readRegular(join(folder, name), MAX_FILE_BYTES);
  if (content === null) return;
  into.files.set(name, content);
  budget.left -= 1;
}

async function gather(into: Folder, folder: string, budget: { left: number }, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) return;
  const entries = entriesOf(folder);
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    if (budget.left <= 0) return;
    if (entry.name.toLowerCase() === '.git') continue;
    if (entry.isFile()) await take(into, folder, entry.name, budget);
    if (!entry.isDirectory()) continue;
    const below: Folder = { files: new Map(), folders: new Map() };
    await inFolder(join(folder, entry.name), (held) => gather(below, held, budget, depth + 1));
    into.folders.set(entry.name, below);
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return absentAsNull(error) ?? [];
  }
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
