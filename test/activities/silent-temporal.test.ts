/** What activities tell a Temporal that has fallen silent: each fails in time, and can be tried again. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { dropGate, startGate } from '../../src/activities/gate-start.ts';
import { integrationStart } from '../../src/activities/integration-start.ts';
import { senderOf } from '../../src/activities/sender.ts';
import { candidateOf, itemOf, SPEC } from '../core/rig.ts';
import { Line } from '../support/silent-line.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';

const target = { project: SPEC.project, branch: SPEC.branch, origin: SPEC.origin };

/** More than any call is given. */
const PATIENCE_MS = 15_000;

const run = { key: 'tree/gate', state: 'running', runId: 'run', sinceMs: 0 } as const;
const gate = { target, item: null, candidate: candidateOf(1), below: [], waiter: 'nobody', again: false };

const inTime = (call: Promise<unknown>) => Promise.race([call, pause(1, 'it waits still', { ref: false })]);

describe('while Temporal is silent', () => {
  const givenUp: string[] = [];
  let temporal: TestNamespace;
  let connection: Connection;
  let line: Line;
  /** All at once: each takes the time that it has. */
  let calls: Readonly<Record<'handOff' | 'startGate' | 'dropGate' | 'senderOf', Promise<unknown>>>;

  beforeAll(async () => {
    temporal = await testNamespace();
    line = new Line(temporal.address);
    connection = await Connection.connect({ address: await line.open() });
    const client = new Client({ connection, namespace: temporal.namespace });
    line.fallSilent();
    calls = {
      handOff: integrationStart(client, target, itemOf(1, 1)),
      startGate: startGate({ client, onRequired: () => undefined }, gate),
      dropGate: dropGate(client, { giveUp: (runId) => givenUp.push(runId) }, target, run),
      senderOf: senderOf(client, { workflowId: 'task/1', runId: 'run', signal: 'answer', number: 1 }),
    };
    await Promise.race([Promise.allSettled(Object.values(calls)), pause(PATIENCE_MS, undefined, { ref: false })]);
  });

  afterAll(async () => {
    await connection.close();
    line.close();
    await temporal.drop();
  });

  it('a hand-off fails in time', async () => {
    await expect(inTime(calls.handOff)).rejects.toThrow('Failed to signalWithStart Workflow');
  });

  it('a gate run that is to begin fails in time', async () => {
    await expect(inTime(calls.startGate)).rejects.toThrow('Failed to signalWithStart Workflow');
  });

  it('a gate run that is to be given up fails in time, and goes on, since its workflow does not know of it', async () => {
    await expect(inTime(calls.dropGate)).rejects.toThrow('Failed to cancel workflow');
    expect(givenUp).toEqual([]);
  });

  it('who sent a signal is not known in time', async () => {
    await expect(inTime(calls.senderOf)).rejects.toThrow('DEADLINE_EXCEEDED');
  });
});
