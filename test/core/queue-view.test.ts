import { describe, expect, it } from '@jest/globals';
import { queueViewOf, type Queue } from '../../src/core/queue.ts';
import { candidateOf, NOW_MS, SPEC, taskId } from './rig.ts';
import { run, enqueued, candidate, pushed, GREEN, NO_ANSWER, ONE, AT_LANDING } from './queue-rig.ts';

const TARGET = { project: SPEC.project, branch: SPEC.branch, origin: SPEC.origin };

function rows(queue: Queue) {
  return queueViewOf(queue, TARGET).rows;
}

describe('the view of a queue', () => {
  it('shows each row with its place and what it waits for', () => {
    const base = { id: taskId(1), title: 'Task 1', position: 1 };
    const now = new Date(NOW_MS).toISOString();
    const { main, tree } = candidateOf(5);
    expect(rows(ONE)).toEqual([
      { ...base, state: 'building', base: null, tree: null, verdict: null, waitingFor: null, since: now },
    ]);
    expect(rows(run(ONE, candidate(5)))[0]).toMatchObject({ state: 'gating', base: main, tree, verdict: null });
    expect(rows(run(ONE, enqueued(2, 1), candidate(5), GREEN))).toMatchObject([
      { state: 'landing', verdict: 'green' },
      { position: 2, state: 'queued', since: new Date(NOW_MS - 5_000).toISOString() },
    ]);
    expect(rows(run(AT_LANDING, NO_ANSWER))[0]).toMatchObject({
      state: 'held',
      waitingFor: 'no answer to the push',
      since: now,
    });
  });

  it('says why it has stopped', () => {
    const view = queueViewOf(run(AT_LANDING, pushed({ kind: 'mismatch', text: 'another tree' })), TARGET);
    expect(view).toMatchObject({
      ...TARGET,
      landed: 0,
      stopped: 'another tree',
      rows: [{ waitingFor: 'another tree' }],
    });
    expect(queueViewOf(ONE, TARGET).stopped).toBeNull();
  });

  it('shows an item that nobody has taken up yet as queued', () => {
    expect(queueViewOf({ ...ONE, step: { kind: 'idle' } }, TARGET).rows[0]?.state).toBe('queued');
  });
});
