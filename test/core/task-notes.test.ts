import { describe, expect, it } from '@jest/globals';
import {
  currentSpec,
  MAX_EXCHANGES,
  MAX_EXCHANGES_CHARS,
  newTask,
  nextTask,
  reopen,
  type Stage,
} from '../../src/core/task.ts';
import { goOn } from '../../src/core/task-moves.ts';
import { confirmMade, MAX_BLOCKERS } from '../../src/core/task-notes.ts';
import { phaseRequestOf, queueItemOf } from '../../src/core/task-request.ts';
import { waitingForOf } from '../../src/core/task-view.ts';
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
  REQUEST,
  SPEC,
  taskId,
  taskIn,
} from './rig.ts';

const LIVE: readonly Stage['kind'][] = ['phase', 'backoff', 'asking', 'blocked', 'parked', 'landing'];
const block = (by = 2) => ({ kind: 'block', by: taskId(by), text: 'Which database?' }) as const;
const release = (by = 2) => ({ kind: 'release', by: taskId(by), text: 'the second', actor: 'ada' }) as const;

describe('a comment', () => {
  it.each(LIVE)('in %s reaches the next prompt and moves nothing', (stage) => {
    const task = taskIn(stage);
    const said = nextTask(task, { kind: 'comment', text: 'mind the docs', actor: 'ada' }, LATER);
    expect(said.stage).toBe(task.stage);
    expect(said.exchanges.at(-1)).toEqual({
      kind: 'comment',
      question: '',
      answer: 'mind the docs',
      actor: 'ada',
      atMs: LATER.nowMs,
    });
    expect(said.unrecorded.at(-1)?.happened).toEqual({ kind: 'commented', text: 'mind the docs', actor: 'ada' });
  });

  it('is kept with the newest of its kind', () => {
    let task = taskIn('phase');
    for (let count = 0; count < MAX_EXCHANGES + 3; count += 1)
      task = nextTask(task, { kind: 'comment', text: `${count}`, actor: 'ada' }, around());
    expect(task.exchanges).toHaveLength(MAX_EXCHANGES);
    expect(phaseRequestOf(task, SPEC).exchanges.at(-1)?.answer).toBe(`${MAX_EXCHANGES + 2}`);
  });

  it('that has no room for older words says how many of each kind it has pushed out', () => {
    const before = nextTask(taskIn('phase'), comment('keep the API as it is'), around());
    expect(phaseRequestOf(before, SPEC)).not.toHaveProperty('leftOut');
    const long = nextTask(before, comment('x'.repeat(MAX_EXCHANGES_CHARS + 1)), around());
    expect(phaseRequestOf(long, SPEC)).toMatchObject({ leftOut: { question: 0, decision: 0, comment: 1 } });
    expect(long.exchanges).toHaveLength(1);
    const after = nextTask(long, comment('short'), around());
    expect(phaseRequestOf(after, SPEC).leftOut).toEqual({ question: 0, decision: 0, comment: 2 });
    expect(after.exchanges.map(({ answer }) => answer)).toEqual(['short']);
  });
});

const comment = (text: string) => ({ kind: 'comment', text, actor: 'ada' }) as const;

describe('an edit', () => {
  it('changes the title, the body or both, and says who did', () => {
    const titled = nextTask(taskIn('phase'), { kind: 'edit', title: 'Sort all', body: null, actor: 'ada' }, around());
    expect(currentSpec(titled, SPEC)).toEqual({ ...SPEC, title: 'Sort all' });
    const both = nextTask(titled, { kind: 'edit', title: null, body: 'of src', actor: 'ada' }, around());
    expect(currentSpec(both, SPEC)).toEqual({ ...SPEC, title: 'Sort all', body: 'of src' });
    expect(both.unrecorded.at(-1)?.happened).toEqual({ kind: 'edited', title: null, body: 'of src', actor: 'ada' });
    expect(phaseRequestOf(both, SPEC).spec.body).toBe('of src');
    expect(phaseRequestOf(both, SPEC).edited).toBe(true);
  });

  it('while it lands hands the task off under its new title, as the same hand-off', () => {
    const task = taskIn('landing');
    const renamed = nextTask(task, { kind: 'edit', title: 'Sort all', body: null, actor: 'ada' }, LATER);
    expect(renamed.stage).not.toBe(task.stage);
    expect(queueItemOf(renamed, SPEC, checkpointOf(3))).toEqual({
      ...queueItemOf(task, SPEC, checkpointOf(3)),
      title: 'Sort all',
    });
  });

  it('while an agent’s own question is open leaves the question as it is', () => {
    const task = taskIn('asking');
    const edited = nextTask(task, { kind: 'edit', title: 'Sort all', body: null, actor: 'ada' }, around());
    expect(edited.stage).toBe(task.stage);
    expect(edited.settled).toEqual([]);
  });

  it('of a submitted question asks it in its new words', () => {
    const surroundings = around({ spec: { ...SPEC, type: 'question' } });
    const edit = { kind: 'edit', title: 'Which two?', body: null, actor: 'ada' } as const;
    const task = nextTask(newTask(surroundings), edit, surroundings);
    expect(task.stage).toMatchObject({ asks: [{ version: 2, question: { text: 'Which two?' } }] });
    expect(task.settled).toMatchObject([{ version: 1, how: 'replaced' }]);
    const late = nextTask(task, { kind: 'answer', version: 1, text: 'a', actor: 'ada' }, surroundings);
    expect(late).toBe(task);
  });
});

describe('a question that blocks a task', () => {
  it('lets the present attempt end, and the next one wait for the answer', () => {
    const blocked = after(newTask(around()), [block(), attemptEnded(1, done())]);
    expect(blocked.stage).toEqual({ kind: 'blocked', phase: 'plan', leadsTo: { kind: 'phase', phase: 'plan' } });
    expect(waitingForOf(blocked, SPEC.id)).toMatchObject({
      kind: 'blocked',
      text: `${taskId(2)}: Which database?`,
      version: null,
    });
    const gone = nextTask(blocked, release(), LATER);
    expect(gone.stage).toEqual({ kind: 'phase', phase: 'plan', attempt: 2 });
    expect(gone.exchanges).toEqual([
      { kind: 'question', question: 'Which database?', answer: 'the second', actor: 'ada', atMs: LATER.nowMs },
    ]);
    expect(happened(gone).slice(-2)).toEqual(['released', 'attempt-scheduled']);
  });

  it('is waited for with every other one that blocks', () => {
    const blocked = after(newTask(around()), [block(2), block(3), block(2), attemptEnded(1, done())]);
    expect(blocked.blockers.map(({ by }) => by)).toEqual([taskId(2), taskId(3)]);
    const one = nextTask(blocked, release(2), around());
    expect(one.stage).toBe(blocked.stage);
    expect(nextTask(one, release(2), around())).toBe(one);
    expect(nextTask(one, release(3), around()).stage.kind).toBe('phase');
  });

  it('that was answered in time blocks nothing', () => {
    const task = after(newTask(around()), [block(), release(), attemptEnded(1, done())]);
    expect(task.stage).toEqual({ kind: 'phase', phase: 'plan', attempt: 2 });
  });

  it('that was answered before it could block is told with its answer, once', () => {
    const told = { ...release(), question: 'Which database?' };
    const task = after(newTask(around()), [told]);
    expect(task.blockers).toEqual([]);
    expect(task.exchanges).toMatchObject([{ kind: 'question', question: 'Which database?', answer: 'the second' }]);
    expect(happened(task).slice(-2)).toEqual(['blocked', 'released']);
    expect(nextTask(task, told, around())).toBe(task);
    expect(nextTask(task, attemptEnded(1, done()), around()).stage).toEqual({
      kind: 'phase',
      phase: 'plan',
      attempt: 2,
    });
  });

  it('that was answered before it could block leaves the task waiting for the others', () => {
    const blocked = after(newTask(around()), [block(3), attemptEnded(1, done())]);
    const told = nextTask(blocked, { ...release(), question: 'Which database?' }, around());
    expect(told.stage).toBe(blocked.stage);
    expect(told.exchanges).toHaveLength(1);
  });

  it.each([
    ['an answer', 'asking', { kind: 'answer', version: 1, text: 'a', actor: 'ada' }, 'understand'],
    ['a retry', 'parked', { kind: 'retry', actor: 'ada' }, 'understand'],
    ['a back-off', 'backoff', { kind: 'due' }, 'understand'],
    ['a revision', 'landing', { kind: 'returned', request: REQUEST }, 'revise'],
    ['a lost worker', 'phase', attemptEnded(1, failed('worker-lost')), 'understand'],
  ] as const)('holds up what goes on after %s', (_what, stage, event, phase) => {
    const task = after(taskIn(stage), [block(9)]);
    const blocked = nextTask(task, event, LATER);
    expect(blocked.stage).toEqual({ kind: 'blocked', phase, leadsTo: { kind: 'phase', phase } });
    expect(blocked.attempt).toBe(task.attempt);
    expect(nextTask(blocked, release(9), LATER)).toMatchObject({ attempt: task.attempt + 1, stage: { phase } });
  });

  it('holds up landing, which goes on as it would have', () => {
    const last = after(newTask(around()), [attemptEnded(1, done()), attemptEnded(2, done()), block()]);
    const blocked = nextTask(last, attemptEnded(3, done({ checkpoint: checkpointOf(3) })), around());
    expect(blocked.stage).toEqual({ kind: 'blocked', phase: 'execute', leadsTo: { kind: 'landing' } });
    expect(happened(blocked)).not.toContain('handed-off');
    expect(nextTask(blocked, release(), around()).stage).toMatchObject({ kind: 'landing' });
  });

  it('holds up an approval and a retry after the end', () => {
    const asking = after(newTask(around()), [attemptEnded(1, proposed()), block()]);
    const approved = nextTask(
      asking,
      { kind: 'approve', version: 1, text: null, items: [], ids: [], actor: 'ada' },
      around(),
    );
    expect(approved.stage.kind).toBe('blocked');
    const ended = nextTask(approved, { kind: 'cancel' }, around());
    expect(reopen(ended, around(), 'ada').stage).toMatchObject({ kind: 'blocked', phase: 'understand' });
  });

  it('holds up what is handed off anew, with the phase that its work is done in', () => {
    const task = after(taskIn('landing'), [block()]);
    const blocked = goOn(task, around(), { kind: 'landing' });
    expect(blocked.stage).toEqual({ kind: 'blocked', phase: 'execute', leadsTo: { kind: 'landing' } });
  });

  it('says so in one short line, and of a bounded number of them', () => {
    let task = nextTask(
      taskIn('phase'),
      { kind: 'block', by: taskId(2), text: `a\u202e\n${'x'.repeat(9_000)}` },
      around(),
    );
    expect(task.blockers[0]?.text).toBe('a');
    for (let count = 3; count < MAX_BLOCKERS + 5; count += 1) task = nextTask(task, block(count), around());
    expect(task.blockers).toHaveLength(MAX_BLOCKERS);
    expect(nextTask(task, block(999), around())).toBe(task);
  });
});

describe('tasks that are to be made', () => {
  const proposals = [11, 12].map((number) => ({
    id: taskId(number),
    type: 'proposal' as const,
    title: `Task ${number}`,
    body: '',
  }));

  it('come of what an agent thinks somebody should do, and are made once', () => {
    const task = nextTask(taskIn('phase'), attemptEnded(1, done({ proposals })), around());
    expect(task.toMake).toEqual(proposals);
    const made = confirmMade(task, around(), proposals.slice(0, 1));
    expect(made.toMake).toEqual(proposals.slice(1));
    expect(made.unrecorded.at(-1)?.happened).toEqual({ kind: 'proposed-tasks-made', tasks: [taskId(11)] });
  });

  it('are not forgotten while something is asked', () => {
    const task = after(newTask(around()), [attemptEnded(1, done({ proposals })), attemptEnded(2, asked())]);
    expect(task.toMake).toEqual(proposals);
    expect(task.sinceMs).toBe(NOW_MS);
  });
});
