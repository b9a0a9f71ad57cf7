import { describe, expect, it } from '@jest/globals';
import { judgeReply } from '../../src/core/replies.ts';
import { judgeFrom } from '../../src/core/retry-from.ts';
import { nextTask, reopen, type Task } from '../../src/core/task.ts';
import { after, around, attemptEnded, checkpointOf, done, failed, messageOf, REQUEST, taskIn } from './rig.ts';

/** Waits after its last attempt of the execute phase. */
const parked = after(taskIn('phase'), [
  attemptEnded(1, done()),
  attemptEnded(2, done()),
  ...[3, 4, 5, 6, 7].map((attempt) => attemptEnded(attempt, failed('worker-lost'))),
]);
const judge = (task: Task, payload: unknown) => judgeReply('retry', task, payload, () => []);

describe('a retry from a phase', () => {
  it('goes on from the one that failed, or from an earlier one', () => {
    for (const phase of ['understand', 'plan', 'execute'] as const) {
      const judgement = judge(parked, { actor: 'ada', from: phase });
      if (judgement.kind === 'refuse') throw new Error(judgement.reason);
      const next = nextTask(parked, judgement.event, around());
      expect(next.stage).toEqual({ kind: 'phase', phase, attempt: 8 });
      expect(next.unrecorded.map(({ happened }) => happened)).toContainEqual({
        kind: 'retried',
        actor: 'ada',
        from: phase,
      });
    }
  });

  it('does not go on from a later one, from one that the task does not have, or from what is none', () => {
    expect(messageOf(judgeFrom(parked, 'understand', 'revise'))).toBe(
      'from: it is no further than its execute phase; go on from that or from an earlier one',
    );
    expect(messageOf(judgeFrom(parked, 'execute', 'plan'))).toBe(
      'from: this task has no plan phase; its first one is execute',
    );
    for (const from of ['deploy', 7, {}])
      expect(messageOf(judgeFrom(parked, 'understand', from))).toMatch(/is no phase/);
    expect(judge(parked, { from: 'revise' })).toMatchObject({ kind: 'refuse' });
  });

  it('forgets what people approved of the phases that are gone through again, and what landing sent back', () => {
    const documents = { understanding: 'an understanding', plan: 'a plan' };
    const from = (phase: 'understand' | 'plan' | 'execute') => {
      const task = { ...parked, documents, request: REQUEST };
      return nextTask(task, { kind: 'retry', actor: 'ada', from: phase }, around());
    };
    expect(from('execute')).toMatchObject({ documents, request: null });
    expect(from('plan').documents).toEqual({ understanding: 'an understanding', plan: null });
    expect(from('understand').documents).toEqual({ understanding: null, plan: null });
  });

  it('begins one again that has ended, from that phase, with its next attempt', () => {
    const ended = nextTask(parked, { kind: 'cancel' }, around());
    expect(reopen(ended, around(), 'ada', 'plan').stage).toEqual({ kind: 'phase', phase: 'plan', attempt: 8 });
    const landing = { ...taskIn('landing'), checkpoint: checkpointOf(3) };
    const refused = after(landing, [{ kind: 'refused', failure: { kind: 'landing-refused', message: '', next: '' } }]);
    expect(messageOf(judgeFrom(refused, 'understand', 'revise'))).toMatch(/no further than its execute phase/);
    expect(judgeFrom({ ...refused, request: REQUEST }, 'understand', 'revise')).toMatchObject({ value: 'revise' });
    expect(reopen({ ...refused, request: REQUEST }, around(), 'ada', 'revise').request).toEqual(REQUEST);
    expect(reopen(refused, around(), 'ada', 'execute').stage).toMatchObject({ kind: 'phase', phase: 'execute' });
  });
});

describe('a retry of an attempt', () => {
  it('counts while that attempt is the last one, and no more once there was another', () => {
    expect(judge(parked, { actor: 'ada', attempt: 7 })).toMatchObject({ kind: 'take' });
    const judgement = judge(parked, { actor: 'ada', attempt: 6 });
    expect(judgement).toEqual({
      kind: 'refuse',
      reason: expect.stringMatching(/^it has been retried since: attempt 7 /),
    });
  });
});
