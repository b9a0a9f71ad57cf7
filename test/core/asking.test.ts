import { describe, expect, it } from '@jest/globals';
import type { ItemDecision, Proposal, ProposalKind } from '../../src/core/ask-types.ts';
import { MAX_UNASKED, POLICY } from '../../src/core/asking.ts';
import { newTask, nextTask, reopen, type PersonEvent, type Surroundings, type Task } from '../../src/core/task.ts';
import { MAX_DOCUMENT_CHARS, type Phase, type TaskSpec } from '../../src/core/task-types.ts';
import { headOf } from '../../src/core/text.ts';
import {
  after,
  around,
  asked,
  attemptEnded,
  checkpointOf,
  done,
  failed,
  happened,
  LATER,
  NOW_MS,
  proposed,
  questionOf,
  REQUEST,
  SPEC,
  taskId,
  taskIn,
} from './rig.ts';

const ITEMS = [
  { title: 'Sort', body: '' },
  { title: 'Tidy', body: 'all of it' },
  { title: 'Sweep', body: '' },
];

type Approval = Extract<PersonEvent, { kind: 'approve' }>;

function approval(change: Partial<Approval> = {}): Approval {
  return { kind: 'approve', version: 1, text: null, items: [], ids: [], actor: 'ada', ...change };
}

const revision = { kind: 'revise', version: 1, text: 'shorter', actor: 'ada' } as const;
const rejection = { kind: 'reject', version: 1, text: 'not now\nnor ever', actor: 'ada' } as const;

/** A task whose agent proposes something in its first phase, or in a later one. */
function proposing(change: Partial<Proposal> = {}, phase: Phase = 'understand'): Task {
  const checkpoint = checkpointOf(1);
  const returned = after(taskIn('landing'), [{ kind: 'returned', request: REQUEST }]);
  const begun: Record<Phase, Task> = {
    understand: newTask(around()),
    plan: after(newTask(around()), [attemptEnded(1, done())]),
    execute: after(newTask(around()), [attemptEnded(1, done()), attemptEnded(2, done({ checkpoint }))]),
    revise: returned,
  };
  return after(begun[phase], [attemptEnded(begun[phase].attempt, proposed(change))]);
}

function specOf(change: Partial<TaskSpec>): TaskSpec {
  return { ...SPEC, ...change };
}

function gated(approve: TaskSpec['policy']['approve']): Surroundings {
  return around({ spec: specOf({ policy: { ...SPEC.policy, approve } }) });
}

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
    expect(nextTask(task, { ...revision, version: 2 }, around())).toBe(task);
    expect(nextTask(task, { ...rejection, version: 2 }, around())).toBe(task);
  });
});

describe('changes that are wanted', () => {
  it.each(['understand', 'plan', 'execute'] as const)('are made by %s again, with the words', (phase) => {
    const task = proposing({ kind: 'plan', title: 'Sort' }, phase);
    const gone = nextTask(task, revision, around());
    expect(gone.stage).toEqual({ kind: 'phase', phase, attempt: task.attempt + 1 });
    expect(gone.exchanges.at(-1)).toMatchObject({ question: 'the plan "Sort"', answer: 'changes are wanted: shorter' });
    expect(gone.settled).toMatchObject([{ how: 'changes-requested' }]);
  });

  it('of a patch that landing had returned are made to the branch, which has main by now', () => {
    const gone = nextTask(proposing({ kind: 'patch' }, 'revise'), revision, around());
    expect(gone).toMatchObject({ stage: { kind: 'phase', phase: 'execute' }, request: null });
    const other = nextTask(proposing({ kind: 'effect' }, 'revise'), revision, around());
    expect(other).toMatchObject({ stage: { kind: 'phase', phase: 'revise' }, request: REQUEST });
  });
});

describe('a rejection', () => {
  it.each(['plan', 'patch', 'effect', 'message', 'tasks'] as const)(
    'of a %s ends the task, with the reason',
    (kind) => {
      const gone = nextTask(proposing({ kind, title: 'This' }), rejection, around());
      expect(gone.stage).toMatchObject({
        kind: 'ended',
        end: 'rejected',
        failure: { kind: 'rejected', message: expect.stringMatching(/^ada rejected the .* "This": not now$/) },
      });
      expect(happened(gone).slice(-2)).toEqual(['decided', 'ended']);
    },
  );

  it('is told to the agent of a task that is taken up again', () => {
    const task = reopen(nextTask(proposing({ title: 'Drop it', body: '' }), rejection, around()), around(), 'ada');
    expect(task.exchanges.at(-1)).toMatchObject({
      question: 'the effect "Drop it"',
      answer: 'rejected: not now\nnor ever',
    });
    expect(task.stage).toEqual({ kind: 'phase', phase: 'understand', attempt: 2 });
  });
});

describe('what the project asks nobody about', () => {
  const around0 = around({ spec: specOf({ policy: { ...SPEC.policy, approve: [] } }) });

  it.each(['effect', 'message'] as const)('is approved at once, on the record: an %s', (kind) => {
    const gone = after(newTask(around0), [attemptEnded(1, proposed({ kind }))], around0);
    expect(gone).toMatchObject({ unasked: 1, stage: { kind: 'phase', phase: 'understand', attempt: 2 } });
    expect(happened(gone).slice(-3)).toEqual(['asked', 'decided', 'attempt-scheduled']);
    expect(gone.settled).toEqual([{ version: 1, how: 'approved', actor: POLICY, atMs: NOW_MS }]);
  });

  it.each(['plan', 'patch', 'tasks'] as const)('is not what an agent asks for by itself: a %s', (kind) => {
    const asking = after(newTask(around0), [attemptEnded(1, proposed({ kind }))], around0);
    expect(asking).toMatchObject({ unasked: 0, stage: { kind: 'asking' } });
  });

  it('is asked about after all by an agent that proposes without end', () => {
    let task = newTask(around0);
    for (let count = 1; count <= MAX_UNASKED; count += 1) {
      task = nextTask(task, attemptEnded(count, proposed()), around0);
      expect(task.stage.kind).toBe('phase');
    }
    expect(nextTask(task, attemptEnded(MAX_UNASKED + 1, proposed()), around0).stage.kind).toBe('asking');
  });
});

describe('a proposal that was submitted as one', () => {
  const spec = specOf({ type: 'proposal', title: 'Sort', body: 'all imports', for: 'lead' });
  const surroundings = around({ spec });

  it('waits for its decision before its first phase', () => {
    const task = newTask(surroundings);
    expect(task).toMatchObject({
      attempt: 0,
      stage: {
        kind: 'asking',
        asks: [{ version: 1, for: 'lead', proposal: { kind: 'task', title: 'Sort', body: 'all imports' } }],
      },
    });
    const gone = nextTask(task, approval(), surroundings);
    expect(gone).toMatchObject({ edited: null, stage: { kind: 'phase', phase: 'understand', attempt: 1 } });
  });

  it('is worked on in its edited words', () => {
    const gone = nextTask(newTask(surroundings), approval({ text: 'some imports' }), surroundings);
    expect(gone.edited).toEqual({ title: 'Sort', body: 'some imports' });
  });

  it('is asked about anew when somebody edits it: an approval of the old words comes too late', () => {
    const edit = { kind: 'edit', title: 'Sort two', body: null, actor: 'grace' } as const;
    const task = nextTask(newTask(surroundings), edit, { ...LATER, spec });
    expect(task.stage).toMatchObject({
      kind: 'asking',
      asks: [{ version: 2, proposal: { title: 'Sort two', body: 'all imports' } }],
    });
    expect(task.settled).toMatchObject([{ version: 1, how: 'replaced', actor: 'grace' }]);
    expect(task.unrecorded.slice(-2)).toMatchObject([
      { happened: { kind: 'edited', title: 'Sort two', replaces: 1 } },
      { happened: { kind: 'asked', ask: { version: 2, text: 'Sort two' } } },
    ]);
    expect(nextTask(task, approval(), surroundings)).toBe(task);
    const gone = nextTask(task, approval({ version: 2, text: 'none' }), surroundings);
    expect(gone.edited).toEqual({ title: 'Sort two', body: 'none' });
  });

  it('is asked about again when it is retried after a rejection, as it was edited', () => {
    const edit = { kind: 'edit', title: null, body: 'three', actor: 'ada' } as const;
    const ended = after(newTask(surroundings), [edit, { ...rejection, version: 2 }], surroundings);
    expect(ended.stage).toMatchObject({ kind: 'ended', end: 'rejected' });
    expect(reopen(ended, surroundings, 'ada').stage).toMatchObject({
      kind: 'asking',
      asks: [{ version: 3, proposal: { body: 'three' } }],
    });
  });
});

describe('a question that was submitted as one', () => {
  const spec = specOf({ type: 'question', title: 'Which?', choices: ['a', 'b'], default: 'a', for: 'ada' });

  it('ends with its answer, unchanged and without a phase', () => {
    const surroundings = around({ spec });
    const task = newTask(surroundings);
    expect(task.stage).toMatchObject({
      asks: [{ version: 1, for: 'ada', question: { text: 'Which?', choices: ['a', 'b'], default: 'a' } }],
    });
    const gone = nextTask(task, { kind: 'answer', version: 1, text: 'b', actor: 'ada' }, surroundings);
    expect(gone).toMatchObject({ attempt: 0, summary: 'b', stage: { kind: 'ended', end: 'unchanged', failure: null } });
    expect(happened(gone)).not.toContain('attempt-scheduled');
  });

  it('asks its title with its body', () => {
    const task = newTask(around({ spec: { ...spec, body: 'Of the two.' } }));
    expect(task.stage).toMatchObject({ asks: [{ question: { text: 'Which?\n\nOf the two.' } }] });
  });
});

describe('a stage gate', () => {
  it.each([
    ['clarification', 'understand', 'understanding', 'phase plan'],
    ['plan', 'plan', 'plan', 'phase execute'],
    ['patch', 'execute', 'patch', 'landing'],
  ] as const)('%s asks about what %s has left: the %s, then goes on with %s', (gate, phase, kind, next) => {
    const surroundings = gated([gate]);
    const outcome = done({ checkpoint: checkpointOf(9), document: 'as it is', summary: 'one\ntwo' });
    let task = newTask(surroundings);
    // At most three phases come before the gate.
    for (let count = 1; count <= 3 && task.stage.kind === 'phase'; count += 1)
      task = nextTask(task, attemptEnded(count, outcome), surroundings);
    expect(task.stage).toMatchObject({
      kind: 'asking',
      phase,
      asks: [{ proposal: { kind: kind satisfies ProposalKind, title: 'one', body: 'as it is' } }],
    });
    const gone = nextTask(task, approval(), surroundings);
    expect(gone.stage.kind === 'phase' ? `phase ${gone.stage.phase}` : gone.stage.kind).toBe(next);
    const again = nextTask(task, revision, surroundings);
    expect(again.stage).toMatchObject({ kind: 'phase', phase });
  });

  it('shows the summary where nothing else was left', () => {
    const task = after(newTask(gated(['clarification'])), [attemptEnded(1, done())], gated(['clarification']));
    expect(task.stage).toMatchObject({ asks: [{ proposal: { body: 'it is done' } }] });
  });

  it('lets an edited understanding hold', () => {
    const surroundings = gated(['clarification']);
    const asking = after(newTask(surroundings), [attemptEnded(1, done())], surroundings);
    expect(nextTask(asking, approval({ text: 'this' }), surroundings).documents.understanding).toBe('this');
    expect(nextTask(asking, approval(), surroundings).documents.understanding).toBeNull();
  });

  it('of patches asks nobody about a branch without changes', () => {
    const surroundings = gated(['patch']);
    const task = after(
      newTask(surroundings),
      [1, 2, 3].map((count) => attemptEnded(count, done())),
      surroundings,
    );
    expect(task.stage).toMatchObject({ kind: 'ended', end: 'unchanged' });
    expect(task.asks).toBe(0);
  });

  it('of patches asks again about what was revised for landing', () => {
    const surroundings = gated(['patch']);
    const task = after(
      proposing({ kind: 'patch' }, 'revise'),
      [revision, attemptEnded(5, done({ checkpoint: checkpointOf(5) }))],
      surroundings,
    );
    expect(task.stage).toMatchObject({ kind: 'asking', phase: 'execute', asks: [{ version: 2 }] });
  });

  it('in every combination asks exactly where it is wanted', () => {
    const all = ['clarification', 'plan', 'patch'] as const;
    for (let mask = 0; mask < 8; mask += 1) {
      const approve = all.filter((_, bit) => (mask & (1 << bit)) > 0);
      const surroundings = gated(approve);
      let task = newTask(surroundings);
      const seen: string[] = [];
      // Three phases and as many decisions.
      for (let step = 0; step < 6; step += 1) {
        if (task.stage.kind === 'phase')
          task = nextTask(task, attemptEnded(task.attempt, done({ checkpoint: checkpointOf(1) })), surroundings);
        else if (task.stage.kind === 'asking') {
          seen.push(task.stage.phase);
          task = nextTask(task, approval({ version: task.asks }), surroundings);
        }
      }
      expect(task.stage.kind).toBe('landing');
      expect(seen).toEqual(
        all.flatMap((gate, at) => (approve.includes(gate) ? [['understand', 'plan', 'execute'][at]] : [])),
      );
    }
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
