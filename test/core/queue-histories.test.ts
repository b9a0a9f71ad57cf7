import { describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import { EMPTY_QUEUE, nextQueue, type Queue, type QueueEvent } from '../../src/core/queue.ts';
import type { BuildResult, Candidate, GateVerdict, LandingReply, LandResult } from '../../src/core/queue-types.ts';
import {
  candidateOf,
  failureOf,
  forEachSeed,
  holds,
  itemOf,
  LANDING,
  NOW_MS,
  REQUEST,
  taskId,
  type Dice,
} from './rig.ts';

/** A world around the queue: what is on main, what was seen green, and what tasks were told. */
class World {
  readonly #dice: Dice;
  queue: Queue = EMPTY_QUEUE;
  nowMs = NOW_MS;
  readonly onMain = new Map<TaskId, number>();
  readonly green = new Set<string>();
  /** Final answers, by hand-off, as they were told. */
  readonly told = new Map<string, LandingReply[]>();
  readonly attempts = [1, 1, 1, 1];
  #candidates = 0;
  #pushed: LandResult | null = null;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  apply(event: QueueEvent): void {
    const before = this.queue;
    this.queue = nextQueue(before, event, { nowMs: this.nowMs, random: this.#dice.roll() });
    this.#check(before);
  }

  /** What the workflow does next of itself. */
  carryOut(): void {
    this.nowMs += this.#dice.below(20_000);
    const { step, items } = this.queue;
    const [item] = items;
    if (this.#dice.roll() < 0.7) this.apply({ kind: 'told', count: this.#dice.below(this.queue.replies.length + 1) });
    if (item === undefined) return;
    switch (step.kind) {
      case 'building':
        return this.apply({ kind: 'built', result: this.#build(item.taskId) });
      case 'gating':
        return this.apply({ kind: 'gated', verdict: this.#gate(step.candidate) });
      case 'landing':
        // What happens to main and the word of it are two moments: much may come between them.
        if (this.#pushed === null) {
          this.#pushed = this.#push(item.taskId, item.attempt);
          return;
        }
        return this.#wordOfPush(this.#pushed);
      case 'idle':
      case 'holding':
      case 'stopped':
        return this.apply({ kind: 'due' });
    }
  }

  /** What a task, or a message that was long under way, does. */
  disturb(): void {
    const number = this.#dice.below(this.attempts.length);
    const current = this.attempts[number] ?? 1;
    const stale = this.#dice.roll() < 0.2 ? Math.max(1, current - 1) : current;
    if (this.#dice.roll() < 0.25) return this.apply({ kind: 'withdraw', taskId: taskId(number), handoff: stale });
    if (this.#dice.roll() < 0.4) this.attempts[number] = current + 1;
    // A hand-off that is repeated may come late, but not after a newer one: the task waits for each to be delivered.
    this.apply({ kind: 'enqueued', item: itemOf(number, this.attempts[number] ?? 1) });
  }

  #wordOfPush(result: LandResult): void {
    this.#pushed = null;
    this.apply({ kind: 'pushed', result });
  }

  #build(id: TaskId): BuildResult {
    if (this.#dice.roll() < 0.15) return { kind: 'held', why: 'origin', text: 'away' };
    if (this.onMain.has(id)) return { kind: 'landed', landing: LANDING };
    this.#candidates += this.#dice.roll() < 0.7 ? 1 : 0;
    const candidate = candidateOf(this.#candidates);
    const knownGreen = this.green.has(candidate.tree) && this.#dice.roll() < 0.5;
    return this.#dice.pick<BuildResult>([
      { kind: 'candidate', candidate, knownGreen },
      { kind: 'candidate', candidate, knownGreen },
      { kind: 'candidate', candidate, knownGreen },
      { kind: 'conflict', request: REQUEST },
      this.#dice.roll() < 0.3
        ? { kind: 'refused', failure: failureOf('landing-refused') }
        : { kind: 'nothing-to-land' },
    ]);
  }

  #gate(candidate: Candidate): GateVerdict {
    const verdict = this.#dice.pick<GateVerdict>([
      { kind: 'green' },
      { kind: 'green' },
      { kind: 'red', failedCommand: 'npm test', text: 'red', logTail: '', landedSince: [] },
      { kind: 'none', reason: 'killed' },
    ]);
    if (verdict.kind === 'green') this.green.add(candidate.tree);
    return verdict;
  }

  #push(id: TaskId, attempt: number): LandResult {
    if (this.#dice.roll() < 0.01) return { kind: 'mismatch', text: 'another tree' };
    if (this.onMain.has(id)) return { kind: 'landed', landing: LANDING };
    const answered = this.#dice.roll() < 0.5;
    if (this.#dice.roll() < 0.6) {
      this.onMain.set(id, attempt);
      return answered ? { kind: 'landed', landing: LANDING } : { kind: 'held', why: 'origin', text: 'no answer' };
    }
    return answered ? { kind: 'moved' } : { kind: 'held', why: 'engine', text: 'no answer either' };
  }

  #check(before: Queue): void {
    const { queue } = this;
    const fresh = queue.replies.filter((reply) => !before.replies.includes(reply));
    for (const { taskId: id, reply } of fresh) {
      if (reply.kind === 'held') continue;
      const key = `${id}/${reply.handoff}`;
      this.told.set(key, [...(this.told.get(key) ?? []), reply]);
      if (reply.kind === 'landed') holds('who is told landed is on main', this.onMain.has(id));
    }
    for (const { taskId: id, attempt } of before.items.filter((item) => !queue.items.includes(item))) {
      holds('who leaves the line is answered (N1)', this.told.has(`${id}/${attempt}`));
    }
    for (const { taskId: id, attempt } of queue.items) {
      holds('who was answered is not in line (N2)', !this.told.has(`${id}/${attempt}`));
    }
    for (const [first, ...others] of this.told.values()) {
      holds(
        'a hand-off has one answer (N2)',
        others.every(({ kind }) => kind === first?.kind),
      );
    }
    const { step } = queue;
    holds('only what was green is landed (N3)', step.kind !== 'landing' || this.green.has(step.candidate.tree));
    holds('only an empty line is idle', (queue.items.length === 0) === (step.kind === 'idle'));
  }
}

describe('any history of a queue', () => {
  it('answers each hand-off once, lands only what was green, and never lands what it said was withdrawn', () => {
    const kinds = new Set<string>();
    let stopped = 0;
    forEachSeed((dice) => {
      const world = new World(dice);
      for (let step = 0; step < 80; step += 1) {
        if (dice.roll() < 0.35) world.disturb();
        else world.carryOut();
      }
      // Left alone, the queue answers everybody, but for those behind a stop, which a person has to look at.
      for (let rest = 0; rest < 500 && world.queue.items.length > 0; rest += 1) world.carryOut();
      if (world.queue.step.kind === 'stopped') stopped += 1;
      else expect(world.queue.items).toEqual([]);
      for (const [handoff, replies] of world.told) {
        for (const { kind } of replies) kinds.add(kind);
        const [id, attempt] = handoff.split('/');
        const landed = [...world.onMain].some(([task, by]) => task === id && String(by) === attempt);
        if (landed) expect(replies.map(({ kind }) => kind)).not.toContain('withdrawn');
      }
    });
    expect([...kinds].sort()).toEqual(['landed', 'nothing-to-land', 'refused', 'returned', 'withdrawn']);
    expect(stopped).toBeGreaterThan(0);
  });
});
