import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '@temporalio/client';
import { senderOf } from '../../src/activities/sender.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';

describe('who sent a signal', () => {
  let server: TestNamespace;
  let runId: string;

  const clientOf = (identity: string): Client =>
    new Client({ connection: server.connection, namespace: server.namespace, identity });
  const sender = (signal: string, number: number): Promise<string | null> =>
    senderOf(clientOf('worker'), { workflowId: 'task/one', runId, signal, number });

  beforeAll(async () => {
    server = await testNamespace();
    // Nobody works on it: its history has the signals alone.
    const started = await clientOf('starter').workflow.start('task', { workflowId: 'task/one', taskQueue: 'nobody' });
    runId = started.firstExecutionRunId;
    for (const [identity, signal] of [
      ['ada', 'answer'],
      ['bo', 'approve'],
      ['bo', 'answer'],
    ] as const) {
      await clientOf(identity).workflow.getHandle('task/one').signal(signal, 'x');
    }
    const noise = clientOf('noise').workflow.getHandle('task/one');
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => noise.signal('comment', 'x')));
    }
    await clientOf('cem').workflow.getHandle('task/one').signal('answer', 'x');
  });

  afterAll(async () => {
    await server.drop();
  });

  it('is the identity in its event, counted by its name', async () => {
    expect(await sender('answer', 1)).toBe('ada');
    expect(await sender('approve', 1)).toBe('bo');
    expect(await sender('answer', 2)).toBe('bo');
  });

  it('is found behind hundreds of others', async () => {
    expect(await sender('answer', 3)).toBe('cem');
    expect(await sender('comment', 600)).toBe('noise');
  });

  it('is nobody when there was no such signal', async () => {
    expect(await sender('answer', 4)).toBeNull();
    expect(await sender('reject', 1)).toBeNull();
  });
});
