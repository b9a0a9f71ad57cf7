import { describe, expect, it } from '@jest/globals';
import { INTEGRATION } from '../../src/activities/integration-start.ts';
import { handOffSignal, TASK_QUEUES, WORKFLOW_TYPES } from '../../src/workflows/messages.ts';

describe('the hand-off to the integration workflow', () => {
  it('uses the names that the workflows’ contract has', () => {
    expect(INTEGRATION).toEqual({
      type: WORKFLOW_TYPES.integration,
      taskQueue: TASK_QUEUES.tasks,
      handOff: handOffSignal.name,
    });
  });
});
