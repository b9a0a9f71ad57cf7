/**
 * One gate run's life: red is run once more on the same tree before it counts, and a run that ended for the host's
 * reasons is none. Pure.
 *
 * ```
 *   first ──┬─ green ──────────────▶ green
 *           ├─ red ────────────────▶ second
 *           └─ none, some times ───▶ first, and at last none
 *
 *   second ─┬─ green ──────────────▶ green, a flake
 *           ├─ red ────────────────▶ red
 *           └─ none, some times ───▶ second, and at last none
 * ```
 */

import type { Progress } from './progress.ts';
import type { GateVerdict } from './queue-types.ts';

/** Runs that may end for the host's reasons before it is given up for now. */
export const MAX_LOST_RUNS = 3;

/** The reason of a run that was given up: it may be asked for again at once. */
export const CANCELED_RUN = 'canceled';

/** What the heartbeats of a run say that has its worktree already, and waits for a slot. */
export const WAITS_FOR_SLOT: Progress = { text: 'waits for a gate slot', percent: null };

/** The shortest time between two heartbeats of a run, in milliseconds. */
export const QUICKEST_BEAT_MS = 250;

/** When the next heartbeat is due, by which a run hears that it was given up: so no more than a tenth of it is for nothing. */
export function nextBeatMs(ranMs: number, mostMs: number): number {
  return Math.min(mostMs, Math.max(QUICKEST_BEAT_MS, ranMs / 10));
}

export interface GateRun {
  readonly runs: number;
  readonly lost: number;
  /** What the first run said when it was red. */
  readonly red: Extract<GateVerdict, { kind: 'red' }> | null;
}

export const NEW_GATE_RUN: GateRun = { runs: 0, lost: 0, red: null };

export type GateRunStep =
  | { readonly kind: 'run'; readonly next: GateRun }
  | { readonly kind: 'over'; readonly verdict: GateVerdict };

/** What follows from the end of a run. */
export function nextGateRun(run: GateRun, verdict: GateVerdict): GateRunStep {
  const runs = run.runs + 1;
  switch (verdict.kind) {
    case 'green':
      return { kind: 'over', verdict: run.red === null ? verdict : { kind: 'green', flake: run.red.text } };
    case 'red':
      return run.red === null ? { kind: 'run', next: { ...run, runs, red: verdict } } : { kind: 'over', verdict };
    case 'none': {
      const lost = run.lost + 1;
      return lost >= MAX_LOST_RUNS ? { kind: 'over', verdict } : { kind: 'run', next: { ...run, runs, lost } };
    }
  }
}
