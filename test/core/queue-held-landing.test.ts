/** One that is held while it lands, as by what a person has in the origin's checkout: told once, tried more and more rarely. */

import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, NEW_QUEUE, type Queue, type QueueFact } from '../../src/core/queue.ts';
import type { Held } from '../../src/core/task-types.ts';
import {
  ALL_TOLD,
  at,
  built,
  candidate,
  green,
  handedOff,
  landed,
  pushed,
  run,
  say,
  stages,
  told,
} from './queue-rig.ts';
import { objectId } from './rig.ts';

const TRIES = 10;

function landing(begin: Queue): Queue {
  return run(begin, handedOff(1), built(1, candidate(1)), green(1), ALL_TOLD);
}

function heldBy(text: string, why: Held['kind'] = 'checkout'): ReturnType<typeof pushed> {
  return pushed(1, { kind: 'held', why, text });
}

/** One fact after another, at one time. */
function later(queue: Queue, nowMs: number, ...facts: readonly QueueFact[]): Queue {
  return facts.reduce((next, fact) => at(next, nowMs, fact), queue);
}

function untilOf({ chain: [entry] }: Queue): number {
  if (entry?.stage.kind !== 'held') throw new Error(`it is ${entry?.stage.kind ?? 'gone'}, not held`);
  return entry.stage.untilMs;
}

/** Tried so often again, held in the same words each time: what was told, and how long each wait was. */
function triedAgain(begin: Queue): {
  readonly queue: Queue;
  readonly words: readonly string[];
  readonly waits: readonly number[];
} {
  let queue = run(landing(begin), heldBy('list has changes'));
  const words = [...told(queue)];
  const waits: number[] = [];
  for (let tries = 0; tries < TRIES; tries += 1) {
    const untilMs = untilOf(queue);
    queue = later(queue, untilMs, ALL_TOLD, built(1, candidate(1)));
    words.push(...told(queue));
    expect(stages(queue)).toEqual(['1 landing']);
    queue = later(queue, untilMs, ALL_TOLD, heldBy('list has changes'));
    words.push(...told(queue));
    waits.push(untilOf(queue) - untilMs);
  }
  return { queue, words, waits };
}

describe('one that is held while it lands', () => {
  it('is told once, however often it is tried', () => {
    expect(triedAgain(NEW_QUEUE).words).toEqual(['1 held']);
  });

  it('is tried more and more rarely, up to a bound', () => {
    const { waits } = triedAgain(NEW_QUEUE);
    expect(waits).toEqual(waits.toSorted((one, other) => one - other));
    expect(waits[0]).toBeLessThan(2_000);
    expect(waits.at(-1)).toBeGreaterThan(10_000);
    expect(waits.at(-1)).toBeLessThanOrEqual(15_000);
  });

  it('is told anew when it is held by something else', () => {
    const { queue } = triedAgain(NEW_QUEUE);
    const untilMs = untilOf(queue);
    const other = later(queue, untilMs, ALL_TOLD, built(1, candidate(1)), heldBy('more has changes'));
    expect(other.replies.map(({ reply }) => reply)).toEqual([
      { kind: 'held', handoff: 1, held: { kind: 'checkout', text: 'more has changes', sinceMs: untilMs } },
    ]);
  });

  it('lands without a word before when nothing holds it any more', () => {
    const { queue } = triedAgain(NEW_QUEUE);
    expect(told(later(queue, untilOf(queue), ALL_TOLD, built(1, candidate(1)), landed(1)))).toEqual(['1 landed']);
  });

  it('is told that it goes on when it has to be gated first, and begins its waits anew once that is green', () => {
    const { queue } = triedAgain(NEW_QUEUE);
    const untilMs = untilOf(queue);
    const moved = { main: { commit: objectId(8), since: 'ahead', vanished: [] } };
    const onNew = { ...built(1, candidate(2, 8), null, moved), known: objectId(9) } as QueueFact;
    const anew = later(queue, untilMs, ALL_TOLD, onNew);
    expect(anew.replies.map(({ reply }) => reply)).toEqual([{ kind: 'held', handoff: 1, held: null }]);
    expect(stages(anew)).toEqual(['1 candidate']);
    const again = later(anew, untilMs, ALL_TOLD, green(2), heldBy('list has changes'));
    expect(told(again)).toEqual(['1 held']);
    expect(untilOf(again) - untilMs).toBeLessThan(2_000);
  });

  it('is told of a pause, and afterwards again of what holds it', () => {
    const paused = run(landing(NEW_QUEUE), heldBy('list has changes'), ALL_TOLD, say('pause'));
    expect(told(paused)).toEqual(['1 held']);
    const untilMs = untilOf(paused);
    const resumed = later(paused, untilMs, ALL_TOLD, say('resume'));
    expect(resumed.replies.map(({ reply }) => reply)).toEqual([{ kind: 'held', handoff: 1, held: null }]);
    expect(told(later(resumed, untilMs, ALL_TOLD, built(1, candidate(1)), heldBy('list has changes')))).toEqual([
      '1 held',
    ]);
  });

  it('goes on as before in a queue of an older version: told that it goes on and is held each time', () => {
    const { words, waits } = triedAgain({ ...EMPTY_QUEUE, oneTurn: true });
    expect(words).toEqual(['1 held', ...Array.from({ length: TRIES }, () => ['1 held', '1 held']).flat()]);
    expect(Math.max(...waits)).toBeLessThan(2_000);
  });
});
