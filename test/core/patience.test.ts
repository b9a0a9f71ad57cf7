import { describe, expect, it } from '@jest/globals';
import { DEADLINE, MAX_REMINDERS, NO_PATIENCE_LIMIT, type Patience, type Question } from '../../src/core/ask-types.ts';
import { askView } from '../../src/core/ask-view.ts';
import { MAX_UNASKED } from '../../src/core/asking.ts';
import { patienceOf } from '../../src/core/patience.ts';
import { dueAtMs, newTask, nextTask, type Surroundings, type Task } from '../../src/core/task.ts';
import type { TaskType } from '../../src/core/task-types.ts';
import { after, around, asked, attemptEnded, happened, NOW_MS, proposed, questionOf, SPEC, taskIn } from './rig.ts';

const HOUR = 3_600_000;
const EVERYTHING: Patience = {
  remindMs: HOUR,
  escalate: { afterMs: 5 * HOUR, to: 'lead' },
  expire: { afterMs: 8 * HOUR, outcome: 'default' },
};

/** So many hours after it was asked. */
function at(hours: number, patience: Patience = EVERYTHING, type: TaskType = 'task'): Surroundings {
  const spec = { ...SPEC, type, for: 'ada', policy: { ...SPEC.policy, patience } };
  return around({ spec, nowMs: NOW_MS + hours * HOUR });
}

function asking(patience: Patience = EVERYTHING, question: Partial<Question> = {}): Task {
  return after(newTask(at(0, patience)), [attemptEnded(1, asked(question))], at(0, patience));
}

function due(task: Task, hours: number, patience: Patience = EVERYTHING): Task {
  return nextTask(task, { kind: 'due' }, at(hours, patience));
}

function openOf({ stage }: Task) {
  return stage.kind === 'asking' ? stage.asks : [];
}

describe('a question that waits', () => {
  it('is left alone before anything is due', () => {
    const task = asking();
    expect(due(task, 1 - 1e-6)).toBe(task);
    expect(dueAtMs(task)).toBe(NOW_MS + HOUR);
  });

  it('is reminded of, and again after each span', () => {
    const once = due(asking(), 1);
    expect(openOf(once)).toMatchObject([{ version: 1, reminders: 1, for: 'ada' }]);
    expect(once.unrecorded.at(-1)?.happened).toMatchObject({
      kind: 'reminded',
      version: 1,
      count: 1,
      ask: { text: 'Which one?', for: 'ada', body: '' },
    });
    expect(dueAtMs(once)).toBe(NOW_MS + 2 * HOUR);
    expect(due(once, 1.9)).toBe(once);
    expect(openOf(due(once, 2))).toMatchObject([{ reminders: 2 }]);
    expect(once.sinceMs).toBe(NOW_MS);
  });

  it('is reminded of once after hours in which nobody could send it', () => {
    const late = due(asking(), 4.5);
    expect(late.unrecorded.filter(({ happened: { kind } }) => kind === 'reminded')).toHaveLength(1);
    expect(openOf(late)).toMatchObject([{ reminders: 4 }]);
    expect(due(late, 4.5)).toBe(late);
    expect(dueAtMs(late)).toBe(NOW_MS + 5 * HOUR);
  });

  it('is reminded of no more than so often', () => {
    const patience: Patience = { ...NO_PATIENCE_LIMIT, remindMs: HOUR };
    let task = asking(patience);
    for (let hour = 1; hour <= MAX_REMINDERS + 5; hour += 1) task = due(task, hour, patience);
    expect(task.unrecorded.filter(({ happened: { kind } }) => kind === 'reminded')).toHaveLength(MAX_REMINDERS);
    expect(dueAtMs(task)).toBeNull();
  });

  it('meets a person in the end, when an agent asks for ever and takes its own default', () => {
    const patience: Patience = { ...NO_PATIENCE_LIMIT, expire: { afterMs: HOUR, outcome: 'default' } };
    let task = newTask(at(0, patience));
    for (let round = 1; round <= MAX_UNASKED + 1; round += 1) {
      task = after(task, [attemptEnded(round, asked({ default: 'go on' }))], at(round, patience));
      task = due(task, round + 1, patience);
    }
    expect(openOf(task)).toMatchObject([{ version: MAX_UNASKED + 1, patience: { expire: null } }]);
    expect(task.unrecorded.at(-1)?.happened).toMatchObject({ kind: 'reminded', version: MAX_UNASKED + 1 });
    expect(dueAtMs(task)).toBeNull();
    expect(due(task, 1_000, patience)).toBe(task);
  });

  it('is handed to another once, who is reminded in turn', () => {
    const handed = due(asking(), 5);
    expect(openOf(handed)).toMatchObject([{ for: 'lead', escalated: true }]);
    expect(handed.unrecorded.at(-1)?.happened).toMatchObject({
      kind: 'escalated',
      version: 1,
      to: 'lead',
      ask: { text: 'Which one?', for: 'lead' },
    });
    const reminded = due(handed, 5);
    expect(openOf(reminded)).toMatchObject([{ for: 'lead', reminders: 5 }]);
    expect(happened(due(reminded, 7)).filter((kind) => kind === 'escalated')).toHaveLength(1);
  });

  it('takes its default answer when it is over, on the record as nobody’s', () => {
    const task = asking(EVERYTHING, { default: 'both' });
    expect(dueAtMs(due(due(task, 7.9), 7.9))).toBe(NOW_MS + 8 * HOUR);
    const gone = due(task, 8);
    expect(gone.stage).toEqual({ kind: 'phase', phase: 'understand', attempt: 2 });
    expect(gone.settled).toEqual([{ version: 1, how: 'expired', actor: DEADLINE, atMs: NOW_MS + 8 * HOUR }]);
    expect(happened(gone).slice(-3)).toEqual(['expired', 'answered', 'attempt-scheduled']);
    expect(gone.exchanges).toMatchObject([{ question: 'Which one?', answer: 'both', actor: DEADLINE }]);
  });

  it('is settled as answered by a person who calls himself the deadline', () => {
    const gone = nextTask(asking(), { kind: 'answer', version: 1, text: 'a', actor: DEADLINE }, at(1));
    expect(gone.settled).toMatchObject([{ how: 'answered' }]);
  });

  it.each([
    ['without a default', EVERYTHING, {}],
    ['by its project', { ...EVERYTHING, expire: { afterMs: 8 * HOUR, outcome: 'give-up' } }, { default: 'both' }],
    ['by itself', NO_PATIENCE_LIMIT, { patience: { expire: { afterMs: 8 * HOUR, outcome: 'give-up' } } }],
  ] as const)('gives up %s when it is over', (_how, patience, question) => {
    const gone = due(asking(patience, question), 8, patience);
    expect(gone.stage).toMatchObject({
      kind: 'ended',
      end: 'failed',
      failure: { kind: 'unanswered', message: 'nobody replied in time to: Which one?' },
    });
    expect(gone.settled).toMatchObject([{ how: 'expired' }]);
    expect(happened(gone).slice(-2)).toEqual(['expired', 'ended']);
    expect(happened(gone)).not.toContain('answered');
  });

  it('waits for ever when nothing limits it', () => {
    const task = asking(NO_PATIENCE_LIMIT);
    expect(dueAtMs(task)).toBeNull();
    expect(due(task, 1e6, NO_PATIENCE_LIMIT)).toBe(task);
  });

  it('ends a task that only asked, with its default answer', () => {
    const surroundings = at(0, EVERYTHING, 'question');
    const spec = { ...surroundings.spec, default: 'yes' };
    const gone = nextTask(newTask({ ...surroundings, spec }), { kind: 'due' }, { ...at(8), spec });
    expect(gone).toMatchObject({ summary: 'yes', stage: { kind: 'ended', end: 'unchanged' } });
  });
});

describe('several questions that wait', () => {
  const questions = [
    questionOf({ text: 'Which?', default: 'a' }),
    questionOf({ text: 'How?', patience: { remindMs: null, expire: { afterMs: 2 * HOUR, outcome: 'give-up' } } }),
    questionOf({ text: 'When?', default: 'now', patience: { expire: { afterMs: HOUR, outcome: 'default' } } }),
  ];
  const task = after(newTask(at(0)), [attemptEnded(1, { ...asked(), kind: 'question', questions })], at(0));

  it('have a patience each, one thing at a time', () => {
    expect(dueAtMs(task)).toBe(NOW_MS + HOUR);
    const first = due(task, 1);
    expect(openOf(first)).toMatchObject([{ reminders: 1 }, { reminders: 0 }, { reminders: 0 }]);
    const second = due(first, 1);
    expect(openOf(second).map(({ version }) => version)).toEqual([1, 2]);
    expect(second.exchanges).toMatchObject([{ question: 'When?', answer: 'now' }]);
    expect(due(second, 1)).toBe(second);
  });

  it('end the task together when one of them gives it up', () => {
    const gone = due(due(due(task, 2), 2), 2);
    expect(gone.stage).toMatchObject({ end: 'failed', failure: { message: 'nobody replied in time to: How?' } });
    expect(gone.settled.map(({ version }) => version)).toEqual([2]);
  });
});

describe('a proposal that waits', () => {
  it('is never approved by time: it gives up, whatever the outcome is to be', () => {
    const task = after(newTask(at(0)), [attemptEnded(1, proposed({ title: 'Drop it' }))], at(0));
    const gone = due(task, 8);
    expect(gone.stage).toMatchObject({
      end: 'failed',
      failure: { message: 'nobody replied in time to: the effect "Drop it"' },
    });
    expect(gone.settled).toMatchObject([{ how: 'expired' }]);
  });
});

describe('the patience of a question', () => {
  it('is the project’s, with its own in place of it', () => {
    expect(patienceOf(EVERYTHING, null)).toEqual(EVERYTHING);
    expect(patienceOf(EVERYTHING, questionOf())).toEqual(EVERYTHING);
    expect(patienceOf(EVERYTHING, questionOf({ patience: { remindMs: 7 } }))).toEqual({ ...EVERYTHING, remindMs: 7 });
  });

  it('is seen in when it is over', () => {
    const [ask] = openOf(asking());
    const [endless] = openOf(taskIn('asking'));
    expect(ask && askView(ask).expiresAt).toBe(new Date(NOW_MS + 8 * HOUR).toISOString());
    expect(endless && askView(endless).expiresAt).toBeNull();
  });
});
