/** `tasks queue` where the server refuses to ask the queue's workflow. */

import { describe, expect, it } from '@jest/globals';
import { isFailing, isNoWorker } from '../../src/cli/temporal.ts';

/** As the client has it from the server. */
function refused(details: string): Error {
  const cause = Object.assign(new Error(`9 FAILED_PRECONDITION: ${details}`), { code: 9, details, metadata: {} });
  return new Error('Failed to query Workflow', { cause });
}

describe('a query that the server refuses', () => {
  it('since nobody polls tells that no worker answers', () => {
    const error = refused('no poller seen for task queue recently, worker may be down');
    expect([isNoWorker(error), isFailing(error)]).toEqual([true, false]);
  });

  it('since workers cannot go on with the workflow tells that', () => {
    const error = refused('Unable to query workflow due to Workflow Task in failed state.');
    expect([isNoWorker(error), isFailing(error)]).toEqual([true, true]);
  });
});
