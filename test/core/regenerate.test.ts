/** What a task does that conflicts in nothing but files that main's rules make anew. */

import { describe, expect, it } from '@jest/globals';
import { MAX_REGENERATIONS } from '../../src/core/attempts.ts';
import { nextTask, type Task } from '../../src/core/task.ts';
import { phaseRequestOf, queueItemOf } from '../../src/core/task-request.ts';
import type { AttemptOutcome, RevisionRequest } from '../../src/core/task-types.ts';
import {
  after,
  around,
  attemptEnded,
  checkpointOf,
  done,
  failed,
  happened,
  LATER,
  NOW_MS,
  REQUEST,
  SHELL_SPEC,
  SPEC,
  taskIn,
} from './rig.ts';

const LOCKED: RevisionRequest = { ...REQUEST, files: ['lock'], text: 'conflicts in "lock"', regenerate: true };
const BACK = { kind: 'returned', request: LOCKED } as const;

function returned(task: Task = taskIn('landing'), surroundings = around()): Task {
  return nextTask(task, BACK, surroundings);
}

function anew({ attempt }: Task, change = {}): AttemptOutcome {
  const outcome = done({
    summary: 'main was merged in, "lock" made anew',
    checkpoint: checkpointOf(attempt),
    ...change,
  });
  return outcome.kind === 'done' ? { ...outcome, regenerated: true } : outcome;
}

describe('a task that came back for files to be made anew', () => {
  it('has them made anew by an attempt that needs no agent, which is no revision', () => {
    const task = returned();
    expect(task).toMatchObject({ revisions: 0, stage: { kind: 'phase', phase: 'revise' } });
    expect(phaseRequestOf(task, SPEC)).toMatchObject({ regenerate: true, start: { kind: 'revision' } });
    const again = nextTask(task, attemptEnded(task.attempt, anew(task)), LATER);
    expect(again).toMatchObject({ revisions: 0, request: null, stage: { kind: 'landing' } });
    expect(happened(again).slice(-4)).toEqual(['returned', 'attempt-scheduled', 'attempt-ended', 'handed-off']);
  });

  it('keeps its place in line, its summary and its session', () => {
    const before = { ...taskIn('landing'), session: 'a session', summary: 'what it was for' };
    const task = returned(before, LATER);
    const again = nextTask(task, attemptEnded(task.attempt, anew(task)), LATER);
    expect(again).toMatchObject({ placeMs: NOW_MS, session: 'a session', summary: 'what it was for' });
    expect(queueItemOf(again, SPEC, checkpointOf(task.attempt))).toMatchObject({ placeMs: NOW_MS, returns: 0 });
  });

  it('is not decided about again, where people decide about patches; what an agent has revised is', () => {
    const gated = around({ spec: { ...SPEC, policy: { ...SPEC.policy, approve: ['patch'] } } });
    const task = returned();
    expect(nextTask(task, attemptEnded(task.attempt, anew(task)), gated).stage.kind).toBe('landing');
    const byAgent = done({ checkpoint: checkpointOf(task.attempt) });
    expect(nextTask(task, attemptEnded(task.attempt, byAgent), gated).stage.kind).toBe('asking');
  });

  it('ends as unchanged when main has all that it changed', () => {
    const task = returned();
    const outcome = anew(task, { checkpoint: checkpointOf(task.attempt, false) });
    expect(nextTask(task, attemptEnded(task.attempt, outcome), around()).stage).toMatchObject({ end: 'unchanged' });
  });

  it('is tried again in the same way when the worker or the origin was lost', () => {
    const task = returned();
    const moved = nextTask(task, attemptEnded(task.attempt, failed('worker-drained')), around());
    expect(phaseRequestOf(moved, SPEC)).toMatchObject({ regenerate: true, attempt: task.attempt + 1 });
    const waits = nextTask(task, attemptEnded(task.attempt, failed('origin-unreachable')), around());
    expect(waits.stage.kind).toBe('backoff');
    expect(phaseRequestOf(nextTask(waits, { kind: 'due' }, LATER), SPEC)).toMatchObject({ regenerate: true });
  });

  it(`is one like any other after ${MAX_REGENERATIONS} in a row, and may then begin to count anew`, () => {
    let task = taskIn('landing');
    for (let time = 1; time <= MAX_REGENERATIONS; time += 1) {
      task = returned(task);
      expect(phaseRequestOf(task, SPEC).regenerate).toBe(true);
      task = nextTask(task, attemptEnded(task.attempt, anew(task)), around());
    }
    task = returned(task);
    expect(task).toMatchObject({ revisions: 1, stage: { kind: 'phase', phase: 'revise' } });
    expect(task.request).not.toHaveProperty('regenerate');
    expect(phaseRequestOf(task, SPEC)).not.toHaveProperty('regenerate');
    task = nextTask(task, attemptEnded(task.attempt, done({ checkpoint: checkpointOf(task.attempt) })), around());
    expect(phaseRequestOf(returned(task), SPEC).regenerate).toBe(true);
  });

  it('runs again on main when it is a shell command', () => {
    const task = returned(taskIn('landing'), around({ spec: SHELL_SPEC }));
    expect(task.revisions).toBe(1);
    expect(phaseRequestOf(task, SHELL_SPEC)).not.toHaveProperty('regenerate');
  });
});

describe('files that could not be made anew', () => {
  const gone = failed('regenerate-failed', {
    message: 'regenerate (npm i) exited with 1',
    evidence: 'no such package',
  });

  it('are a conflict for the agent, with what failed', () => {
    const task = returned();
    const again = nextTask(task, attemptEnded(task.attempt, gone), around());
    expect(again).toMatchObject({
      revisions: 1,
      tries: 0,
      lastFailure: null,
      stage: { kind: 'phase', phase: 'revise' },
    });
    const request = phaseRequestOf(again, SPEC);
    expect(request).not.toHaveProperty('regenerate');
    expect(request.request).toMatchObject({
      kind: 'conflict',
      files: ['lock'],
      text: 'conflicts in "lock"; they could not be made anew: regenerate (npm i) exited with 1',
      evidence: '<<<<<<<\n\nregenerate (npm i) exited with 1\nno such package',
    });
    expect(happened(again).slice(-3)).toEqual(['attempt-ended', 'returned', 'attempt-scheduled']);
  });

  it('wait for a person when there are no revisions left', () => {
    const none = around({ spec: { ...SPEC, policy: { ...SPEC.policy, revisions: 0 } } });
    const task = returned(taskIn('landing'), none);
    expect(task.stage.kind).toBe('phase');
    const parked = nextTask(task, attemptEnded(task.attempt, failed('regenerate-failed')), none);
    expect(parked.stage).toMatchObject({ kind: 'parked', why: 'revisions', failure: { kind: 'conflict-markers' } });
  });

  it("are the agent's in the turn that landing holds for it", () => {
    const spent = { ...taskIn('landing'), revisions: 2 };
    const task = nextTask(spent, { ...BACK, turnUntilMs: NOW_MS + 60_000 }, around());
    expect(task).toMatchObject({ revisions: 2, stage: { kind: 'phase' } });
    const again = nextTask(task, attemptEnded(task.attempt, gone), around());
    expect(again).toMatchObject({ revisions: 3, stage: { kind: 'phase', phase: 'revise' } });
  });

  it('are a failure like any other where nothing came back', () => {
    const task = after(taskIn('phase'), [attemptEnded(1, gone)]);
    expect(task.stage).toMatchObject({ kind: 'backoff', failure: { kind: 'regenerate-failed' } });
  });
});
