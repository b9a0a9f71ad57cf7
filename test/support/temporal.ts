/** The run's Temporal server, and a namespace of a test file's own on it. */

import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { randomBytes } from 'node:crypto';
import { registerSearchAttributes, type SearchAttributes } from '../../src/local/temporal-namespace.ts';
import { eventually } from './eventually.ts';

/** A variable that the run's global set-up has set. */
function fromSetup(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: test/global-setup.ts sets it`);
  return value;
}

/** The run's Temporal program, for tests that start servers of their own. */
export function testBinary(): string {
  return fromSetup('TEST_TEMPORAL_BINARY');
}

export interface TestNamespace {
  readonly address: string;
  readonly namespace: string;
  readonly connection: Connection;
  /** Ends its workflows by deleting the namespace, and closes the connection. */
  readonly drop: () => Promise<void>;
}

/** A new namespace on the run's server, usable at once, with these search attributes. */
export async function testNamespace(searchAttributes: SearchAttributes = {}): Promise<TestNamespace> {
  const address = fromSetup('TEST_TEMPORAL_ADDRESS');
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  await eventually(`the namespace ${namespace}`, async () => {
    await connection.workflowService.describeNamespace({ namespace });
    await registerSearchAttributes(connection, namespace, searchAttributes);
    const known = (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
    // A list shows that the namespace can be used by the service that runs workflows.
    await connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1 });
    return Object.keys(searchAttributes).every((name) => name in known);
  });
  return {
    address,
    namespace,
    connection,
    drop: async () => {
      await connection.operatorService.deleteNamespace({ namespace });
      await connection.close();
    },
  };
}
