/**
 * What is made under another name first, and renamed when it is whole. The name says who makes it, by process and time of start:
 * what a killed one has left goes with the next start, and never what a living one is at.
 */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { messageOf } from '../core/thrown.ts';
import { isAlive, startOf } from '../files/living.ts';
import { namesIn } from '../files/read.ts';
import { removeWhole } from '../files/remove.ts';

/** With a file of its password beside it. Earlier versions wrote no time of start. */
const NAME = /^new-(\d+)-(?:(\d+)-)?[0-9a-f]{6}(?:\.password)?$/;

export function nameOfNew(): string {
  return `new-${process.pid}-${startOf(process.pid) ?? '0'}-${randomBytes(3).toString('hex')}`;
}

/** @param onLeft told of what could not be removed, which keeps nobody from starting */
export async function removeHalfMade(folder: string, onLeft: (text: string) => void): Promise<void> {
  for (const name of await namesIn(folder)) {
    const [, pid, start = ''] = NAME.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid), start)) continue;
    const path = join(folder, name);
    // One whose maker was killed may still be written to by what that has started.
    await removeWhole(path).catch((error: unknown) =>
      onLeft(`${path} was left half made, and cannot be removed now: ${messageOf(error)}`),
    );
  }
}
