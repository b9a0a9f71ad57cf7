/** When a queue looks again by itself. What waits for a word is not looked at meanwhile: it would be, again and again, without a pause. */

import { describe, expect, it } from '@jest/globals';
import { CANCELED_RUN } from '../../src/core/gate-run.ts';
import { EMPTY_QUEUE, LOOK_EVERY_MS, NEW_QUEUE, reconcile, type Queue } from '../../src/core/queue.ts';
import {
  ALL_TOLD,
  at,
  built,
  candidate,
  CHAIN,
  CLOCK,
  gated,
  green,
  handedOff,
  keysOf,
  mainGate,
  MAIN_RED,
  pushed,
  red,
  run,
  say,
  stages,
  told,
  withdraw,
} from './queue-rig.ts';
import { NOW_MS, taskId } from './rig.ts';

const SOON_MS = NOW_MS + 20_000;
const AWAY = { kind: 'held', why: 'origin', text: 'away' } as const;

function wakeAtMs(queue: Queue, nowMs: number): number | null {
  return reconcile(queue, [], { ...CLOCK, nowMs }).wakeAtMs;
}

describe('a paused queue', () => {
  it('waits for its next look alone, though one in it was to be tried again; which it is after the pause', () => {
    const paused = run(NEW_QUEUE, handedOff(1), built(1, AWAY), say('pause'));
    expect(wakeAtMs(paused, SOON_MS)).toBe(NOW_MS + LOOK_EVERY_MS);
    expect(stages(at(paused, SOON_MS, say('resume')))).toEqual(['1 building']);
  });

  it('waits for its next look alone, though one was to be verified again; which it is after the pause', () => {
    const verify: Queue = { ...NEW_QUEUE, verify: true };
    const none = { kind: 'none', reason: 'killed' } as const;
    const paused = run(
      verify,
      handedOff(1),
      built(1, candidate(1), null, { verify: true }),
      gated(1, none),
      say('pause'),
    );
    expect(paused.checks.map(({ stage }) => stage.kind)).toEqual(['held']);
    expect(wakeAtMs(paused, SOON_MS)).toBe(NOW_MS + LOOK_EVERY_MS);
    expect(at(paused, SOON_MS, say('resume')).checks.map(({ stage }) => stage.kind)).toEqual(['building']);
  });

  it('tries one again that is asked back, and that only git can tell of, as often as it takes', () => {
    const doubtful = run(
      NEW_QUEUE,
      handedOff(1),
      built(1, candidate(1)),
      green(1),
      pushed(1, AWAY),
      say('pause'),
      withdraw(1),
      ALL_TOLD,
    );
    const held = run(doubtful, built(1, AWAY), ALL_TOLD);
    expect(stages(held)).toEqual(['1 held']);
    const untilMs = wakeAtMs(held, NOW_MS) ?? 0;
    expect(untilMs).toBeLessThan(SOON_MS);
    const again = at(held, untilMs);
    expect(keysOf(again, untilMs)).toEqual([`build/${taskId(1)}/1/main`]);
    expect(told(at(again, untilMs, built(1, candidate(1))))).toEqual(['1 withdrawn']);
  });
});

describe('a queue whose main is red', () => {
  const redMain = run({ ...CHAIN, oneTurn: true, toldOnce: true }, red(1), mainGate(MAIN_RED), ALL_TOLD);
  const againMs = NOW_MS + 60_000;
  const looked: Queue = { ...redMain, lookMs: againMs + LOOK_EVERY_MS };

  it('looks when main is to be gated again, and not while it is', () => {
    expect(wakeAtMs(looked, SOON_MS)).toBe(againMs);
    expect(wakeAtMs(looked, againMs)).toBe(looked.lookMs);
    const canceled = mainGate({ kind: 'none', reason: CANCELED_RUN });
    const failed = at(at(looked, againMs), againMs, canceled);
    expect(wakeAtMs(failed, againMs)).toBe(againMs + 30_000);
  });

  it('does not while nothing may be gated, nor while it is not known where main is', () => {
    expect(wakeAtMs(run(looked, say('pause')), againMs)).toBe(looked.lookMs);
    expect(wakeAtMs({ ...looked, main: null }, againMs)).toBe(looked.lookMs);
  });
});

describe('a queue of an older version', () => {
  it('wakes as its history has it', () => {
    const paused = run(EMPTY_QUEUE, handedOff(1), built(1, AWAY), say('pause'));
    expect(wakeAtMs(paused, SOON_MS)).toBeLessThan(SOON_MS);
    const redMain = run(CHAIN, red(1), mainGate(MAIN_RED));
    expect(wakeAtMs(at(redMain, NOW_MS + 61_000), NOW_MS + 61_000)).toBe(NOW_MS + 60_000);
  });
});
