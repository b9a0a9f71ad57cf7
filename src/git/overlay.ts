/**
 * Folders laid over others by overlayfs, so that what is written into them goes elsewhere. Linux alone, and only where the
 * worker may mount (as root, as a rule): whoever asks is told when it cannot be, and copies.
 */

import { execFile } from 'node:child_process';
import { realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readText } from '../files/read.ts';
import { makeFolder } from '../files/write.ts';

const run = promisify(execFile);
const MOUNT_MS = 10_000;
const MAX_MOUNTS_BYTES = 8 * 1024 * 1024;
const ENVIRONMENT = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' };
/** What the list of options or the kernel's list of mounts would have to escape. */
const ODD = /[,:\\\s]/;
const MAX_ROUNDS = 100;

/**
 * Lets a folder show another one's content beside its own, which comes first; what is written in it goes below `layers`,
 * and neither folder changes. False when that cannot be done here.
 */
export async function mountOver(folder: string, beside: string, layers: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  if ([folder, beside, layers, await realOf(folder)].some((path) => ODD.test(path))) return false;
  const [upper, work] = [join(layers, 'upper'), join(layers, 'work')];
  for (const layer of [upper, work]) makeFolder(layer, 0o700);
  const options = `nosuid,nodev,lowerdir=${folder}:${beside},upperdir=${upper},workdir=${work}`;
  try {
    await run('mount', ['-t', 'overlay', 'overlay', '-o', options, folder], { env: ENVIRONMENT, timeout: MOUNT_MS });
    return true;
  } catch {
    // Not root, no such file system, or one that cannot be below an overlay: it is no fault, there is another way.
    await rm(layers, { recursive: true, force: true });
    return false;
  }
}

/**
 * Takes off whatever is laid over a folder or below it, also by a worker that was killed.
 *
 * @throws Error when something stays
 */
export async function unmountBelow(folder: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const [deepest] = (await mountsBelow(folder)).toSorted((a, b) => b.length - a.length);
    if (deepest === undefined) return;
    // Lazily: what a process still has open there is nobody's any more.
    await run('umount', ['-l', deepest], { env: ENVIRONMENT, timeout: MOUNT_MS });
  }
  throw new Error(`what is mounted below ${folder} stays`);
}

/** The kernel lists mounts by where they really are. */
async function realOf(folder: string): Promise<string> {
  return realpath(folder).catch(() => folder);
}

async function mountsBelow(given: string): Promise<readonly string[]> {
  const folder = await realOf(given);
  const list = (await readText('/proc/self/mountinfo', MAX_MOUNTS_BYTES)) ?? '';
  const points = list.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  return points.filter((point) => point === folder || point.startsWith(`${folder}/`));
}
