/** Processes as the kernel tells of them: whole trees, to be stopped, killed and looked for afterwards. */

import { readFileSync } from 'node:fs';
import {
  isRunning,
  listPids,
  readEnvironment,
  readStat,
  sendSignal,
  type ProcessStat,
} from '../../src/process/proc.ts';
import { eventually } from '../support/eventually.ts';

/** How long anything may outlive its worker (N5). */
const GONE_WITHIN_MS = 5_000;

/** A process and all that it has started, itself first. */
export function treeOf(pid: number): readonly ProcessStat[] {
  const all = listPids().flatMap((one) => readStat(one) ?? []);
  const own = all.find((stat) => stat.pid === pid);
  if (own === undefined) return [];
  const found = [own];
  // What is found is looked through for children of its own.
  for (const { pid: parent } of found) found.push(...all.filter((stat) => stat.parent === parent));
  return found;
}

/** Of these processes the ones that are still there. */
function stillThere(processes: readonly ProcessStat[]): readonly ProcessStat[] {
  return processes.filter(({ pid, startTime }) => {
    const now = readStat(pid);
    return isRunning(now) && now.startTime === startTime;
  });
}

/** The processes that carry the tag of a worker. */
function taggedBy(worker: number): readonly ProcessStat[] {
  const tag = new RegExp(`(?:^|\\0)TASKS_TAG=[0-9a-f]+\\.${worker}\\.`);
  return listPids().flatMap((pid) => {
    const stat = tag.test(readEnvironment(pid) ?? '') ? readStat(pid) : null;
    return isRunning(stat) ? [stat] : [];
  });
}

export interface Killed {
  /** How long something of it was there afterwards; null: longer than {@link GONE_WITHIN_MS}. */
  readonly goneAfterMs: number | null;
  readonly left: readonly string[];
}

/**
 * Kills a worker by SIGKILL, and waits until all that it had started is gone.
 *
 * @param afterwards at once after the kill, as to let go a hook of the origin that waits
 */
export async function killWorker(pid: number, afterwards: () => Promise<void> = nothing): Promise<Killed> {
  const tree = treeOf(pid);
  const killedAtMs = Date.now();
  sendSignal(pid, 'SIGKILL');
  await afterwards();
  const left = (): readonly ProcessStat[] => [...stillThere(tree), ...taggedBy(pid)];
  try {
    await eventually('what the worker had started to be gone', () => left().length === 0, GONE_WITHIN_MS);
    return { goneAfterMs: Date.now() - killedAtMs, left: [] };
  } catch {
    const names = left().map((stat) => `${stat.pid} ${commandOf(stat.pid)}`);
    return { goneAfterMs: names.length === 0 ? Date.now() - killedAtMs : null, left: names };
  }
}

async function nothing(): Promise<void> {
  // Most kills have nothing that follows at once.
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200);
  } catch {
    return '(gone)';
  }
}

/** The processes whose environment names a folder that nobody else uses. */
export function processesOf(folder: string): readonly number[] {
  return listPids().filter((pid) => {
    if (pid === process.pid || !(readEnvironment(pid) ?? '').includes(folder)) return false;
    return isRunning(readStat(pid));
  });
}
