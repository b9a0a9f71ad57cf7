import { describe, expect, it } from '@jest/globals';
import type { ItemDecision } from '../../src/core/ask-types.ts';
import { newTask, nextTask, reopen } from '../../src/core/task.ts';
import { MAX_DOCUMENT_CHARS } from '../../src/core/task-types.ts';
import { headOf } from '../../src/core/text.ts';
import {
  after,
  around,
  asked,
  attemptEnded,
  checkpointOf,
  failed,
  happened,
  NOW_MS,
  questionOf,
  REQUEST,
  taskId,
} from './rig.ts';
import { approval, proposing, REJECTION, REVISION } from './reply-rig.ts';

const ITEMS = [
  { title: 'Sort', body: '' },
  { title: 'Tidy', body: 'all of it' },
  { title: 'Sweep', body: '' },
];

describe('several questions of one attempt', () => {
  const questions = ['Which?', 'How?', 'When?'].map((text) => questionOf({ text }));
  const asking = after(newTask(around()), [
    attemptEnded(1, { ...asked(), kind: 'question', questions }),
    { kind: 'answer', version: 2, text: 'fast', actor: 'ada' },
  ]);

  it('have a version each, and are answered one by one in any order', () => {
    expect(asking.asks).toBe(3);
    expect(asking.stage).toMatchObject({ kind: 'asking', asks: [{ version: 1 }, { version: 3 }] });
    expect(asking.attempt).toBe(1);
    const gone = after(asking, [
      { kind: 'answer', version: 3, text: 'now', actor: 'grace' },
      { kind: 'answer', version: 1, text: 'both', actor: 'ada' },
    ]);
    expect(gone.stage).toEqual({ kind: 'phase', phase: 'understand', attempt: 2 });
    expect(gone.exchanges.map(({ question, answer, actor }) => [question, answer, actor])).toEqual([
      ['How?', 'fast', 'ada'],
      ['When?', 'now', 'grace'],
      ['Which?', 'both', 'ada'],
    ]);
    expect(gone.settled.map(({ version, how }) => [version, how])).toEqual([
      [2, 'answered'],
      [3, 'answered'],
      [1, 'answered'],
    ]);
  });

  it('take no second answer, and none to what is not open', () => {
    for (const version of [2, 4, 0]) {
      expect(nextTask(asking, { kind: 'answer', version, text: 'slow', actor: 'eve' }, around())).toBe(asking);
    }
  });

  it('give the next phase a fresh count of tries', () => {
    const tried = after(newTask(around()), [attemptEnded(1, failed('agent-failed')), { kind: 'retry', actor: 'ada' }]);
    expect(tried.tries).toBe(1);
    const gone = after(tried, [attemptEnded(2, asked()), { kind: 'answer', version: 1, text: 'a', actor: 'ada' }]);
    expect(gone.tries).toBe(0);
  });
});

describe('an approval', () => {
  it.each([
    ['plan', 'understand', 'execute'],
    ['plan', 'plan', 'execute'],
    ['plan', 'execute', 'execute'],
    ['patch', 'understand', 'understand'],
    ['effect', 'understand', 'understand'],
    ['effect', 'execute', 'execute'],
    ['message', 'plan', 'plan'],
    ['tasks', 'revise', 'revise'],
  ] as const)('of a %s in %s goes on with %s', (kind, phase, next) => {
    const task = proposing({ kind }, phase);
    const gone = nextTask(task, approval(), around());
    expect(gone.stage).toEqual({ kind: 'phase', phase: next, attempt: task.attempt + 1 });
    expect(gone.settled).toEqual([{ version: 1, how: 'approved', actor: 'ada', atMs: NOW_MS }]);
    expect(gone.unrecorded.find(({ happened }) => happened.kind === 'decided')?.happened).toEqual({
      kind: 'decided',
      version: 1,
      decision: 'approved',
      text: null,
      items: [],
      actor: 'ada',
    });
  });

  it('of a finished patch goes to landing', () => {
    const gone = nextTask(proposing({ kind: 'patch' }, 'execute'), approval(), around());
    expect(gone.stage).toMatchObject({ kind: 'landing', checkpoint: checkpointOf(1) });
  });

  it('puts a plan as it was approved in the place of what the agent left', () => {
    const plan = { kind: 'plan', body: '1. sort' } as const;
    expect(nextTask(proposing(plan), approval(), around()).documents.plan).toBe('1. sort');
    const edited = nextTask(proposing(plan), approval({ text: '1. sort\n2. test' }), around());
    expect(edited.documents).toEqual({ understanding: null, plan: '1. sort\n2. test' });
    expect(edited.settled).toMatchObject([{ how: 'edited' }]);
    expect(edited.exchanges.at(-1)?.answer).toBe('approved with edits; what holds is:\n1. sort\n2. test');
  });

  it('leaves a plan as the agent left it when it was too long to be shown whole', () => {
    const body = headOf('x'.repeat(MAX_DOCUMENT_CHARS + 1), MAX_DOCUMENT_CHARS);
    expect(nextTask(proposing({ kind: 'plan', body }), approval(), around()).documents.plan).toBeNull();
  });

  it.each(['effect', 'message'] as const)('of an %s says its words to the agent, which acts on them', (kind) => {
    const gone = nextTask(proposing({ kind, title: 'Drop it', body: 'drop table x' }), approval(), around());
    expect(gone.exchanges).toEqual([
      {
        kind: 'decision',
        question: `the ${kind} "Drop it"\n\ndrop table x`,
        answer: 'approved',
        actor: 'ada',
        atMs: NOW_MS,
      },
    ]);
    expect(gone.documents).toEqual({ understanding: null, plan: null });
    const bare = nextTask(proposing({ kind, title: 'Drop it', body: '' }), approval(), around());
    expect(bare.exchanges[0]?.question).toBe(`the ${kind} "Drop it"`);
  });

  it('of further tasks makes those that were accepted, as they were edited', () => {
    const items: ItemDecision[] = [
      { kind: 'accepted' },
      { kind: 'edited', task: { title: 'Tidy up', body: 'half' } },
      { kind: 'dropped' },
    ];
    const task = proposing({ kind: 'tasks', title: 'More', items: ITEMS });
    const gone = nextTask(task, approval({ items, ids: [taskId(11), taskId(12), taskId(13)] }), around());
    expect(gone.toMake).toEqual([
      { id: taskId(11), type: 'task', title: 'Sort', body: '' },
      { id: taskId(12), type: 'task', title: 'Tidy up', body: 'half' },
    ]);
    expect(gone.settled).toMatchObject([{ how: 'edited' }]);
    expect(gone.exchanges[0]).toMatchObject({
      question: 'the further tasks "More"',
      answer: 'decided, each by itself:\n- Sort: accepted\n- Tidy up: edited\n- Sweep: dropped',
    });
  });

  it('of further tasks makes none that nobody decided about, or that has no id', () => {
    const task = proposing({ kind: 'tasks', title: 'More', items: ITEMS });
    const some = approval({ items: [{ kind: 'accepted' }, { kind: 'accepted' }], ids: [taskId(11)] });
    const gone = nextTask(task, some, around());
    expect(gone.toMake.map(({ id }) => id)).toEqual([taskId(11)]);
    expect(gone.exchanges[0]?.answer).toContain('- Sweep: dropped');
  });

  it('counts once, and not for a version that is not open', () => {
    const task = proposing();
    const gone = nextTask(task, approval(), around());
    expect(nextTask(gone, approval(), around())).toBe(gone);
    expect(nextTask(task, approval({ version: 2 }), around())).toBe(task);
    expect(nextTask(task, { ...REVISION, version: 2 }, around())).toBe(task);
    expect(nextTask(task, { ...REJECTION, version: 2 }, around())).toBe(task);
  });
});

describe('changes that are wanted', () => {
  it.each(['understand', 'plan', 'execute'] as const)('are made by %s again, with the words', (phase) => {
    const task = proposing({ kind: 'plan', title: 'Sort' }, phase);
    const gone = nextTask(task, REVISION, around());
    expect(gone.stage).toEqual({ kind: 'phase', phase, attempt: task.attempt + 1 });
    expect(gone.exchanges.at(-1)).toMatchObject({ question: 'the plan "Sort"', answer: 'changes are wanted: shorter' });
    expect(gone.settled).toMatchObject([{ how: 'changes-requested' }]);
  });

  it('of a patch that landing had returned are made to the branch, which has main by now', () => {
    const gone = nextTask(proposing({ kind: 'patch' }, 'revise'), REVISION, around());
    expect(gone).toMatchObject({ stage: { kind: 'phase', phase: 'execute' }, request: null });
    const other = nextTask(proposing({ kind: 'effect' }, 'revise'), REVISION, around());
    expect(other).toMatchObject({ stage: { kind: 'phase', phase: 'revise' }, request: REQUEST });
  });
});

describe('a rejection', () => {
  it.each(['plan', 'patch', 'effect', 'message', 'tasks'] as const)(
    'of a %s ends the task, with the reason',
    (kind) => {
      const gone = nextTask(proposing({ kind, title: 'This' }), REJECTION, around());
      expect(gone.stage).toMatchObject({
        kind: 'ended',
        end: 'rejected',
        failure: { kind: 'rejected', message: expect.stringMatching(/^ada rejected the .* "This": not now$/) },
      });
      expect(happened(gone).slice(-2)).toEqual(['decided', 'ended']);
    },
  );

  it('is told to the agent of a task that is taken up again', () => {
    const task = reopen(nextTask(proposing({ title: 'Drop it', body: '' }), REJECTION, around()), around(), 'ada');
    expect(task.exchanges.at(-1)).toMatchObject({
      question: 'the effect "Drop it"',
      answer: 'rejected: not now\nnor ever',
    });
    expect(task.stage).toEqual({ kind: 'phase', phase: 'understand', attempt: 2 });
  });
});

describe('what was settled', () => {
  it('is remembered within a bound', () => {
    let task = newTask(around());
    for (let count = 1; count <= 60; count += 1) {
      task = after(task, [attemptEnded(count, asked()), { kind: 'answer', version: count, text: 'a', actor: 'ada' }]);
    }
    expect(task.settled).toHaveLength(50);
    expect(task.settled.at(-1)?.version).toBe(60);
  });
});
