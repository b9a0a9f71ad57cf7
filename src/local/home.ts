/**
 * The state home: where everything of one engine on one machine lies. Made with mode 0700, since logs, prompts and the
 * database's password are in it. Everything but `host-id` can be made again by `up`.
 */

import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { codeOf } from '../core/thrown.ts';

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

/** Makes the home where it is missing, closed to others; its paths, with links resolved. @throws what the file system says */
export async function openHome(home: string): Promise<HomePaths> {
  const folder = resolve(home);
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  const paths = homePaths(await realpath(folder));
  // A folder with things in it keeps its mode: it may be /tmp. What is private in it has a mode of its own.
  if (made === undefined && (await readdir(paths.home)).length === 0) await chmod(paths.home, 0o700);
  await Promise.all([paths.logs, paths.temporalFolder].map((path) => mkdir(path, { recursive: true, mode: 0o700 })));
  return paths;
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

/** Writes a private file whole under another name and links it into place: the first writer's text is everybody's. */
export async function createOnce(path: string, text: string): Promise<string> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, text, { mode: 0o600, flush: true });
  try {
    await link(temporary, path);
    return text;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return await readFile(path, 'utf8');
  } finally {
    await rm(temporary, { force: true });
  }
}
