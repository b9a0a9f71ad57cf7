/** How a gate run is, asked of a Temporal that may fall silent. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { randomBytes } from 'node:crypto';
import { askAfterGate, startGate } from '../../src/activities/gate-start.ts';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { gateKey } from '../../src/core/queue-keys.ts';
import type { Run } from '../../src/core/queue.ts';
import type { Candidate, Target } from '../../src/core/queue-types.ts';
import { closeWorkflow } from '../support/closed-workflow.ts';
import { Line } from '../support/silent-line.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';

const project = 'shop' as Target['project'];
const target = { project, branch: 'main', origin: '/nowhere' } as Target;

const onRequired = (): void => undefined;

function candidateOf(): Candidate {
  const tree = randomBytes(20).toString('hex');
  return { commit: tree, tree, gate: { hash: 'abc' } } as unknown as Candidate;
}

describe('how a gate run is', () => {
  let temporal: TestNamespace;
  let direct: Client;
  const opened: { close(): unknown }[] = [];

  beforeAll(async () => {
    temporal = await testNamespace();
    direct = new Client({ connection: temporal.connection, namespace: temporal.namespace });
  });
  afterAll(() => temporal.drop());
  afterEach(async () => {
    for (const each of opened.splice(0).toReversed()) await each.close();
  });

  /** A client whose line falls silent when it is told, or once it has heard how a run is. */
  const clientOn = async (
    silentAfter: 'nothing' | 'describe',
  ): Promise<{ readonly client: Client; readonly line: Line }> => {
    const line = new Line(temporal.address);
    const connection = await Connection.connect({ address: await line.open() });
    opened.push(line, connection);
    const client = new Client({
      connection,
      namespace: temporal.namespace,
      interceptors: {
        workflow: [
          {
            async describe(input, next) {
              const described = await next(input);
              if (silentAfter === 'describe') line.fallSilent();
              return described;
            },
          },
        ],
      },
    });
    return { client, line };
  };

  const begun = async (candidate: Candidate): Promise<Run> => {
    const workflowId = workflowIds.gate(project, gateKey(candidate));
    const taskQueue = `queue-${candidate.tree}`;
    const handle = await direct.workflow.start('gate', { workflowId, taskQueue });
    return { key: gateKey(candidate), state: 'running', runId: handle.firstExecutionRunId, sinceMs: 0 };
  };
  const endOf = (run: Run): Promise<unknown> =>
    direct.workflow.getHandle(workflowIds.gate(project, run.key)).terminate('for the test');

  it('is that it goes on, that it has ended with no verdict, or that it is gone', async () => {
    const run = await begun(candidateOf());
    const suspect = { ...run, state: 'suspect' } as const;
    expect(await askAfterGate(direct, target, run)).toEqual({ kind: 'running', runId: run.runId, suspect: false });
    expect(await askAfterGate(direct, target, suspect)).toEqual({ kind: 'running', runId: run.runId, suspect: true });
    await endOf(run);
    const ended = { kind: 'ended', verdict: { kind: 'none', reason: 'for the test' } };
    expect(await askAfterGate(direct, target, run)).toEqual(ended);
    const other = { ...run, key: gateKey(candidateOf()) };
    expect(await askAfterGate(direct, target, other)).toMatchObject({ kind: 'ended', verdict: { kind: 'none' } });
  });

  it('is that it goes on while nobody answers', async () => {
    const run = await begun(candidateOf());
    await endOf(run);
    const { client, line } = await clientOn('nothing');
    line.fallSilent();
    expect(await askAfterGate(client, target, run)).toEqual({ kind: 'running', runId: run.runId, suspect: false });
  });

  it('is that it goes on while its verdict is not to be had', async () => {
    const run = await begun(candidateOf());
    await endOf(run);
    const { client } = await clientOn('describe');
    expect(await askAfterGate(client, target, run)).toEqual({ kind: 'running', runId: run.runId, suspect: false });
  });

  it('is that a green one is green, without another run, and that it goes on while that is not to be had', async () => {
    const candidate = candidateOf();
    const { runId } = await begun(candidate);
    const green = { kind: 'green', durationMs: 1 };
    await closeWorkflow(temporal, candidate.tree as unknown as TaskId, green);
    const request = { target, item: null, candidate, below: [], waiter: 'nobody', again: false };
    expect(await startGate({ client: direct, onRequired }, request)).toEqual({ kind: 'ended', verdict: green });
    const { client } = await clientOn('describe');
    expect(await startGate({ client, onRequired }, request)).toEqual({ kind: 'running', runId, suspect: false });
  });
});
