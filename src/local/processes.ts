/**
 * Processes that outlive whoever started them: told apart by pid and time of start (a pid alone is given again), and
 * ended by a bounded sequence of signals. A zombie counts as ended: in a container nobody may ever collect it.
 */

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open, readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { readIfThere } from './home.ts';
import { messageOf } from '../core/thrown.ts';
import { isAlive, startOf } from '../files/living.ts';

const ON_LINUX = process.platform === 'linux';

/** In the environment of every process of a stack, with the home as its value: finds what stack.json never learned of. */
export const STACK_TAG = 'TRIBUTARY_STACK';

export interface ProcessIdentity {
  readonly pid: number;
  /** On Linux the boot's id and the clock tick of the start; elsewhere what `ps -o lstart` prints. */
  readonly startTime: string;
}

/** The identity of a running process; null when there is none (any more) under this pid. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const startTime = ON_LINUX ? await startOnLinux(pid) : await startElsewhere(pid);
  return startTime === null ? null : { pid, startTime };
}

export async function isStillAlive({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  if (!ON_LINUX) return (await identify(pid))?.startTime === startTime;
  const boot = await bootId();
  return (boot === null || startTime.startsWith(`${boot}:`)) && livesSinceBoot({ pid, startTime });
}

/** Where the system does not show it, what is said of it is believed. */
export function livesSinceBoot({ pid, startTime }: ProcessIdentity): boolean {
  return !ON_LINUX || isAlive(pid, startTime.slice(startTime.lastIndexOf(':') + 1));
}

async function startOnLinux(pid: number): Promise<string | null> {
  const [start, boot] = [startOf(pid), await bootId()];
  return start === null || boot === null ? null : `${boot}:${start}`;
}

/** Null when it cannot be read just now. */
async function bootId(): Promise<string | null> {
  try {
    return ((await readIfThere('/proc/sys/kernel/random/boot_id')) ?? '').trim();
  } catch {
    return null;
  }
}

async function startElsewhere(pid: number): Promise<string | null> {
  // Loaded only where it is needed: every command asks which processes of the stack are alive.
  const { execa } = await import('execa');
  try {
    const { stdout } = await execa('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      timeout: 5_000,
      extendEnv: false,
      env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
    });
    const [state, ...start] = stdout.trim().split(/\s+/);
    return state === undefined || state === '' || state.startsWith('Z') ? null : start.join(' ');
  } catch {
    return null;
  }
}

/** Waits for a process's end; true when it came within the limit. Looks every 20 ms: nobody announces others' children. */
export async function awaitEnd(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const untilMs = performance.now() + limitMs;
  while (await isStillAlive(identity)) {
    if (performance.now() >= untilMs) return false;
    await pause(20);
  }
  return true;
}

/** A signal and how long its effect is waited for, in milliseconds. */
export type Step = readonly [signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL', waitMs: number];

/** Ends a process by one signal after another until it is gone; the last goes to its whole group too. False when it was gone before. */
export async function endProcess(identity: ProcessIdentity, steps: readonly Step[]): Promise<boolean> {
  if (!(await isStillAlive(identity))) return false;
  for (const [signal, waitMs] of steps) {
    send(identity.pid, signal);
    if (signal === 'SIGKILL') send(-identity.pid, signal);
    if (await awaitEnd(identity, waitMs)) return true;
  }
  return true;
}

/** Sends a signal; one that has ended in the meantime is no error. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already, or (for a group) no leader of one: what is still alive is looked at by the caller.
  }
}

/** The processes of this host that carry a stack's tag; none where the system does not show environments. */
export async function findTagged(home: string): Promise<readonly ProcessIdentity[]> {
  const line = `${STACK_TAG}=${home}`;
  return findProcesses(async (pid) =>
    (await readFile(`/proc/${pid}/environ`, 'latin1'))
      .split('\0')
      .some((entry) => Buffer.from(entry, 'latin1').toString('utf8') === line),
  );
}

/** The homes of all stacks of which a process lives; none where the system does not show that. */
export async function taggedHomes(): Promise<readonly string[]> {
  const homes = new Set<string>();
  await findProcesses(async (pid) => {
    for (const entry of (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0')) {
      if (entry.startsWith(`${STACK_TAG}=`))
        homes.add(Buffer.from(entry.slice(STACK_TAG.length + 1), 'latin1').toString('utf8'));
    }
    return false;
  });
  return [...homes];
}

/** The processes whose working folder is this one; none where the system does not show that. */
export async function findInFolder(folder: string): Promise<readonly ProcessIdentity[]> {
  return findProcesses(async (pid) => (await readlink(`/proc/${pid}/cwd`)) === folder);
}

async function findProcesses(matches: (pid: number) => Promise<boolean>): Promise<readonly ProcessIdentity[]> {
  if (!ON_LINUX) return [];
  const found: ProcessIdentity[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    // Another person's process, or one that has just ended, cannot be read: it is not ours to find.
    if (!(await matches(pid).catch(() => false))) continue;
    const identity = await identify(pid);
    if (identity !== null) found.push(identity);
  }
  return found;
}

/** How a process ended, in words: `exit code 1` or `SIGKILL`. */
interface Ended {
  readonly code: number | null;
  readonly text: string;
}

export interface DetachedProcess extends ProcessIdentity {
  /** Settles when it ends; never rejects. */
  readonly ended: Promise<Ended>;
}

export interface DetachedRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly home: string;
  readonly account?: { readonly uid: number; readonly gid: number } | null;
}

/**
 * Starts a process in a session of its own, output appended to a file: a Ctrl-C on the terminal does not reach it, and
 * it outlives this one. A program that cannot be run is an end, with the reason.
 */
export async function spawnDetached(request: DetachedRequest): Promise<DetachedProcess | { readonly missing: string }> {
  const [program, ...args] = request.argv;
  const log = openSync(request.logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      cwd: request.cwd,
      env: { ...request.env, [STACK_TAG]: request.home },
      detached: true,
      stdio: ['ignore', log, log],
      ...request.account,
    });
    const ended = new Promise<Ended>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, text: signal ?? `exit code ${code}` }));
      child.once('error', (error) => resolve({ code: null, text: messageOf(error) }));
    });
    const { pid } = child;
    if (pid === undefined) return { missing: (await ended).text };
    child.unref();
    const identity = await identify(pid);
    return { pid, startTime: identity?.startTime ?? 'ended at once', ended };
  } finally {
    closeSync(log);
  }
}

/** The end of a log file, at most so many bytes; empty when there is none. */
export async function readTail(path: string, maxBytes = 4_000): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, maxBytes);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8').trim();
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
