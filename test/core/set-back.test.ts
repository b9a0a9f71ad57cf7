import { describe, expect, it } from '@jest/globals';
import { classOf } from '../../src/core/failure.ts';
import { EMPTY_QUEUE, nextQueue, type Queue, type QueueEvent } from '../../src/core/queue.ts';
import { confirmRecorded, nextTask, overtake, startOver, type Stage } from '../../src/core/task.ts';
import { phaseRequestOf, recordRequestOf } from '../../src/core/task-request.ts';
import { after, around, attemptEnded, done, failed, happened, itemOf, LATER, NOW_MS, SPEC, taskIn } from './rig.ts';
import { severalOpen } from './reply-rig.ts';

const LIVE: readonly Stage['kind'][] = ['phase', 'backoff', 'asking', 'blocked', 'parked', 'landing', 'withdrawing'];

describe('a task whose workflow was ended from outside', () => {
  it.each(LIVE)('begins anew from %s, with the next attempt and nothing of what was swept away', (stage) => {
    const task = taskIn(stage);
    const begun = startOver({ ...task, blockers: [] }, LATER, 'ada');
    expect(begun).toMatchObject({ checkpoint: null, session: null, request: null, tries: 0, reset: true });
    expect(begun.stage).toEqual({ kind: 'phase', phase: 'understand', attempt: task.attempt + 1 });
    expect(happened(begun).slice(-2)).toEqual(['retried', 'attempt-scheduled']);
    expect(phaseRequestOf(begun, SPEC).start).toEqual({ kind: 'main' });
  });

  it('stays as it is when it has ended by itself', () => {
    const ended = taskIn('ended');
    expect(startOver(ended, LATER, 'ada')).toBe(ended);
  });
});

describe('a task that was set back', () => {
  const task = confirmRecorded(after(taskIn('phase'), [attemptEnded(1, done())]), 2);

  it('says so with its records, as long as they may be behind the ledger', () => {
    expect(recordRequestOf(task, SPEC)).not.toHaveProperty('reset');
    expect(recordRequestOf({ ...task, reset: true }, SPEC)).toMatchObject({ reset: true });
  });

  it('numbers what the ledger has not confirmed after what the ledger knows, once', () => {
    const overtaken = overtake(task, 40, around());
    expect(overtaken.unrecorded.map(({ sequence }) => sequence)).toEqual([41, 42]);
    expect(overtaken).toMatchObject({ sequence: 42, stage: task.stage });
    expect(overtake(overtaken, 40, around())).toBe(overtaken);
    expect(nextTask(overtaken, { kind: 'cancel' }, around()).unrecorded.at(-1)?.sequence).toBe(44);
  });

  it('goes on after the ledger when all was confirmed', () => {
    const confirmed = confirmRecorded(task, task.sequence);
    expect(overtake(confirmed, 40, around())).toMatchObject({ sequence: 40, unrecorded: [] });
    expect(overtake(confirmed, task.sequence, around())).toBe(confirmed);
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
    expect(overtake(task, 40, around()).asks).toBe(40);
  });

  it('goes on above the attempts that are taken, at once and without a try spent', () => {
    expect(classOf('attempt-taken')).toBe('lost');
    const taken = failed('attempt-taken', { takenUpTo: 7 });
    const moved = nextTask(taskIn('phase'), attemptEnded(1, taken), around());
    expect(moved).toMatchObject({ tries: 0, attempt: 8, stage: { kind: 'phase', attempt: 8 } });
    const below = nextTask(moved, attemptEnded(8, failed('attempt-taken', { takenUpTo: 2 })), around());
    expect(below).toMatchObject({ attempt: 9 });
    const lost = after(
      taskIn('phase'),
      [1, 2, 3, 4].map((attempt) => attemptEnded(attempt, failed('worker-lost'))),
    );
    expect(nextTask(lost, attemptEnded(5, taken), around())).toMatchObject({ attempt: 7, stage: { kind: 'parked' } });
  });
});

function handOff(task: number): QueueEvent {
  return { kind: 'enqueued', item: itemOf(task, 1) };
}

function run(queue: Queue, ...events: readonly QueueEvent[]): Queue {
  return events.reduce((next, event) => nextQueue(next, event, { nowMs: NOW_MS, random: 0.5 }), queue);
}

describe('the queue and a task that was ended from outside', () => {
  it('drops it without a word, builds the next one, and takes the same hand-off when it comes again', () => {
    const ended: QueueEvent = { kind: 'built', result: { kind: 'ended' } };
    const queue = run(EMPTY_QUEUE, handOff(1), handOff(2), ended);
    expect(queue).toMatchObject({
      items: [itemOf(2, 1)],
      step: { kind: 'building' },
      replies: [],
      answered: [],
      landed: 0,
    });
    expect(run(queue, handOff(1)).items).toEqual([itemOf(2, 1), itemOf(1, 1)]);
    expect(run(queue, ended)).toMatchObject({ items: [], step: { kind: 'idle' } });
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
