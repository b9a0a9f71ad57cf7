import { describe, expect, it } from '@jest/globals';
import type { ProposalKind } from '../../src/core/ask-types.ts';
import { MAX_UNASKED, POLICY } from '../../src/core/asking.ts';
import { newTask, nextTask, reopen, startOver, type Surroundings } from '../../src/core/task.ts';
import type { TaskSpec } from '../../src/core/task-types.ts';
import { after, around, attemptEnded, checkpointOf, done, happened, LATER, NOW_MS, proposed, SPEC } from './rig.ts';
import { approval, proposing, REJECTION, REVISION } from './reply-rig.ts';

function specOf(change: Partial<TaskSpec>): TaskSpec {
  return { ...SPEC, ...change };
}

function gated(approve: TaskSpec['policy']['approve']): Surroundings {
  return around({ spec: specOf({ policy: { ...SPEC.policy, approve } }) });
}

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

  it('is asked about anew, too, when it has begun anew after attempts', () => {
    const worked = nextTask(newTask(surroundings), approval(), surroundings);
    const again = startOver(worked, surroundings, 'ada');
    expect(again).toMatchObject({ attempt: 1, stage: { kind: 'asking', asks: [{ version: 2 }] } });
    const edit = { kind: 'edit', title: null, body: 'other words', actor: 'grace' } as const;
    const task = nextTask(again, edit, surroundings);
    expect(task.stage).toMatchObject({ asks: [{ version: 3, proposal: { body: 'other words' } }] });
    expect(nextTask(task, approval({ version: 2 }), surroundings)).toBe(task);
  });

  it('is asked about again when it is retried after a REJECTION, as it was edited', () => {
    const edit = { kind: 'edit', title: null, body: 'three', actor: 'ada' } as const;
    const ended = after(newTask(surroundings), [edit, { ...REJECTION, version: 2 }], surroundings);
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
    const again = nextTask(task, REVISION, surroundings);
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
      [REVISION, attemptEnded(5, done({ checkpoint: checkpointOf(5) }))],
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
