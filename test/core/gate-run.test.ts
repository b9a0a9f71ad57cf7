import { describe, expect, it } from '@jest/globals';
import { MAX_LOST_RUNS, NEW_GATE_RUN, nextBeatMs, nextGateRun, type GateRunStep } from '../../src/core/gate-run.ts';
import type { GateVerdict } from '../../src/core/queue-types.ts';

const GREEN: GateVerdict = { kind: 'green' };
const RED: GateVerdict = { kind: 'red', failedCommand: 'npm test', text: 'red', logTail: '', landedSince: [] };
const NONE: GateVerdict = { kind: 'none', reason: 'killed' };

/** What the verdicts come to, one after another. */
function after(...verdicts: readonly GateVerdict[]): GateRunStep {
  let step: GateRunStep = { kind: 'run', next: NEW_GATE_RUN };
  for (const verdict of verdicts) {
    if (step.kind === 'over') throw new Error('it was over before');
    step = nextGateRun(step.next, verdict);
  }
  return step;
}

describe('a gate run', () => {
  it('is green at once', () => {
    expect(after(GREEN)).toEqual({ kind: 'over', verdict: GREEN });
  });

  it('is red only when it was red twice', () => {
    expect(after(RED)).toMatchObject({ kind: 'run', next: { runs: 1, red: RED } });
    expect(after(RED, RED)).toEqual({ kind: 'over', verdict: RED });
  });

  it('is green, and a flake, when only the second run was', () => {
    expect(after(RED, GREEN)).toEqual({ kind: 'over', verdict: { kind: 'green', flake: 'red' } });
  });

  it('is run again when the host ended it, so many times', () => {
    expect(after(NONE, RED, NONE, GREEN)).toMatchObject({ verdict: { flake: 'red' } });
    expect(after(...Array.from({ length: MAX_LOST_RUNS - 1 }, () => NONE)).kind).toBe('run');
    expect(after(...Array.from({ length: MAX_LOST_RUNS }, () => NONE))).toEqual({ kind: 'over', verdict: NONE });
  });

  it('beats quickly at first, and less often the longer it has run', () => {
    const after = [0, 900, 4_000, 10_000, 600_000].map((ranMs) => nextBeatMs(ranMs, 1_000));
    expect(after).toEqual([250, 250, 400, 1_000, 1_000]);
    expect(nextBeatMs(0, 10)).toBe(10);
  });
});
