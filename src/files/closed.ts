/** Folders and files that an agent has closed to the account that owns them: to root nothing is closed, to others it is. */

import { chmodSync } from 'node:fs';
import { codeOf } from '../core/thrown.ts';
import { createPace, lookThrough, type Pace } from './list.ts';
import { statusOf } from './read.ts';

const FOLDER = 0o700;
const READ = 0o400;
const FILE = 0o600;

/** Opens a folder to its owner again; whatever else is there, or nothing, stays as it is. */
export function reopen(folder: string | Buffer): void {
  const stats = statusOf(folder);
  if (stats?.isDirectory() !== true || (stats.mode & FOLDER) === FOLDER) return;
  chmodSync(folder, (stats.mode & 0o777) | FOLDER);
}

/**
 * The same for a file that cannot be read, or for a folder with all folders and such files below it; links are not followed. What belongs to another account stays as it is:
 * who needs it is told of it.
 */
export async function reopenAll(folder: string, pace = createPace()): Promise<void> {
  const stats = statusOf(folder);
  if (stats?.isFile() === true && (stats.mode & READ) === 0) reopenFile(folder);
  if (stats?.isDirectory() !== true) return;
  let level: readonly Buffer[] = [Buffer.from(folder)];
  while (level.length > 0) {
    const next: Buffer[] = [];
    for (const each of level) {
      await unlessRefused(() => reopenIn(each, next, pace));
      if (pace.isDue()) await pace.turn();
    }
    level = next;
  }
}

async function reopenIn(folder: Buffer, folders: Buffer[], pace: Pace): Promise<void> {
  reopen(folder);
  const closed: Buffer[] = [];
  const look = ({ name, kind }: { readonly name: Buffer; readonly kind: string }): boolean => {
    const path = Buffer.concat([folder, SLASH, name]);
    if (kind === 'folder') folders.push(path);
    else if (kind === 'file' && isClosed(path)) closed.push(path);
    return true;
  };
  await lookThrough(folder, look, pace);
  for (const path of closed) await unlessRefused(() => reopenFile(path));
}

const SLASH = Buffer.from('/');

function isClosed(path: Buffer): boolean {
  return ((statusOf(path)?.mode ?? READ) & READ) === 0;
}

function reopenFile(path: string | Buffer): void {
  const stats = statusOf(path);
  if (stats?.isFile() === true) chmodSync(path, (stats.mode & 0o777) | FILE);
}

async function unlessRefused(reopening: () => Promise<void> | void): Promise<void> {
  try {
    await reopening();
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EPERM' && code !== 'EACCES' && code !== 'ENOENT') throw error;
  }
}
