/** Killing what is left of a process tree, until nothing of it lives (N5). */

import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';

import { isRunning, listPids, readEnvironment, readStat, sendSignal, type Look, type ProcessStat } from './proc.ts';
import { carriesTag, workerLives, workerOf } from './tag.ts';

const SWEEP_LIMIT_MS = 5_000;
const SWEEP_PAUSE_MS = 2;
const QUICK_ROUNDS = 20;

/** The first process of a run. */
export interface Leader {
  readonly pid: number;
  /** In clock ticks since boot; 0 when it was gone before it could be read. */
  readonly startTime: number;
}

/** Leads a run of which it is not known who does: it is found by its tag and its groups. */
export const NOBODY: Leader = { pid: -1, startTime: 0 };

/**
 * Kills every process that the finder finds, again and again until it finds none.
 *
 * @returns how many were killed
 * @throws when something still lives after five seconds: nothing else may use its folders then
 */
export async function killUntilGone(what: string, find: (look: Look) => readonly ProcessStat[]): Promise<number> {
  const killed = new Set<string>();
  const until = performance.now() + SWEEP_LIMIT_MS;
  for (let rounds = 1; ; rounds += 1) {
    const look = { failed: false };
    const found = find(look);
    // Of what could not be looked at nobody knows that it is gone.
    if (found.length === 0 && !look.failed) return killed.size;
    for (const stat of found) {
      killed.add(`${stat.pid} ${stat.startTime}`);
      sendSignal(stat.pid, 'SIGKILL');
    }
    if (performance.now() >= until) {
      const pids = found.map((stat) => stat.pid).join(', ');
      if (pids === '') throw new Error(`${what}: nobody can see what lives, since no descriptor is free (ulimit -n)`);
      throw new Error(`${what}: processes ${pids} outlive SIGKILL; look at them with ps -o pid,stat,wchan -p ${pids}`);
    }
    // A killed process is mostly gone within a millisecond.
    await (rounds < QUICK_ROUNDS ? nextTurn() : pause(SWEEP_PAUSE_MS));
  }
}

/** The living processes of one run: those of its session or group, and those that carry its tag. */
export function findRun(leader: Leader, tag: string, look: Look): readonly ProcessStat[] {
  const { pid, startTime } = leader;
  return findProcesses(look, (stat) => {
    // What was there before the run cannot be of it: most need no further look.
    if (Number(stat.startTime) < startTime) return false;
    return stat.session === pid || stat.group === pid || carriesTag(readEnvironment(stat.pid, look) ?? '', tag);
  });
}

/** The living processes of a home whose worker is dead. */
export function findLeftovers(homeHash: string, look: Look): readonly ProcessStat[] {
  return findProcesses(look, (stat) => {
    const worker = workerOf(readEnvironment(stat.pid, look) ?? '', homeHash);
    return worker !== null && !workerLives(worker);
  });
}

/** One process, for as long as it is the one that was seen under its pid. */
export function findOne(pid: number, startTime: string, look: Look): readonly ProcessStat[] {
  const stat = readStat(pid, look);
  return isRunning(stat) && stat.startTime === startTime ? [stat] : [];
}

/** The living descendants of a process, and what is of its session or group with theirs, without itself. */
export function findDescendants(pid: number): readonly ProcessStat[] {
  const all = findProcesses(undefined, () => true);
  const found: ProcessStat[] = [];
  const parents = new Set([pid]);
  for (let grown = true; grown;) {
    grown = false;
    for (const stat of all) {
      // One whose parent has ended is nobody's child.
      const belongs = parents.has(stat.parent) || stat.session === pid || stat.group === pid;
      if (!belongs || parents.has(stat.pid)) continue;
      parents.add(stat.pid);
      found.push(stat);
      grown = true;
    }
  }
  return found;
}

function findProcesses(look: Look | undefined, belongs: (stat: ProcessStat) => boolean): readonly ProcessStat[] {
  return listPids(look).flatMap((pid) => {
    const stat = pid === process.pid ? null : readStat(pid, look);
    return isRunning(stat) && belongs(stat) ? [stat] : [];
  });
}
