import { describe, expect, it } from '@jest/globals';
import { FAILURE_KINDS, classOf } from '../../src/core/failure.ts';
import { newTask, nextTask, noteRefusal, type Task, type TaskInputEvent } from '../../src/core/task.ts';
import type { AttemptOutcome } from '../../src/core/task-types.ts';
import {
  around,
  asked,
  attemptEnded,
  checkpointOf,
  done,
  failed,
  failureOf,
  forEachSeed,
  holds,
  HELD,
  LANDING,
  NOW_MS,
  REQUEST,
  SHELL_SPEC,
  SPEC,
  type Dice,
} from './rig.ts';

function outcome(dice: Dice, attempt: number): AttemptOutcome {
  const kind = FAILURE_KINDS[dice.below(FAILURE_KINDS.length)] ?? 'agent-failed';
  const checkpoint = dice.roll() < 0.8 ? checkpointOf(attempt, dice.roll() < 0.9) : null;
  const ends = dice.roll() < 0.1 || classOf(kind) === 'retryable' || classOf(kind) === 'lost';
  return dice.pick<AttemptOutcome>([
    done({ checkpoint }),
    done({ checkpoint }),
    asked({}, { checkpoint }),
    ends ? failed(kind) : done({ checkpoint }),
  ]);
}

function event(dice: Dice, task: Task): TaskInputEvent {
  const attempt = dice.roll() < 0.8 ? task.attempt : dice.below(task.attempt + 3);
  return dice.pick<TaskInputEvent>([
    attemptEnded(attempt, outcome(dice, attempt)),
    attemptEnded(attempt, outcome(dice, attempt)),
    attemptEnded(attempt, outcome(dice, attempt)),
    { kind: 'due' },
    { kind: 'answer', version: 1 + dice.below(4), text: 'yes', actor: 'ada' },
    { kind: 'retry', actor: 'ada' },
    dice.roll() < 0.1 ? { kind: 'cancel' } : { kind: 'due' },
    dice.roll() < 0.1 ? { kind: 'landed', landing: LANDING } : { kind: 'held', held: HELD },
    { kind: 'returned', request: REQUEST },
    dice.roll() < 0.1 ? { kind: 'refused', failure: failureOf('landing-refused') } : { kind: 'held', held: null },
    dice.roll() < 0.1 ? { kind: 'nothing-to-land' } : { kind: 'withdrawn' },
  ]);
}

function check(before: Task, after: Task): void {
  const { stage } = after;
  holds('attempts only grow', after.attempt >= before.attempt);
  holds('a change is an event', before === after || after.sequence > before.sequence);
  const fresh = after.unrecorded.filter(({ sequence }) => sequence > before.sequence);
  holds('a sequence is an event', fresh.length === after.sequence - before.sequence);
  after.unrecorded.forEach(({ sequence }, index) => {
    holds('events follow one another', sequence === after.sequence - after.unrecorded.length + 1 + index);
  });
  const begun = stage.kind === 'phase' && stage !== before.stage;
  holds('each entry into a phase is the next attempt', after.attempt === before.attempt + (begun ? 1 : 0));
  holds('the last attempt runs', stage.kind !== 'phase' || stage.attempt === after.attempt);
  holds('what lands has changes', stage.kind !== 'landing' || stage.checkpoint.changed);
  holds('an end has a time', (after.endedAtMs !== null) === (stage.kind === 'ended'));
}

describe('any history of a task', () => {
  it('lets attempts only grow, numbers events one by one, and changes nothing after the end', () => {
    const ends = new Set<string>();
    forEachSeed((dice) => {
      const spec = dice.roll() < 0.3 ? SHELL_SPEC : SPEC;
      let nowMs = NOW_MS;
      let task = newTask(around({ spec, nowMs }));
      for (let step = 0; step < 60; step += 1) {
        nowMs += dice.below(90_000);
        const surroundings = around({ spec, nowMs, random: dice.roll() });
        const before = task;
        task = nextTask(task, event(dice, task), surroundings);
        if (before.stage.kind === 'ended') holds('an ended task never changes', task === before);
        else if (dice.roll() < 0.05)
          task = noteRefusal(task, surroundings, { message: 'retry', reason: 'no', actor: 'ada' });
        check(before, task);
      }
      ends.add(task.stage.kind === 'ended' ? task.stage.end : task.stage.kind);
    });
    // The histories are of use only when they get about.
    expect([...ends]).toEqual(expect.arrayContaining(['landed', 'failed', 'canceled', 'unchanged']));
  });
});
