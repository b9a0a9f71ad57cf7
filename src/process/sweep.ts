/** Killing what is left of a process tree, until nothing of it lives (N5). */

import { setTimeout as pause } from 'node:timers/promises';

import { isAlive, listPids, readEnvironment, readStat, sendSignal, type ProcessStat } from './proc.ts';
import { carriesTag, workerLives, workerOf } from './tag.ts';

const SWEEP_LIMIT_MS = 5_000;
const SWEEP_PAUSE_MS = 2;

/**
 * Kills every process that the finder finds, again and again until it finds none.
 *
 * @returns how many were killed
 * @throws when something still lives after five seconds: nothing else may use its folders then
 */
export async function killUntilGone(what: string, find: () => readonly ProcessStat[]): Promise<number> {
  const killed = new Set<string>();
  const until = Date.now() + SWEEP_LIMIT_MS;
  for (let found = find(); found.length > 0; found = find()) {
    for (const stat of found) {
      killed.add(`${stat.pid} ${stat.startTime}`);
      sendSignal(stat.pid, 'SIGKILL');
    }
    if (Date.now() >= until) {
      const pids = found.map((stat) => stat.pid).join(', ');
      throw new Error(`${what}: processes ${pids} outlive SIGKILL; look at them with ps -o pid,stat,wchan -p ${pids}`);
    }
    await pause(SWEEP_PAUSE_MS);
  }
  return killed.size;
}

/** The living processes of one run: those of its session or group, and those that carry its tag. */
export function findRun(leader: number, tag: string): readonly ProcessStat[] {
  return findProcesses(
    (stat) => stat.session === leader || stat.group === leader || carriesTag(readEnvironment(stat.pid) ?? '', tag),
  );
}

/** The living processes of a home whose worker is dead. */
export function findLeftovers(homeHash: string): readonly ProcessStat[] {
  return findProcesses((stat) => {
    const worker = workerOf(readEnvironment(stat.pid) ?? '', homeHash);
    return worker !== null && !workerLives(worker);
  });
}

/** One process, for as long as it is the one that was seen under its pid. */
export function findOne(pid: number, startTime: string): readonly ProcessStat[] {
  const stat = readStat(pid);
  return isAlive(stat) && stat.startTime === startTime ? [stat] : [];
}

/** The living descendants of a process, without itself. */
export function findDescendants(pid: number): readonly ProcessStat[] {
  const all = findProcesses(() => true);
  const found: ProcessStat[] = [];
  const parents = new Set([pid]);
  for (let grown = true; grown;) {
    grown = false;
    for (const stat of all) {
      if (!parents.has(stat.parent) || parents.has(stat.pid)) continue;
      parents.add(stat.pid);
      found.push(stat);
      grown = true;
    }
  }
  return found;
}

function findProcesses(belongs: (stat: ProcessStat) => boolean): readonly ProcessStat[] {
  return listPids().flatMap((pid) => {
    const stat = pid === process.pid ? null : readStat(pid);
    return isAlive(stat) && belongs(stat) ? [stat] : [];
  });
}
