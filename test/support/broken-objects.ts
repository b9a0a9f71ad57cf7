/** Repositories of the engine whose objects are broken on disk, for the tests that have them mended. */

import { existsSync } from 'node:fs';
import { appendFile, chmod, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGitRoom } from '../../src/git/room.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { git } from './git-rig.ts';
import { tempFolder } from './temp.ts';

type Said = { readonly message: string; readonly facts: Readonly<Record<string, unknown>> };

/** The room of a worker, and what it has logged. */
export async function loggedRoom(home?: string): Promise<{ room: GitRoom; home: string; logged: Said[] }> {
  const folder = home ?? (await tempFolder('home'));
  const logged: Said[] = [];
  const log = (message: string, facts: Said['facts']): void => void logged.push({ message, facts });
  return { room: createGitRoom({ home: folder, worker: 'test', processHome: folder, log }), home: folder, logged };
}

/** The one thing in a folder whose name ends so. */
export async function onlyIn(folder: string, ending: string): Promise<string> {
  const [name, ...more] = (await readdir(folder)).filter((one) => one.endsWith(ending));
  if (name === undefined || more.length > 0) throw new Error(`${folder} has ${more.length + 1} repositories`);
  return join(folder, name);
}

/** What a power cut or a bad disk does to a file. */
export const BREAKS: Readonly<Record<string, (path: string) => Promise<void>>> = {
  emptied: (path) => truncate(path, 0),
  'overwritten with zeros': async (path) => writeFile(path, Buffer.alloc((await readFile(path)).length)),
  'cut off': async (path) => truncate(path, Math.floor((await readFile(path)).length / 2)),
  'followed by something': (path) => appendFile(path, 'something'),
  missing: (path) => rm(path),
};

/** Breaks the loose objects with these ids; or the pack that has them. */
export async function breakObjects(gitDir: string, ids: readonly string[], how: (path: string) => Promise<void>) {
  let broken = 0;
  for (const id of ids) {
    const path = join(gitDir, 'objects', id.slice(0, 2), id.slice(2));
    if (!existsSync(path)) continue;
    await chmod(path, 0o644);
    await how(path);
    broken += 1;
  }
  const packs = join(gitDir, 'objects/pack');
  for (const name of (await readdir(packs)).filter((each) => each.endsWith('.pack'))) {
    await chmod(join(packs, name), 0o644);
    await how(join(packs, name));
    broken += 1;
  }
  if (broken === 0) throw new Error('nothing was broken');
}

/** The ids of all that revisions lead to. */
export async function idsOf(folder: string, ...revisions: string[]): Promise<readonly string[]> {
  const lines = await git(folder, 'rev-list', '--objects', ...revisions);
  return lines.split('\n').map((line) => line.split(' ')[0] ?? '');
}

const MANY = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`many/${at}.txt`, `line ${at}\n`]));
/** What else is on an origin, so that a fetch brings one or the other. */
export const ORIGINS = { 'loose objects': {}, 'a pack': MANY } as const;
