/** Removes what an agent may have left, whatever it is, and follows no link of it. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, opendirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from '../core/thrown.ts';
import { reopen } from './closed.ts';
import { absentAsNull } from './errors.ts';
import { statusOf } from './read.ts';

const run = promisify(execFile);

/** Up to so many entries are removed at once; for more a program is started, while the worker does something else. */
const FEW = 200;

/** Takes a folder out of its place at once, then removes it: a half-removed one is never seen under its name. */
export async function removeTree(path: string, trash: string): Promise<void> {
  const stats = statusOf(path);
  if (stats === null) return;
  const name = randomBytes(8).toString('hex');
  let aside = join(trash, name);
  try {
    mkdirSync(trash, { recursive: true });
    // Even its owner moves no folder that is closed.
    reopen(path);
    try {
      renameSync(path, aside);
    } catch (error) {
      // Somebody has put it on another disk than the trash.
      if (codeOf(error) !== 'EXDEV') throw error;
      aside = `${path}.${name}.gone`;
      renameSync(path, aside);
    }
  } catch (error) {
    absentAsNull(error);
    return;
  }
  await removeWhole(aside);
}

/**
 * Removes whatever it is, with all that is in it: also what its owner has closed to itself, such as a read-only cache.
 *
 * Not by Node, beyond a few: it reads the names of a whole folder and asks for the removal of all at once, and of half a million
 * files nothing else of the worker would have its turn meanwhile. Nor does it reach what is too deep for a path.
 */
export async function removeWhole(path: string | Buffer): Promise<void> {
  if (isRemovedAtOnce(Buffer.from(path), { left: FEW }) || statusOf(path) === null) return;
  try {
    await runOn(path, 'rm', '-rf');
  } catch {
    await runOn(path, 'chmod', '-R', 'u+rwX');
    await runOn(path, 'rm', '-rf');
  }
}

/** Whether it was a folder, and all of it is gone now; what is left, for whatever reason, goes the thorough way. */
function isRemovedAtOnce(path: Buffer, entries: { left: number }): boolean {
  try {
    if (!lstatSync(path).isDirectory()) return false;
    const folder = opendirSync(path, { encoding: 'buffer' as BufferEncoding });
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        entries.left -= 1;
        if (entries.left < 0) return false;
        // A name need not be UTF-8.
        const below = Buffer.concat([path, Buffer.from('/'), Buffer.from(entry.name)]);
        if (!entry.isDirectory()) unlinkSync(below);
        else if (!isRemovedAtOnce(below, entries)) return false;
      }
    } finally {
      folder.closeSync();
    }
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** By way of `xargs` where its name is no UTF-8: no argument that is given here can be. */
async function runOn(path: string | Buffer, program: string, ...options: readonly string[]): Promise<void> {
  const text = path.toString();
  if (Buffer.from(text).equals(Buffer.from(path))) {
    await run(program, [...options, '--', text]);
    return;
  }
  const running = run('xargs', ['-0', program, ...options, '--']);
  // One that could not be started, or ended at once, is told by its own end.
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(path);
  await running;
}

export async function removeFile(path: string | Buffer): Promise<void> {
  try {
    unlinkSync(path);
  } catch (error) {
    absentAsNull(error);
  }
}

/** Removes whatever has this name; a folder with all that is in it. */
export async function removeAny(path: string | Buffer): Promise<void> {
  const status = statusOf(path);
  if (status?.isDirectory() === true) await removeWhole(path);
  else if (status !== null) await removeFile(path);
}

/** Removes a folder that has nothing in it; any other stays, and so does what is no folder. */
export async function removeEmpty(path: string): Promise<void> {
  try {
    rmdirSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') absentAsNull(error);
  }
}
