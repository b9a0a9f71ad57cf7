/**
 * A guard beside a run that no PID namespace holds: it ends the run when the worker is gone, however that went.
 *
 * It is a shell that reads from a pipe whose other end the worker alone has. Kept true (N5): when that end closes, by a
 * kill -9 too, the shell starts the guard-program, which ends the run's session, group and what carries its tag; and no
 * guard outlives its run. The shell waits because it costs a tenth of what a Node does that waits.
 */

import { spawn } from 'node:child_process';

import { readStat, sendSignal } from './proc.ts';
import { findOne, killUntilGone, type Leader } from './sweep.ts';

export interface GuardMeans {
  /** The built guard-program. */
  readonly program: string;
  /** Between TERM and KILL. */
  readonly graceMs: number;
}

/** A guard that was started, by number and start time: who started it need not be this process. */
export interface Guard {
  readonly pid: number;
  readonly startTime: string;
}

/** Without Node, or where no process can be started any more, at least the group ends. */
const SHELL = [
  'trap "" HUP INT TERM; leader=$1; shift; read -r end',
  `trap 'kill -s KILL -- "-$leader"' EXIT`,
  '"$@" && trap - EXIT',
].join('\n');

/** What a guard is started with, but for the run's leader, which {@link startGuard} adds. */
export function guardCommand(
  { program, graceMs }: GuardMeans,
  tag: string,
  groups: readonly string[],
): readonly string[] {
  return [process.execPath, program, tag, String(graceMs), groups.join(':')];
}

/**
 * Starts a guard.
 *
 * @param stdin a pipe whose writing end the worker has; `pipe` for one of this process's own
 * @returns null when none can be started here: then the sweep at the next worker's start does what it would have done
 */
export function startGuard(
  command: readonly string[],
  { pid, startTime }: Leader,
  stdin: number | 'pipe',
): Guard | null {
  const leader = [String(pid), ...command, `${pid} ${startTime}`];
  const child = spawn('/bin/sh', ['-c', SHELL, 'tributary-guard', ...leader], {
    cwd: '/',
    env: {},
    // Not in the worker's group: what kills that must not kill the guard.
    detached: true,
    stdio: [stdin, 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  return child.pid === undefined ? null : { pid: child.pid, startTime: readStat(child.pid)?.startTime ?? '' };
}

/** Ends a guard whose run is over, and returns when it is gone. */
export async function dismissGuard({ pid, startTime }: Guard): Promise<void> {
  // Elsewhere it is this process's own child, whose number nobody else has yet.
  if (process.platform !== 'linux') return sendSignal(pid, 'SIGKILL');
  await killUntilGone(`guard ${pid}`, (look) => findOne(pid, startTime, look));
}
