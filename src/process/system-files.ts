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
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

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
const MAX_ENTRIES = 128;
const MODE = 0o755;
const LOOK_EVERY_MS = 1_000;

/** @param parent a folder that no sandbox sees @param etc what is gathered from @param names files and folders of it */
export function createSystemFiles(parent: string, etc: string, names: readonly string[]): SystemFiles {
  const made: string[] = [];
  let last: { readonly seen: string; readonly gathered: Gathered | null } | null = null;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  removeDead(parent);
  return {
    gather() {
      if (last !== null && performance.now() - lookedAtMs < LOOK_EVERY_MS) return last.gathered;
      lookedAtMs = performance.now();
      const states = names.map((name) => stateOf(join(etc, name)));
      const seen = states.join('\n');
      // What could not be made then, since the disk was full, say, may be by now.
      if (last?.seen === seen && last.gathered !== null) return last.gathered;
      const folder = join(parent, `${process.pid}-${randomBytes(4).toString('hex')}`);
      last = { seen, gathered: copyAll(etc, names, states, folder, made) };
      return last.gathered;
    },
    close() {
      for (const folder of made) rmSync(folder, { recursive: true, force: true });
    },
  };
}

const ABSENT = '';
const LARGE = '/';

/** What tells one state of a file or a small folder from another. */
function stateOf(path: string): string {
  try {
    const stats = statSync(path);
    if (!stats.isDirectory()) return stats.isFile() && stats.size <= MAX_BYTES ? markOf(path) : LARGE;
    const entries = readdirSync(realpathSync(path), { recursive: true, withFileTypes: true });
    if (entries.length > MAX_ENTRIES) return LARGE;
    if (entries.some((entry) => !(entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()))) return LARGE;
    const bytes = entries.reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0);
    return bytes > MAX_BYTES ? LARGE : ['.', ...entries.map((each) => markOf(join(each.parentPath, each.name)))].join();
  } catch {
    // It is not there, or cannot be listed: then whoever asks for it sees that.
    return existsSync(path) ? LARGE : ABSENT;
  }
}

function markOf(path: string): string {
  const link = lstatSync(path, { bigint: true });
  const { dev, ino, size, mtimeNs, mode } = link.isSymbolicLink() && existsSync(path) ? statSync(path, { bigint: true }) : link; // prettier-ignore
  return `${path} ${dev} ${ino} ${size} ${mtimeNs} ${mode} ${link.ino}`;
}

function copyAll(
  etc: string,
  names: readonly string[],
  states: readonly string[],
  folder: string,
  made: string[],
): Gathered | null {
  const others: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: MODE });
    made.push(folder);
    for (const [at, name] of names.entries()) {
      const state = states[at] ?? ABSENT;
      if (state === ABSENT) continue;
      const [from, to] = [realpathSync(join(etc, name)), join(folder, name)];
      mkdirSync(dirname(to), { recursive: true, mode: MODE });
      if (state !== LARGE && copied(from, to)) continue;
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
