/**
 * The tag that each process carries in its environment as TASKS_TAG:
 * `<hash of the state home>.<worker's pid>.<worker's start time>/<tag of the attempt>`.
 *
 * It says for itself whose the process is, so that finding leftovers after a kill -9 depends on no file that the
 * dead worker would have had to write.
 */

import { createHash } from 'node:crypto';

import { isAlive } from '../files/living.ts';
import { readStat } from './proc.ts';

export const TAG_VARIABLE = 'TASKS_TAG';

/** Names a state home; two homes on one machine never share it. */
export function hashOfHome(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 16);
}

/** The tag of this process's children, but for the attempt's own part. */
export function ownerTag(homeHash: string): string {
  return `${homeHash}.${process.pid}.${readStat(process.pid)?.startTime ?? '0'}`;
}

/** True when an environment carries exactly this tag. */
export function carriesTag(environment: string, tag: string): boolean {
  return environment.includes(`${TAG_VARIABLE}=${tag}\0`) || environment.endsWith(`${TAG_VARIABLE}=${tag}`);
}

/** The worker that started the process with this environment; null when it is not of the home. */
export function workerOf(environment: string, homeHash: string): { pid: number; startTime: string } | null {
  const match = /(?:^|\0)TASKS_TAG=([0-9a-f]{16})\.(\d+)\.(\d+)\//.exec(environment);
  if (match === null || match[1] !== homeHash) return null;
  return { pid: Number(match[2]), startTime: match[3] ?? '' };
}

/** Whether that very worker, and not another process under its pid, is still there. */
export function workerLives({ pid, startTime }: { pid: number; startTime: string }): boolean {
  return isAlive(pid, startTime);
}
