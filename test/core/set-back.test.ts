/** What is ended or set back from outside: numbers go on above those that were used. */

import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, reconcile, type Queue, type QueueFact } from '../../src/core/queue.ts';
import type { BuildResult } from '../../src/core/queue-types.ts';
import { confirmRecorded, nextTask, overtake, startOver } from '../../src/core/task.ts';
import { phaseRequestOf, recordRequestOf } from '../../src/core/task-request.ts';
import { after, around, attemptEnded, failed, happened, itemOf, LANDING, LATER, NOW_MS, SPEC, taskIn } from './rig.ts';
import { severalOpen } from './reply-rig.ts';

describe('a task whose workflow was set back', () => {
  it('goes on above the attempts that were taken, and spends no try', () => {
    const task = taskIn('phase');
    const next = after(task, [attemptEnded(task.attempt, failed('attempt-taken', { takenUpTo: 41 }))]);
    expect(next).toMatchObject({ attempt: 42, tries: 0, stage: { kind: 'phase', attempt: 42 } });
    const other = after(next, [attemptEnded(42, failed('attempt-taken', { takenUpTo: 7 }))]);
    expect(other.attempt).toBe(43);
    const lost = after(
      task,
      [1, 2, 3, 4].map((attempt) => attemptEnded(attempt, failed('worker-lost'))),
    );
    const last = after(lost, [attemptEnded(5, failed('attempt-taken', { takenUpTo: 7 }))]);
    expect(last).toMatchObject({ attempt: 7, stage: { kind: 'parked' } });
  });

  it('puts what is not on record behind what the ledger has, in its order', () => {
    const known = confirmRecorded(taskIn('phase'), 1);
    const { sequence, unrecorded } = known;
    expect(unrecorded.length).toBeGreaterThan(0);
    const moved = overtake(known, 100, around());
    expect(moved.unrecorded.map((event) => event.sequence)).toEqual(unrecorded.map((_, index) => 101 + index));
    expect(moved.unrecorded.map((event) => event.happened)).toEqual(unrecorded.map((event) => event.happened));
    expect(moved.sequence).toBe(100 + unrecorded.length);
    // One that is further than the ledger stays as it is.
    expect(overtake(moved, 100, around())).toBe(moved);
    const confirmed = confirmRecorded(known, sequence);
    expect(overtake(confirmed, 100, around())).toMatchObject({ sequence: 100, unrecorded: [] });
    expect(overtake(confirmed, 1, around())).toBe(confirmed);
  });

  it('asks anew what is open, under versions that never were: a reply of before does not count', () => {
    const asking = severalOpen();
    const anew = overtake(asking, 40, LATER);
    expect(anew.stage).toMatchObject({
      kind: 'asking',
      asks: [
        { version: 41, askedAtMs: NOW_MS, question: { text: 'Which one?' } },
        { version: 42, askedAtMs: NOW_MS, question: { text: 'How?' } },
      ],
    });
    expect(anew.settled.map(({ version, how }) => [version, how])).toEqual([
      [1, 'replaced'],
      [2, 'replaced'],
    ]);
    expect(anew.asks).toBe(42);
    expect(happened(anew).slice(-2)).toEqual(['asked', 'asked']);
    expect(nextTask(anew, { kind: 'answer', version: 1, text: 'a', actor: 'ada' }, LATER)).toBe(anew);
    const answered = nextTask(anew, { kind: 'answer', version: 41, text: 'a', actor: 'ada' }, LATER);
    expect(answered.stage).toMatchObject({ asks: [{ version: 42 }] });
  });

  it('gives versions above those of before to what it asks later', () => {
    expect(overtake(taskIn('phase'), 40, around()).asks).toBe(40);
  });

  it('has its attempts look for what is taken', () => {
    const task = taskIn('phase');
    expect(phaseRequestOf(task, SPEC).record.reset).toBeUndefined();
    expect(phaseRequestOf({ ...task, reset: true }, SPEC).record.reset).toBe(true);
  });
});

describe('a task whose workflow was terminated', () => {
  it.each(['phase', 'backoff', 'asking', 'blocked', 'parked', 'landing', 'withdrawing'] as const)(
    'in %s begins anew with the next attempt and nothing of the old ones',
    (kind) => {
      const task = taskIn(kind);
      const again = startOver(task, around(), 'Ada');
      const blocked = task.blockers.length > 0;
      expect(again).toMatchObject({ checkpoint: null, session: null, request: null, revisions: 0, reset: true });
      expect(again.stage).toMatchObject(blocked ? { kind: 'blocked' } : { kind: 'phase', phase: 'understand' });
      expect(again.attempt).toBe(task.attempt + (blocked ? 0 : 1));
      const [retried] = again.unrecorded.filter((event) => event.sequence > task.sequence);
      expect(retried?.happened).toEqual({ kind: 'retried', actor: 'Ada' });
    },
  );

  it('but had ended by then, is what it was', () => {
    const task = taskIn('ended');
    expect(startOver(task, around(), 'Ada')).toBe(task);
  });
});

function built(task: number, result: BuildResult): QueueFact {
  const answer = { result, main: null, run: null, slots: null, window: null };
  return { kind: 'built', taskId: itemOf(task, 1).taskId, attempt: 1, parent: null, known: null, answer };
}

describe('an item of a task that was ended from outside', () => {
  const clock = { nowMs: 0, random: 0 };
  const heard = (queue: Queue, ...facts: readonly QueueFact[]): Queue => reconcile(queue, facts, clock).queue;
  const queueOf = (...tasks: number[]): Queue =>
    tasks.reduce((queue, task) => heard(queue, { kind: 'handed-off', item: itemOf(task, 1) }), EMPTY_QUEUE);

  it('leaves the queue to the next one, and nobody is told', () => {
    const queue = queueOf(1, 2);
    const [first, ...others] = queue.chain.map((entry) => ({ ...entry, doubt: 'pushed' as const }));
    const doubtful: Queue = {
      ...queue,
      chain: first === undefined ? [] : [first, ...others.map((entry) => ({ ...entry, doubt: 'none' as const }))],
    };
    const left = heard(doubtful, built(1, { kind: 'ended' }));
    expect(left).toMatchObject({ replies: [], answered: [], landed: 0, line: [] });
    expect(left.chain).toMatchObject([{ item: itemOf(2, 1), stage: { kind: 'building' }, doubt: 'none' }]);
  });

  it('ends the turn that landing held for it', () => {
    const queue: Queue = { ...queueOf(1), turn: { taskId: itemOf(1, 1).taskId, untilMs: 1_000 } };
    expect(heard(queue, built(1, { kind: 'ended' })).turn).toBeNull();
  });

  it('is a new one when the task is taken up again and hands it off once more', () => {
    const left = heard(queueOf(1), built(1, { kind: 'ended' }));
    expect(left).toMatchObject({ chain: [], line: [], lookMs: null });
    const again = heard(left, { kind: 'handed-off', item: itemOf(1, 1) });
    expect(again).toMatchObject({ chain: [{ stage: { kind: 'building' } }], replies: [] });
    const landed = heard(again, built(1, { kind: 'landed', landing: LANDING }));
    expect(landed.replies).toHaveLength(1);
  });
});

describe('an event of an attempt that another run had', () => {
  it('means nothing to a task that is elsewhere by now', () => {
    const task = taskIn('asking');
    expect(nextTask(task, attemptEnded(task.attempt, failed('attempt-taken', { takenUpTo: 9 })), around())).toBe(task);
  });
});

describe('what goes to the ledger', () => {
  it('names whom the project wants to be told, and nobody where it wants nobody', () => {
    const rule = { to: 'team', events: ['asks'], quiet: null } as const;
    const spec = { ...SPEC, policy: { ...SPEC.policy, notify: [rule] } };
    expect(recordRequestOf(taskIn('phase'), spec).notify).toEqual([rule]);
    expect(recordRequestOf(taskIn('phase'), SPEC)).not.toHaveProperty('notify');
    const { notify: _notify, ...policy } = SPEC.policy;
    const old = { ...SPEC, policy } as typeof SPEC;
    expect(recordRequestOf(taskIn('landing'), old)).not.toHaveProperty('notify');
  });
});
