import { describe, expect, it } from '@jest/globals';
import { GATE } from '../../src/activities/gate-start.ts';
import { INTEGRATION } from '../../src/activities/integration-start.ts';
import { TASK_QUERIES } from '../../src/activities/landing.ts';
import {
  awaitVerdictSignal,
  handOffSignal,
  itemQuery,
  stateQuery,
  TASK_QUEUES,
  verdictSignal,
  WORKFLOW_TYPES,
} from '../../src/workflows/messages.ts';

describe('what activities send to workflows', () => {
  it('has the names of the workflows’ contract', () => {
    expect(INTEGRATION).toEqual({
      type: WORKFLOW_TYPES.integration,
      taskQueue: TASK_QUEUES.tasks,
      handOff: handOffSignal.name,
    });
    expect(GATE).toEqual({
      type: WORKFLOW_TYPES.gate,
      workflows: TASK_QUEUES.tasks,
      taskQueue: TASK_QUEUES.gates,
      wait: awaitVerdictSignal.name,
      verdict: verdictSignal.name,
    });
    expect(TASK_QUERIES).toEqual({ item: itemQuery.name, state: stateQuery.name });
  });
});
