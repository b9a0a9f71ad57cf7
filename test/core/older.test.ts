import { describe, expect, it } from '@jest/globals';
import { DEFAULT_STAGE_GATES, NO_PATIENCE_LIMIT } from '../../src/core/ask-types.ts';
import {
  completeOutcome,
  completeSpec,
  completeTask,
  heardByFirstVersion,
  isOfFirstVersion,
} from '../../src/core/older.ts';
import { nextTask, type Stage, type Task } from '../../src/core/task.ts';
import type { AttemptOutcome, TaskSpec } from '../../src/core/task-types.ts';
import { viewOf } from '../../src/core/task-view.ts';
import { around, asked, attemptEnded, done, failed, NOW_MS, proposed, SPEC, taskIn } from './rig.ts';

const STAGES: readonly Stage['kind'][] = ['phase', 'backoff', 'asking', 'blocked', 'parked', 'landing', 'ended'];
const FACTS = { host: 'host-1', session: null, usage: null, checkpoint: null };

/** A value as the first version wrote it: without these fields. */
function without<T extends object>(value: T, fields: readonly (keyof T)[]): T {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !fields.some((field) => field === key))) as T;
}

function oldTask(kind: Stage['kind'], change: object = {}): Task {
  const fields = ['settled', 'refused', 'documents', 'edited', 'blockers', 'toMake', 'unasked'] as const;
  return { ...without(taskIn(kind), fields), ...change };
}

describe('what this version has written', () => {
  it.each(STAGES)('stays as it is in %s', (stage) => {
    expect(completeTask(taskIn(stage))).toEqual(taskIn(stage));
  });

  it('stays as it is as a submission and as an outcome', () => {
    expect(completeSpec(SPEC)).toEqual(SPEC);
    for (const outcome of [done({ document: 'x' }), asked(), proposed(), failed('no-report')]) {
      expect(completeOutcome(outcome)).toEqual(outcome);
    }
  });
});

describe('what the first version has written', () => {
  it('is a plain task that waits for ever and asks about what leaves the machine', () => {
    const policy = without(SPEC.policy, ['approve', 'patience', 'notify']);
    const old: TaskSpec = without({ ...SPEC, policy }, ['type', 'for', 'blocks', 'choices', 'default', 'parent']);
    expect(completeSpec(old)).toEqual(SPEC);
    expect(SPEC.policy).toMatchObject({ approve: DEFAULT_STAGE_GATES, patience: NO_PATIENCE_LIMIT, notify: [] });
  });

  it('is told from what was written since by its specification, until that is completed', () => {
    const old: TaskSpec = without(SPEC, ['type']);
    expect(isOfFirstVersion(old)).toBe(true);
    expect(isOfFirstVersion(completeSpec(old))).toBe(false);
    expect(isOfFirstVersion(SPEC)).toBe(false);
  });

  it('knew no text that is sent alone, and takes all else as it is', () => {
    expect(heardByFirstVersion('yes')).toEqual({});
    for (const payload of [undefined, null, { text: 'yes' }]) expect(heardByFirstVersion(payload)).toBe(payload);
  });

  it.each(['phase', 'backoff', 'parked', 'landing', 'ended'] as const)('goes on in %s', (stage) => {
    expect(completeTask(oldTask(stage))).toEqual(taskIn(stage));
  });

  it('waits for the answer to its question, with what was said before', () => {
    const ask = { kind: 'question', version: 4, text: 'Which?' };
    const said = { question: 'How?', answer: 'fast', actor: 'ada', atMs: 1 };
    const stage = { kind: 'asking', phase: 'plan', ask };
    const task = completeTask(oldTask('asking', { stage, asks: 4, exchanges: [said] }));
    expect(task.exchanges).toEqual([{ ...said, kind: 'question' }]);
    expect(viewOf(task, SPEC).waitingFor).toMatchObject({ kind: 'question', version: 4, text: 'Which?' });
    const gone = nextTask(task, { kind: 'answer', version: 4, text: 'both', actor: 'ada' }, around());
    expect(gone.stage).toMatchObject({ kind: 'phase', phase: 'plan' });
    expect(gone.settled).toEqual([{ version: 4, how: 'answered', actor: 'ada', atMs: NOW_MS }]);
  });

  it('waits for a decision about its proposal, and goes on with the phase that made it', () => {
    const ask = { kind: 'proposal', version: 1, text: 'Drop it?\nAll of it.' };
    const task = completeTask(oldTask('asking', { stage: { kind: 'asking', phase: 'execute', ask } }));
    expect(task.stage).toMatchObject({
      asks: [{ proposal: { kind: 'effect', title: 'Drop it?', body: 'Drop it?\nAll of it.' } }],
    });
    const event = { kind: 'approve', version: 1, text: null, items: [], ids: [], actor: 'ada' } as const;
    expect(nextTask(task, event, around()).stage).toMatchObject({ kind: 'phase', phase: 'execute' });
  });

  it('is the outcome of an attempt that began before the update', () => {
    const old = without(done() as Extract<AttemptOutcome, { kind: 'done' }>, ['document', 'proposals']);
    expect(completeOutcome(old)).toEqual(done());
    const question = completeOutcome({ kind: 'question', text: 'Which one?', ...FACTS });
    expect(question).toEqual(asked());
    expect(nextTask(taskIn('phase'), attemptEnded(1, question), around()).stage.kind).toBe('asking');
    expect(completeOutcome({ kind: 'proposal', text: 'Drop it?', ...FACTS })).toEqual(
      proposed({ title: 'Drop it?', body: 'Drop it?' }),
    );
  });
});
