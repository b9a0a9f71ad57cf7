import { describe, expect, it } from '@jest/globals';
import {
  confirmRecorded,
  firstPhase,
  MAX_EXCHANGES,
  MAX_EXCHANGES_CHARS,
  MAX_UNRECORDED,
  MAX_UNRECORDED_CHARS,
  newTask,
  nextTask,
  noteRefusal,
  phaseOf,
  reopen,
} from '../../src/core/task.ts';
import { MAX_LIMIT_MS, MIN_LIMIT_MS } from '../../src/core/attempts.ts';
import {
  after,
  around,
  asked,
  attemptEnded,
  checkpointOf,
  done,
  failed,
  failureOf,
  happened,
  HELD,
  LANDING,
  NOW_MS,
  REQUEST,
  SHELL_SPEC,
  SPEC,
  taskIn,
} from './rig.ts';

describe('a task that goes its way', () => {
  it('begins with understand and goes on to plan, execute and landing', () => {
    const task = taskIn('landing');
    expect(task.stage).toEqual({ kind: 'landing', checkpoint: checkpointOf(3), held: null });
    expect(
      task.unrecorded.flatMap(({ happened }) => (happened.kind === 'attempt-scheduled' ? [happened.phase] : [])),
    ).toEqual(['understand', 'plan', 'execute']);
    expect(happened(task).at(-1)).toBe('handed-off');
    expect(task.summary).toBe('it is done');
  });

  it('has execute alone for a shell command', () => {
    expect(firstPhase(SHELL_SPEC)).toBe('execute');
    expect(newTask(around({ spec: SHELL_SPEC })).stage).toEqual({ kind: 'phase', phase: 'execute', attempt: 1 });
  });

  it.each([null, checkpointOf(1, false)])(
    'ends as unchanged without landing when the branch has no changes',
    (checkpoint) => {
      const surroundings = around({ spec: SHELL_SPEC });
      const task = after(newTask(surroundings), [attemptEnded(1, done({ checkpoint }))], surroundings);
      expect(task.stage).toMatchObject({ kind: 'ended', end: 'unchanged', landing: null });
      expect(happened(task)).not.toContain('handed-off');
    },
  );

  it('adds up usage and keeps the last session and checkpoint', () => {
    const usage = { inputTokens: 1, outputTokens: 2, costUsd: 0.5 };
    const task = after(newTask(around()), [
      attemptEnded(1, done({ usage, session: 's1', checkpoint: checkpointOf(1) })),
      attemptEnded(2, done({ usage })),
    ]);
    expect(task.usage).toEqual({ inputTokens: 2, outputTokens: 4, costUsd: 1 });
    expect(task).toMatchObject({ session: 's1', checkpoint: checkpointOf(1) });
  });

  it('keeps the landing when it has landed', () => {
    const task = nextTask(taskIn('landing'), { kind: 'landed', landing: LANDING }, around());
    expect(task.stage).toEqual({ kind: 'ended', end: 'landed', phase: null, failure: null, landing: LANDING });
    expect(happened(task).slice(-2)).toEqual(['landed', 'ended']);
  });
});

describe('a task whose attempt failed', () => {
  it('backs off while it has tries left, then waits for a person with the failure', () => {
    let task = newTask(around());
    for (const attempt of [1, 2]) {
      task = nextTask(task, attemptEnded(attempt, failed('agent-failed')), around());
      expect(task.stage).toMatchObject({ kind: 'backoff', phase: 'understand' });
      task = nextTask(task, { kind: 'due' }, around({ nowMs: NOW_MS + 60_000 }));
    }
    task = nextTask(task, attemptEnded(3, failed('agent-failed')), around());
    expect(task.stage).toMatchObject({ kind: 'parked', why: 'attempts', failure: { kind: 'agent-failed' } });
    expect(task.lastFailure?.kind).toBe('agent-failed');
    const retried = nextTask(task, { kind: 'retry', actor: 'ada' }, around());
    expect(retried).toMatchObject({ tries: 0, attempt: 4, stage: { kind: 'phase', phase: 'understand' } });
  });

  it('is moved at once without a try spent when its worker was lost, and waits for a person at the fifth in a row', () => {
    let task = newTask(around());
    for (const attempt of [1, 2, 3, 4]) {
      task = nextTask(task, attemptEnded(attempt, failed('worker-lost')), around());
      expect(task).toMatchObject({ tries: 0, stage: { kind: 'phase', attempt: attempt + 1 } });
    }
    expect(nextTask(task, attemptEnded(5, failed('worker-drained')), around()).stage).toMatchObject({ kind: 'parked' });
    const got = nextTask(task, attemptEnded(5, done()), around());
    expect(got.lostInARow).toBe(0);
  });

  it('ends when trying again cannot help', () => {
    const task = nextTask(newTask(around()), attemptEnded(1, failed('bad-configuration')), around());
    expect(task.stage).toMatchObject({ kind: 'ended', end: 'failed', failure: { kind: 'bad-configuration' } });
  });

  it('ends as canceled when the attempt was canceled, and never as failed', () => {
    const task = nextTask(newTask(around()), attemptEnded(1, failed('canceled')), around());
    expect(task.stage).toMatchObject({ kind: 'ended', end: 'canceled', failure: null });
  });
});

describe('a task whose agent met a limit', () => {
  it.each([
    ['at its reset', NOW_MS + 3_600_000, 3_600_000],
    ['after a minute when the reset is not known', undefined, 60_000],
    ['after a minute when the reset is no number', Number.NaN, 60_000],
    ['not at once when the reset is past', NOW_MS - 1, MIN_LIMIT_MS],
    ['within weeks when the reset is absurd', Number.POSITIVE_INFINITY, MAX_LIMIT_MS],
  ])('goes on %s and spends no try', (_when, resetsAtMs, waitMs) => {
    const change = resetsAtMs === undefined ? {} : { resetsAtMs };
    const task = nextTask(newTask(around()), attemptEnded(1, failed('agent-limited', change)), around());
    expect(task).toMatchObject({ tries: 0, stage: { kind: 'backoff', untilMs: NOW_MS + waitMs } });
  });
});

describe('a task that asks', () => {
  it('waits for the answer to a question and goes on with it', () => {
    const asking = nextTask(newTask(around()), attemptEnded(1, asked()), around());
    expect(asking.stage).toMatchObject({
      kind: 'asking',
      phase: 'understand',
      asks: [{ kind: 'question', version: 1, question: { text: 'Which one?' } }],
    });
    const answered = nextTask(asking, { kind: 'answer', version: 1, text: 'both', actor: 'ada' }, around());
    expect(answered.exchanges).toEqual([
      { kind: 'question', question: 'Which one?', answer: 'both', actor: 'ada', atMs: NOW_MS },
    ]);
    expect(answered.stage).toEqual({ kind: 'phase', phase: 'understand', attempt: 2 });
    const again = nextTask(answered, attemptEnded(2, asked()), around());
    expect(again.stage).toMatchObject({ asks: [{ version: 2 }] });
  });
});

/** Asks more often than is kept, and says how many exchanges are. */
function ask(text: string): number {
  let task = newTask(around());
  for (let count = 1; count <= MAX_EXCHANGES + 5; count += 1) {
    task = nextTask(task, attemptEnded(count, asked()), around());
    task = nextTask(task, { kind: 'answer', version: count, text: `${count}${text}`, actor: 'ada' }, around());
  }
  expect(task.exchanges.at(-1)?.answer).toBe(`${MAX_EXCHANGES + 5}${text}`);
  expect(JSON.stringify(task.exchanges).length).toBeLessThan(MAX_EXCHANGES_CHARS + MAX_EXCHANGES + 2);
  expect(JSON.stringify(task.unrecorded).length).toBeLessThan(MAX_UNRECORDED_CHARS + MAX_UNRECORDED + 2);
  return task.exchanges.length;
}

describe('a task that asks often', () => {
  it('keeps the newest exchanges, within bounds by number and by size', () => {
    expect(ask('')).toBe(MAX_EXCHANGES);
    expect(ask('x'.repeat(10_000))).toBeLessThan(10);
  });
});

describe('a task that landing returned', () => {
  it('is revised as often as its policy says, then waits for a person with the evidence', () => {
    let task = taskIn('landing');
    for (const revision of [1, 2]) {
      task = nextTask(task, { kind: 'returned', request: REQUEST }, around());
      expect(task).toMatchObject({ revisions: revision, request: REQUEST, stage: { kind: 'phase', phase: 'revise' } });
      task = nextTask(task, attemptEnded(task.attempt, done({ checkpoint: checkpointOf(task.attempt) })), around());
      expect(task).toMatchObject({ request: null, stage: { kind: 'landing', checkpoint: { attempt: task.attempt } } });
    }
    task = nextTask(task, { kind: 'returned', request: { ...REQUEST, kind: 'red' } }, around());
    expect(task.stage).toMatchObject({
      kind: 'parked',
      phase: 'revise',
      why: 'revisions',
      failure: { kind: 'command-failed', evidence: '<<<<<<<' },
    });
    const retried = nextTask(task, { kind: 'retry', actor: 'ada' }, around());
    expect(retried).toMatchObject({ revisions: 1, stage: { kind: 'phase', phase: 'revise' } });
  });

  it('waits for a person at once when its policy allows no revision', () => {
    const surroundings = around({ spec: { ...SPEC, policy: { ...SPEC.policy, revisions: 0 } } });
    const task = nextTask(taskIn('landing'), { kind: 'returned', request: REQUEST }, surroundings);
    expect(task.stage).toMatchObject({ kind: 'parked', why: 'revisions', failure: { kind: 'conflict-markers' } });
  });

  it('keeps its revisions when a retry is about attempts', () => {
    let task = nextTask(taskIn('landing'), { kind: 'returned', request: REQUEST }, around());
    for (let lost = 0; lost < 5; lost += 1) {
      task = nextTask(task, attemptEnded(task.attempt, failed('worker-lost')), around());
    }
    expect(nextTask(task, { kind: 'retry', actor: 'ada' }, around()).revisions).toBe(1);
  });
});

describe('a task that is canceled', () => {
  it('puts the end of the attempt under way on the record', () => {
    const task = nextTask(taskIn('phase'), { kind: 'cancel' }, around());
    expect(happened(task)).toEqual(['submitted', 'attempt-scheduled', 'attempt-ended', 'ended']);
  });

  it('still shows what landing waits for while it is withdrawn', () => {
    const held = nextTask(taskIn('landing'), { kind: 'held', held: HELD }, around());
    const withdrawing = nextTask(held, { kind: 'cancel' }, around());
    expect(withdrawing.stage).toMatchObject({ kind: 'withdrawing', held: HELD });
    expect(nextTask(withdrawing, { kind: 'held', held: null }, around()).stage).toMatchObject({ held: null });
  });

  it('ends as landed when landing was faster', () => {
    const task = nextTask(taskIn('withdrawing'), { kind: 'landed', landing: LANDING }, around());
    expect(task.stage).toMatchObject({ end: 'landed', landing: LANDING });
  });
});

describe('a task that is held', () => {
  it.each(['landing', 'withdrawing'] as const)('takes no note of going on in %s when it was not held', (kind) => {
    const task = taskIn(kind);
    expect(nextTask(task, { kind: 'held', held: null }, around())).toBe(task);
  });

  it('keeps the time since when it lands, which fixes the dates of its candidate', () => {
    const task = nextTask(taskIn('landing'), { kind: 'held', held: HELD }, around({ nowMs: NOW_MS + 9_000 }));
    expect(task.sinceMs).toBe(NOW_MS);
  });
});

describe('a task that is retried after its end', () => {
  it('goes on with the phase that it ended in, with the next attempt and all tries', () => {
    const ended = nextTask(taskIn('parked'), { kind: 'cancel' }, around());
    const task = reopen(ended, around(), 'ada');
    expect(task).toMatchObject({ attempt: 6, tries: 0, lostInARow: 0, endedAtMs: null });
    expect(task.stage).toEqual({ kind: 'phase', phase: 'understand', attempt: 6 });
    expect(happened(task).slice(-2)).toEqual(['retried', 'attempt-scheduled']);
  });

  it('does not begin anew when it ended while it was landing', () => {
    const ended = nextTask(taskIn('landing'), { kind: 'refused', failure: failureOf('landing-refused') }, around());
    expect(reopen(ended, around(), 'ada').stage).toEqual({ kind: 'phase', phase: 'execute', attempt: 4 });
  });

  it('stays as it is when it has landed or has not ended', () => {
    const landed = nextTask(taskIn('landing'), { kind: 'landed', landing: LANDING }, around());
    const running = taskIn('phase');
    expect(reopen(landed, around(), 'ada')).toBe(landed);
    expect(reopen(running, around(), 'ada')).toBe(running);
  });
});

describe('the record of a task', () => {
  it('notes a refused message and changes nothing else', () => {
    const task = taskIn('asking');
    const noted = noteRefusal(task, around(), { message: 'answer', reason: 'it is empty', actor: 'ada' });
    expect(noted.stage).toBe(task.stage);
    expect(noted.unrecorded.at(-1)?.happened).toEqual({
      kind: 'refused',
      message: 'answer',
      reason: 'it is empty',
      actor: 'ada',
    });
  });

  it('forgets what the ledger has confirmed, and is the same object when that is nothing', () => {
    const task = taskIn('landing');
    expect(confirmRecorded(task, 0)).toBe(task);
    expect(confirmRecorded(task, 2).unrecorded[0]?.sequence).toBe(3);
    expect(confirmRecorded(task, task.sequence).unrecorded).toEqual([]);
  });

  it('gives up the oldest events of a ledger that never comes back', () => {
    let task = taskIn('asking');
    for (let count = 0; count < MAX_UNRECORDED + 10; count += 1) {
      task = noteRefusal(task, around(), { message: 'retry', reason: 'no', actor: 'ada' });
    }
    expect(task.unrecorded).toHaveLength(MAX_UNRECORDED);
    expect(task.unrecorded.at(-1)?.sequence).toBe(task.sequence);
  });

  it('has a phase in every stage but those of landing', () => {
    expect(phaseOf(taskIn('backoff'))).toBe('understand');
    expect(phaseOf(taskIn('landing'))).toBeNull();
    expect(phaseOf(taskIn('ended'))).toBe('understand');
  });
});
