/**
 * What every sandbox sees of /etc, gathered in one folder: bubblewrap reads the list of all mounts for each one that it makes,
 * so that to put forty files and folders in one by one takes longer than all else that it does.
 *
 * It owns `<parent>/<pid>-…`. Kept true: what is gathered is at most a second older than /etc; a folder that has been handed
 * out never changes, another one is made.
 */

import { randomBytes } from 'node:crypto';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
  type Dirent,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { codeOf } from '../core/thrown.ts';
import { isAlive } from '../files/living.ts';

export interface Gathered {
  /** Stands for /etc. */
  readonly folder: string;
  /** What has to be put into it one by one: it is large, or cannot be read. */
  readonly others: readonly string[];
}

export interface SystemFiles {
  /** Null when it cannot be made: then each is put in by itself. */
  gather(): Gathered | null;
  close(): void;
}

const MAX_BYTES = 1024 * 1024;
const MAX_ENTRIES = 1_024;
const MODE = 0o755;
const LOOK_EVERY_MS = 1_000;

/** @param parent a folder that no sandbox sees @param etc what is gathered from @param names files and folders of it */
export function createSystemFiles(parent: string, etc: string, names: readonly string[]): SystemFiles {
  const made: string[] = [];
  let last: { readonly seen: readonly Seen[]; readonly gathered: Gathered | null } | null = null;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  removeDead(parent);
  return {
    gather() {
      if (last !== null && performance.now() - lookedAtMs < LOOK_EVERY_MS) return last.gathered;
      lookedAtMs = performance.now();
      // What could not be made then, since the disk was full, say, may be by now.
      if (last !== null && last.gathered !== null && last.seen.every(isAsSeen)) return last.gathered;
      const parts = names.map((name) => partOf(name, join(etc, name)));
      const folder = join(parent, `${process.pid}-${randomBytes(4).toString('hex')}`);
      last = { seen: parts.flatMap(({ seen }) => seen), gathered: copyAll(etc, parts, folder, made) };
      return last.gathered;
    },
    close() {
      for (const folder of made) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What was looked at, and what of it changes when it does. */
interface Seen {
  readonly path: string;
  readonly mark: string;
}

interface Part {
  readonly name: string;
  readonly kind: 'absent' | 'small' | 'large';
  /** To look at these again is a tenth of the work of looking for them. */
  readonly seen: readonly Seen[];
}

function partOf(name: string, path: string): Part {
  const seen: readonly Seen[] = [seenAt(path)];
  // What is large, or cannot be listed, is for whoever asks for it to see.
  const large: Part = { name, kind: 'large', seen };
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return { name, kind: 'absent', seen };
    if (!stats.isDirectory()) return stats.isFile() && stats.size <= MAX_BYTES ? { name, kind: 'small', seen } : large;
    const entries = readdirSync(realpathSync(path), { recursive: true, withFileTypes: true });
    if (entries.length > MAX_ENTRIES) return large;
    if (entries.some((entry) => !(entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()))) return large;
    if (entries.reduce((sum, entry) => sum + lstatSync(pathOf(entry)).size, 0) > MAX_BYTES) return large;
    // A link stays one here, and another one in its place changes its folder.
    const others = entries.filter((entry) => !entry.isSymbolicLink());
    return { name, kind: 'small', seen: [...seen, ...others.map((entry) => seenAt(pathOf(entry)))] };
  } catch {
    return large;
  }
}

function pathOf({ parentPath, name }: Dirent): string {
  return join(parentPath, name);
}

function seenAt(path: string): Seen {
  return { path, mark: markOf(path) };
}

function isAsSeen({ path, mark }: Seen): boolean {
  return markOf(path) === mark;
}

/** Of a link also what it leads to. Whatever is done to a file or folder changes its ctime. */
function markOf(path: string): string {
  try {
    const link = lstatSync(path, { throwIfNoEntry: false });
    const target = link?.isSymbolicLink() === true ? statSync(path, { throwIfNoEntry: false }) : link;
    return [link, target].map((stats) => `${stats?.dev} ${stats?.ino} ${stats?.ctimeMs} ${stats?.size}`).join();
  } catch (error) {
    return codeOf(error) ?? '';
  }
}

function copyAll(etc: string, parts: readonly Part[], folder: string, made: string[]): Gathered | null {
  const others: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: MODE });
    made.push(folder);
    for (const { name, kind } of parts) {
      if (kind === 'absent') continue;
      const [from, to] = [realpathSync(join(etc, name)), join(folder, name)];
      mkdirSync(dirname(to), { recursive: true, mode: MODE });
      if (kind === 'small' && copied(from, to)) continue;
      others.push(name);
      if (statSync(from).isDirectory()) mkdirSync(to, { recursive: true, mode: MODE });
      else writeFileSync(to, '');
    }
    return { folder, others };
  } catch {
    // A full disk, say: it is only a help.
    return null;
  }
}

function copied(from: string, to: string): boolean {
  try {
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    return true;
  } catch {
    // Not for this account to read.
    rmSync(to, { recursive: true, force: true });
    return false;
  }
}

/** What workers have left that were killed. */
function removeDead(parent: string): void {
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  for (const name of readdirSync(parent)) {
    const pid = /^(\d+)-[0-9a-f]+$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid), '')) rmSync(join(parent, name), { recursive: true, force: true });
  }
}
