/** `tasks queue` where the server refuses to ask the queue's workflow. */

import { describe, expect, it } from '@jest/globals';
import { silenceOf } from '../../src/cli/commands/queue.ts';
import { isFailing, isNoWorker } from '../../src/cli/temporal.ts';

/** As the client has it from the server. */
function refused(details: string): Error {
  const cause = Object.assign(new Error(`9 FAILED_PRECONDITION: ${details}`), { code: 9, details, metadata: {} });
  return new Error('Failed to query Workflow', { cause });
}

describe('a query that is not answered in time', () => {
  it('tells that a worker may be gone, or busy', () => {
    const cause = Object.assign(new Error('4 DEADLINE_EXCEEDED: Deadline exceeded'), { code: 4, metadata: {} });
    expect(silenceOf('demo', new Error('Failed to query Workflow', { cause }))).toBe(
      'no worker has answered for demo in 2 s: it is gone, or busy',
    );
  });
});

describe('a query that the server refuses', () => {
  it('since nobody polls tells that no worker answers', () => {
    const error = refused('no poller seen for task queue recently, worker may be down');
    expect([isNoWorker(error), isFailing(error)]).toEqual([true, false]);
    expect(silenceOf('demo', error)).toBe('no worker answers for demo; start one with: tasks up, or tasks worker');
  });

  it('since workers cannot go on with the workflow tells that', () => {
    const error = refused('Unable to query workflow due to Workflow Task in failed state.');
    expect([isNoWorker(error), isFailing(error)]).toEqual([true, true]);
    expect(silenceOf('demo', error)).toMatch(/^the queue of demo cannot go on/);
  });
});
