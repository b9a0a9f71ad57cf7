import { describe, expect, it } from '@jest/globals';
import { GATE } from '../../src/activities/gate-start.ts';
import { INTEGRATION } from '../../src/activities/integration-start.ts';
import { TASK_QUERIES } from '../../src/activities/landing.ts';
import { QUEUES } from '../../src/activities/near.ts';
import { DETAIL_QUERY } from '../../src/activities/turn-over.ts';
import {
  agentsQueue,
  awaitVerdictSignal,
  detailQuery,
  gatesQueue,
  handOffSignal,
  hostQueue,
  itemQuery,
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
      wait: awaitVerdictSignal.name,
      verdict: verdictSignal.name,
    });
    for (const requires of [[], ['gpu', 'linux']]) {
      expect(QUEUES.agents(requires)).toBe(agentsQueue(requires));
      expect(QUEUES.host('ada', requires)).toBe(hostQueue('ada', requires));
      expect(QUEUES.gates(requires)).toBe(gatesQueue(requires));
    }
    expect(TASK_QUERIES).toEqual({ item: itemQuery.name });
    expect(DETAIL_QUERY).toBe(detailQuery.name);
  });
});
