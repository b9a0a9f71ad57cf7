/** How this worker writes payloads, failures and workflows' results down, and reads them. */

import { readFile } from 'node:fs/promises';
import type { WorkerOptions } from '@temporalio/worker';
import type { EncryptionCodec } from '../codec/encryption-codec.ts';
import { ENCODED_FAILURES_MARK } from '../workflows/failure-converter.ts';

export interface PayloadOptions {
  readonly codec: EncryptionCodec;
  /** The built module that encodes the messages of failures, taken where the codec encrypts. */
  readonly failureConverter: string;
}

type DataConverter = NonNullable<WorkerOptions['dataConverter']>;
export type Workflows = { readonly codePath: string } | { readonly code: string };

/** For clients, which write no failures. */
export function clientConverter({ codec }: PayloadOptions): DataConverter {
  return { payloadCodecs: [codec] };
}

export function workerConverter({ codec, failureConverter }: PayloadOptions): DataConverter {
  return { payloadCodecs: [codec], ...(codec.encrypts ? { failureConverterPath: failureConverter } : {}) };
}

/** The workflows' bundle, marked where its failures are to be encoded. */
export async function workflowsFor({ codec }: PayloadOptions, workflows: Workflows): Promise<Workflows> {
  if (!codec.encrypts) return workflows;
  const code = 'code' in workflows ? workflows.code : await readFile(workflows.codePath, 'utf8');
  return { code: `${ENCODED_FAILURES_MARK}${code}` };
}
