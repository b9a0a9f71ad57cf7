import { describe, expect, it } from '@jest/globals';
import { MAX_LOST } from '../../src/core/attempts.ts';
import { phaseRequestOf } from '../../src/core/task-request.ts';
import { newTask, nextTask, startOver } from '../../src/core/task.ts';
import {
  after,
  around,
  attemptEnded,
  checkpointOf,
  done,
  failed,
  LATER,
  REQUEST,
  SHELL_SPEC,
  SPEC,
  taskIn,
} from './rig.ts';

const lost = (attempt: number) => attemptEnded(attempt, failed('worker-lost'));

describe('what an attempt goes on from after one was lost', () => {
  it('is the work that the lost one has stored on the way, and nothing but the start where none was', () => {
    const begun = newTask(around());
    expect(phaseRequestOf(begun, SPEC)).not.toHaveProperty('unfinished');
    const moved = nextTask(begun, lost(1), around());
    expect(phaseRequestOf(moved, SPEC)).toMatchObject({
      attempt: 2,
      start: { kind: 'main' },
      unfinished: { attempts: [1], goOn: true },
    });
  });

  it('may be that of any of them, until one has stored a checkpoint', () => {
    const later = after(newTask(around()), [lost(1), lost(2)]);
    expect(phaseRequestOf(later, SPEC).unfinished).toEqual({ attempts: [1, 2], goOn: true });
    const tried = nextTask(nextTask(later, attemptEnded(3, failed('setup-failed')), around()), { kind: 'due' }, LATER);
    expect(phaseRequestOf(tried, SPEC).unfinished).toEqual({ attempts: [1, 2, 3], goOn: true });
    const stored = nextTask(tried, attemptEnded(4, done({ checkpoint: checkpointOf(4) })), LATER);
    expect(phaseRequestOf(stored, SPEC)).not.toHaveProperty('unfinished');
    expect(stored).not.toHaveProperty('lost');
  });

  it('is nothing of one that told how it ended', () => {
    const moved = nextTask(newTask(around()), attemptEnded(1, failed('worker-drained')), around());
    expect(phaseRequestOf(moved, SPEC)).not.toHaveProperty('unfinished');
  });

  it('is nothing for a shell command and for files that are made anew, which the lost one can spoil all the same', () => {
    const surroundings = around({ spec: SHELL_SPEC });
    const moved = nextTask(newTask(surroundings), lost(1), surroundings);
    expect(phaseRequestOf(moved, SHELL_SPEC).unfinished).toEqual({ attempts: [1], goOn: false });
    const request = { ...REQUEST, regenerate: true } as const;
    const revising = after(taskIn('landing'), [{ kind: 'returned', request }, lost(4)]);
    expect(phaseRequestOf(revising, SPEC)).toMatchObject({
      regenerate: true,
      unfinished: { attempts: [4], goOn: false },
    });
  });

  it('is nothing of before for a task that begins anew', () => {
    const moved = nextTask(newTask(around()), lost(1), around());
    expect(startOver(moved, around(), 'Ada')).not.toHaveProperty('lost');
  });

  it('stays small, however often it is tried', () => {
    let task = nextTask(newTask(around()), lost(1), around());
    for (let attempt = 2; attempt <= MAX_LOST + 5; attempt += 1) {
      task = after(task, [attemptEnded(attempt, failed('setup-failed')), { kind: 'retry', actor: 'Ada' }], LATER);
    }
    expect(task.lost).toHaveLength(MAX_LOST);
    expect(task.lost?.at(-1)).toBe(MAX_LOST + 5);
  });
});
