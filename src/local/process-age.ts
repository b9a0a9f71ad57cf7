/** When a process began, by the clock that files are dated with. */

import { performance } from 'node:perf_hooks';
import { identify } from './processes.ts';

/** The kernel counts a hundred of them a second for programs, whatever it counts for itself. */
const TICK_MS = 10;

/** In milliseconds since 1970, to within a tenth of a second; null: there is no such process, or nobody can say. */
export async function startedAtMs(pid: number): Promise<number | null> {
  const found = await identify(pid);
  if (found === null) return null;
  if (process.platform !== 'linux') return numberOrNull(Date.parse(found.startTime));
  // Of this process both are known: when it began, and at which tick.
  const own = await identify(process.pid);
  return own === null
    ? null
    : numberOrNull(performance.timeOrigin - (tickOf(own.startTime) - tickOf(found.startTime)) * TICK_MS);
}

function tickOf(startTime: string): number {
  return Number(startTime.split(':').at(-1));
}

function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
