/**
 * The state home: where everything of one engine on one machine lies. Made with mode 0700, since logs, prompts and the
 * database's password are in it. Everything but `host-id` can be made again by `up`.
 */

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, link, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { metLimit } from '../core/met-limit.ts';
import { oneLine } from '../core/text.ts';
import { codeOf, messageOf } from '../core/thrown.ts';
import type { LocalFailure } from './report.ts';

/** The paths of one state home. */
export interface HomePaths {
  readonly home: string;
  readonly hostId: string;
  readonly stack: string;
  readonly ports: string;
  readonly lock: string;
  readonly logs: string;
  readonly temporalFolder: string;
  readonly temporalDb: string;
  /** Present once the database has served: one without it is half-made. */
  readonly temporalMade: string;
  readonly temporalLog: string;
  /** `data/` and, where the server's user may not enter the home, a note of where its data is instead. */
  readonly postgresFolder: string;
  readonly postgresElsewhere: string;
  readonly postgresPassword: string;
  readonly postgresLog: string;
  readonly workerLog: string;
}

/** Where everything is in a home. Pure. */
export function homePaths(home: string): HomePaths {
  const logs = join(home, 'logs');
  const temporalFolder = join(home, 'temporal');
  const postgresFolder = join(home, 'postgres');
  return {
    home,
    hostId: join(home, 'host-id'),
    stack: join(home, 'stack.json'),
    ports: join(home, 'ports.json'),
    lock: join(home, 'up.lock'),
    logs,
    temporalFolder,
    temporalDb: join(temporalFolder, 'temporal.db'),
    temporalMade: join(temporalFolder, 'served'),
    temporalLog: join(logs, 'temporal.log'),
    postgresFolder,
    postgresElsewhere: join(home, 'postgres-folder'),
    postgresPassword: join(home, 'postgres-password'),
    postgresLog: join(logs, 'postgres.log'),
    workerLog: join(logs, 'worker.log'),
  };
}

/** The cache folder, under the XDG cache folder that is passed in (or a home folder's `.cache`). Pure. */
export function cacheFolder(folders: { readonly xdgCacheHome: string | null; readonly userHome: string }): string {
  const base = folders.xdgCacheHome !== null && folders.xdgCacheHome !== '' ? folders.xdgCacheHome : null;
  return join(base ?? join(folders.userHome, '.cache'), 'tributary');
}

/** The state home cannot be used: one line with the fix. */
export class HomeError extends Error {
  override readonly name = 'HomeError';
  /** `full`: it is the right place, and has no room. */
  readonly kind: 'unusable' | 'full';

  constructor(kind: 'unusable' | 'full', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Why a home cannot be used, from what the file system said of it. */
export function homeError(home: string, error: unknown): HomeError {
  if (error instanceof HomeError) return error;
  const code = codeOf(error) ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') return fullHome(home, undefined, error);
  const reasons: Readonly<Record<string, string>> = {
    EEXIST: 'is no folder',
    ENOTDIR: 'is no folder',
    EROFS: 'is on a read-only file system',
    EACCES: 'may not be used by this user',
    EPERM: 'may not be used by this user',
    // Of a folder on a read-only file system, too.
    ENOENT: 'cannot be made',
    ENAMETOOLONG: 'is too long a path',
    ELOOP: 'is a link in a circle',
  };
  const reason = reasons[code] ?? `cannot be used: ${messageOf(error)}`;
  const next = metLimit(code)?.next ?? 'set it to a folder that you may write to';
  const message = `TASKS_HOME: ${shown(home)} ${reason}; ${next}`;
  return new HomeError('unusable', message, { cause: error });
}

function shown(path: string): string {
  return oneLine(path, 300);
}

/** What is said when a home's disk is full, with what is known of it. */
export function fullHome(home: string, facts?: string, cause?: unknown): HomeError {
  const { message, next } = noSpace(home, facts);
  return new HomeError('full', `${message}; ${next}`, { cause });
}

/** The same as a part's failure. */
export function noSpace(home: string, facts?: string): LocalFailure {
  const message = `no space left in TASKS_HOME (${shown(home)})${facts === undefined ? '' : `: ${facts}`}`;
  const next = 'make room there, or set TASKS_HOME to a folder on a larger disk';
  return { kind: 'no-space', message, next };
}

/** Makes the home where it is missing, closed to others; its paths, with links resolved. @throws HomeError */
export async function openHome(home: string): Promise<HomePaths> {
  try {
    return await makeHome(resolve(home));
  } catch (error) {
    throw homeError(home, error);
  }
}

async function makeHome(folder: string): Promise<HomePaths> {
  const isNew = await makeFolders(folder);
  const paths = homePaths(await realpath(folder));
  // A folder with things in it keeps its mode: it may be /tmp. What is private in it has a mode of its own.
  if (!isNew && (await readdir(paths.home)).length === 0) await closeToOthers(paths.home);
  await access(paths.home, constants.W_OK);
  await Promise.all([paths.logs, paths.temporalFolder].map((path) => mkdir(path, { recursive: true, mode: 0o700 })));
  return paths;
}

/** A volume's top folder may be somebody else's, who lets this account write in it: its mode is not ours to change. */
async function closeToOthers(folder: string): Promise<void> {
  try {
    await chmod(folder, 0o700);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
  }
}

/** Makes a folder and what is missing above it; false when it was there. Node's own way tries for ever in /proc. */
async function makeFolders(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(folder)).isDirectory()) return false;
    const above = dirname(folder);
    if (codeOf(error) !== 'ENOENT' || above === folder || (await isFolder(above))) throw error;
    await makeFolders(above);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return true;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** This host's id, kept in the home: made once, also when several ask at the same time. */
export async function readHostId(home: string): Promise<string> {
  const paths = await openHome(home);
  const kept = await readIfThere(paths.hostId);
  if (kept !== null && kept.trim() !== '') return kept.trim();
  const name = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const id = `${name === '' ? 'host' : name}-${randomBytes(4).toString('hex')}`;
  return createOnce(paths.hostId, `${id}\n`).then((text) => text.trim());
}

/** A file's text; null when there is no such file. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** What it means that no file could be given a second name: file systems of other systems have none. */
export function linkError(folder: string, error: unknown): unknown {
  if (!WITHOUT_LINKS.has(codeOf(error) ?? '')) return error;
  const message = `TASKS_HOME: ${shown(folder)} is on a file system without hard links (FAT, or a folder shared with another system, say)`;
  return new HomeError('unusable', `${message}; set it to a folder on a disk of this machine`, { cause: error });
}

const WITHOUT_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Writes a private file whole under another name and links it into place: the first writer's text is everybody's. */
export async function createOnce(path: string, text: string): Promise<string> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, text, { mode: 0o600, flush: true });
  try {
    await link(temporary, path);
    return text;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw linkError(dirname(path), error);
    return await readFile(path, 'utf8');
  } finally {
    await rm(temporary, { force: true });
  }
}
