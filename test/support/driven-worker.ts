/** A real worker with the real workflows on a namespace of its own, whose activities a test drives: for those that fail, or take long. */

import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../src/workflows/messages.ts';
import { testNamespace } from './temporal.ts';
import { workflowBundle } from './workflow-bundle.ts';

export interface DrivenWorker {
  readonly client: Client;
  readonly stop: () => Promise<void>;
}

export async function drivenWorker(
  activities: NonNullable<WorkerOptions['activities']>,
  workflows: Promise<{ readonly code: string }> = workflowBundle(),
): Promise<DrivenWorker> {
  if (Runtime._instance === undefined) Runtime.install({ logger: new DefaultLogger('ERROR') });
  const given = await testNamespace(Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, 'Keyword'])));
  const { address, namespace } = given;
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUES.tasks,
    workflowBundle: await workflows,
    activities,
  });
  const working = worker.run();
  return {
    client: new Client({ connection: given.connection, namespace }),
    stop: async () => {
      worker.shutdown();
      await working;
      await connection.close();
      await given.drop();
    },
  };
}
