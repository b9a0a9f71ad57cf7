import { describe, expect, it } from '@jest/globals';
import { nextTask, newTask, type Task } from '../../src/core/task.ts';
import { phaseRequestOf, queueItemOf, recordRequestOf } from '../../src/core/task-request.ts';
import { detailsOf } from '../../src/core/task-details.ts';
import { stateOf, viewOf, waitingForOf } from '../../src/core/task-view.ts';
import {
  after,
  around,
  proposed,
  attemptEnded,
  checkpointOf,
  done,
  failed,
  HELD,
  LANDING,
  NOW_MS,
  REQUEST,
  SHELL_SPEC,
  SPEC,
  taskIn,
} from './rig.ts';

const NO_ASK = { version: null, proposal: null, for: null, open: 0 };
const SINCE = new Date(NOW_MS).toISOString();

describe('the view of a task', () => {
  it.each([
    ['phase', 'running', null],
    ['backoff', 'waiting', 'retry'],
    ['asking', 'waiting', 'question'],
    ['blocked', 'waiting', 'blocked'],
    ['parked', 'waiting', 'attempts'],
    ['landing', 'landing', null],
    ['withdrawing', 'landing', null],
    ['ended', 'canceled', null],
  ] as const)('of stage %s is %s and waits for %s', (stage, state, waits) => {
    const task = taskIn(stage);
    const view = viewOf(task, SPEC);
    expect(stateOf(task.stage)).toBe(state);
    expect(view.state).toBe(state);
    expect(view.waitingFor?.kind ?? null).toBe(waits);
    expect(view.failure !== null).toBe(stage === 'backoff' || stage === 'parked');
    expect(view.endedAt).toBe(stage === 'ended' ? SINCE : null);
  });

  it('has the landed commit, and none before', () => {
    expect(viewOf(taskIn('landing'), SPEC).commit).toBeNull();
    const landed = nextTask(taskIn('landing'), { kind: 'landed', landing: LANDING }, around());
    expect(viewOf(landed, SPEC).commit).toBe(LANDING.commit);
    expect(detailsOf(landed, SPEC)).toContain(`Landed as \`${LANDING.commit}\``);
    const hosted = { ...SPEC, origin: 'git@github.com:ada/demo.git' };
    expect(detailsOf(landed, hosted)).toContain(`](https://github.com/ada/demo/commit/${LANDING.commit})`);
  });

  it('names the agent, or shell', () => {
    expect(viewOf(taskIn('phase'), SPEC).agent).toBe('scripted');
    expect(viewOf(taskIn('phase'), SHELL_SPEC).agent).toBe('shell');
  });

  it('tells a limit from a retry, and when either is over', () => {
    const limited = nextTask(newTask(around()), attemptEnded(1, failed('agent-limited')), around());
    expect(waitingForOf(limited, SPEC.id)).toEqual({
      kind: 'limit',
      text: `tries again at ${new Date(NOW_MS + 60_000).toISOString()}: it was agent-limited`,
      since: SINCE,
      ...NO_ASK,
    });
  });

  it.each(['landing', 'withdrawing'] as const)('says in %s what landing waits for', (stage) => {
    const held = nextTask(taskIn(stage), { kind: 'held', held: HELD }, around());
    expect(waitingForOf(held, SPEC.id)).toEqual({ kind: 'checkout', text: HELD.text, since: SINCE, ...NO_ASK });
  });

  it('tells a person how to reply, in details that stay short', () => {
    const asking = nextTask(
      newTask(around()),
      attemptEnded(1, proposed({ title: 'Shall I?', body: 'Yes?\n'.repeat(10_000) })),
      around(),
    );
    const details = detailsOf(asking, SPEC);
    expect(details).toContain('> Shall I?');
    expect(details).toContain(`tasks approve ${SPEC.id}@1`);
    expect(details.length).toBeLessThan(4_000);
    expect(detailsOf(taskIn('asking'), SPEC)).toContain('Waits for question');
    const parked = detailsOf(taskIn('parked'), SPEC);
    expect(parked).toContain(`tasks retry ${SPEC.id}`);
    expect(parked).toContain('Next: do something');
    expect(parked).not.toContain('tasks answer');
  });
});

function revising(spec = SPEC): Task {
  return after(taskIn('landing'), [{ kind: 'returned', request: REQUEST }], around({ spec }));
}

describe('what the activities are asked to do', () => {
  it('begins from main, from the checkpoint, and in a revision from the checkpoint with main merged in', () => {
    expect(phaseRequestOf(taskIn('phase'), SPEC)).toMatchObject({
      phase: 'understand',
      attempt: 1,
      start: { kind: 'main' },
      confirmedAttempt: null,
    });
    const second = nextTask(taskIn('phase'), attemptEnded(1, done({ checkpoint: checkpointOf(1) })), around());
    expect(phaseRequestOf(second, SPEC)).toMatchObject({
      start: { kind: 'checkpoint', checkpoint: checkpointOf(1) },
      confirmedAttempt: 1,
    });
    expect(phaseRequestOf(revising(), SPEC)).toMatchObject({
      phase: 'revise',
      start: { kind: 'revision', checkpoint: checkpointOf(3) },
      request: REQUEST,
    });
  });

  it('runs a shell command on main as it now is, also in a revision', () => {
    expect(phaseRequestOf(revising(SHELL_SPEC), SHELL_SPEC).start).toEqual({ kind: 'main' });
  });

  it('is no phase when the task is in none', () => {
    expect(() => phaseRequestOf(taskIn('landing'), SPEC)).toThrow('has no phase to run');
  });

  it('records the view with what the ledger has not confirmed', () => {
    const task = taskIn('asking');
    expect(recordRequestOf(task, SPEC)).toEqual({ view: viewOf(task, SPEC), events: task.unrecorded });
  });

  it('hands off the checkpoint, the same each time', () => {
    const task = taskIn('landing');
    const item = queueItemOf(task, SPEC, checkpointOf(3));
    expect(item).toMatchObject({ taskId: SPEC.id, attempt: 3, head: checkpointOf(3).head, summary: 'it is done' });
    const held = nextTask(task, { kind: 'held', held: HELD }, around({ nowMs: NOW_MS + 1_000 }));
    expect(queueItemOf(held, SPEC, checkpointOf(3))).toEqual(item);
    // A task of an earlier version has no place: it goes by when its landing began.
    expect(queueItemOf({ ...task, placeMs: null }, SPEC, checkpointOf(3)).placeMs).toBe(task.sinceMs);
    expect(queueItemOf({ ...task, summary: null }, SPEC, checkpointOf(3)).summary).toBe('');
    const removedTests = ['a.test.ts'];
    expect(queueItemOf(task, SPEC, { ...checkpointOf(3), removedTests })).toEqual({ ...item, removedTests });
  });
});
