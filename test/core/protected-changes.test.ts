/** What a task does whose work a person has to see: it changes protected paths, or has a secret in it. */

import { describe, expect, it } from '@jest/globals';
import type { ProtectedChange } from '../../src/core/protected.ts';
import { nextTask, type Surroundings, type Task } from '../../src/core/task.ts';
import type { AttemptOutcome, RevisionRequest } from '../../src/core/task-types.ts';
import { after, around, attemptEnded, checkpointOf, done, failed, proposed, REQUEST, SPEC, taskIn } from './rig.ts';
import { approval } from './reply-rig.ts';

const FREE = around({ spec: { ...SPEC, policy: { ...SPEC.policy, approve: [] } } });
const GUARDED: ProtectedChange = { paths: ['ci/check.sh', 'tasks.yaml'], digest: 'as-it-is' };
const TITLE = 'It changes what its own work is judged and confined by: ci/check.sh, tasks.yaml';

type Done = Extract<AttemptOutcome, { kind: 'done' }>;

function worked(attempt: number, change: Partial<Done> = {}): Done {
  const outcome = done({ checkpoint: checkpointOf(attempt), document: 'the diff' });
  if (outcome.kind !== 'done') throw new Error('is done');
  return { ...outcome, ...change };
}

/** In its execute phase, for which nobody is asked. */
const executing = after(taskIn('phase'), [attemptEnded(1, done()), attemptEnded(2, done())], FREE);

function ended(task: Task, outcome: AttemptOutcome, surroundings: Surroundings = FREE): Task {
  return nextTask(task, attemptEnded(task.attempt, outcome), surroundings);
}

describe('work that changes protected paths', () => {
  it('waits for a person where nobody is asked about other work, who is shown it as what it is', () => {
    expect(ended(executing, worked(3)).stage.kind).toBe('landing');
    const asking = ended(executing, worked(3, { protected: GUARDED }));
    expect(asking.stage).toMatchObject({
      kind: 'asking',
      asks: [{ proposal: { kind: 'patch', title: TITLE, body: 'the diff', protects: 'as-it-is' } }],
    });
  });

  it('lands when it was approved, and is asked about again only when it is another change', () => {
    const asking = ended(executing, worked(3, { protected: GUARDED }));
    const approved = nextTask(asking, approval(), FREE);
    expect(approved).toMatchObject({ cleared: 'as-it-is', stage: { kind: 'landing' } });
    const back = nextTask(approved, { kind: 'returned', request: REQUEST }, FREE);
    expect(ended(back, worked(4, { protected: GUARDED })).stage.kind).toBe('landing');
    const other = ended(back, worked(4, { protected: { ...GUARDED, digest: 'another' } }));
    expect(other.stage).toMatchObject({ kind: 'asking', asks: [{ proposal: { protects: 'another' } }] });
  });

  it('is asked about too where main was merged by rules, which are otherwise not decided about again', () => {
    const request: RevisionRequest = { ...REQUEST, regenerate: true };
    for (const surroundings of [FREE, around()]) {
      const task = nextTask(taskIn('landing'), { kind: 'returned', request }, surroundings);
      const outcome = worked(task.attempt, { regenerated: true });
      expect(ended(task, outcome, surroundings).stage.kind).toBe('landing');
      const guarded = ended(task, { ...outcome, protected: GUARDED }, surroundings);
      expect(guarded.stage).toMatchObject({ kind: 'asking', asks: [{ proposal: { title: TITLE } }] });
    }
  });

  it('that an agent asks to have approved by itself is cleared by that approval', () => {
    const asking = ended(executing, proposed({ kind: 'patch', protects: 'as-it-is' }));
    expect(nextTask(asking, approval(), FREE).cleared).toBe('as-it-is');
  });
});

describe('work in which a secret was found', () => {
  it('waits for a person at once, and is not tried again before', () => {
    const found = ended(executing, failed('secret-found'));
    expect(found.stage).toMatchObject({ kind: 'parked', why: 'attempts', failure: { kind: 'secret-found' } });
    expect(found.tries).toBe(0);
  });
});

it('says on its record how an attempt ran where that is worth knowing', () => {
  const notes = ['it ran without a sandbox: sandbox: off'];
  const records = ended(executing, worked(3, { notes })).unrecorded.map((event) => event.happened);
  expect(records).toContainEqual(expect.objectContaining({ kind: 'attempt-ended', attempt: 3, notes }));
  expect(records).not.toContainEqual(expect.objectContaining({ attempt: 2, notes }));
});
