/**
 * Gate runs as workflows: one for each tree and gate, whoever asks, and never again once it was green.
 *
 * Signal-with-start and the policies exist on the client alone. A run that was red or was lost may be followed by
 * another; of one that is on its way, whoever starts it again becomes one more who waits.
 */

import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/activity';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { workflowIds } from '../core/ids.ts';
import { labelKey } from '../core/labels.ts';
import { gateKey } from '../core/queue-keys.ts';
import type { Run } from '../core/queue.ts';
import type { GateVerdict, RunState, Target } from '../core/queue-types.ts';
import { messageOf } from '../core/thrown.ts';
import type { GateRuns } from './gate-runs.ts';
import type { GateRequest, StartGateRequest } from './types.ts';

// Spelled out, since activities may not import workflows; test/activities compares them with workflows/messages.ts.
export const GATE = {
  type: 'gate',
  workflows: 'tasks',
  wait: 'await-verdict',
  verdict: 'verdict',
} as const;

/** By which workers find the sets of labels that are required. */
const REQUIRES = defineSearchAttributeKey('Requires', 'KEYWORD');
const TELL_MS = 3_000;
/** To begin a run, and to give one up: both may be done twice, and are tried again. */
const CALL_MS = 10_000;
/** For how a run is, and for its verdict: whoever asks looks again within a minute. */
const ASK_MS = 5_000;
const GONE: GateVerdict = { kind: 'none', reason: 'the gate run is gone' };

export interface GateStarting {
  readonly client: Client;
  /** Told of the labels that a gate requires, which this worker may have. */
  readonly onRequired: (requires: readonly string[]) => void;
}

export async function startGate({ client, onRequired }: GateStarting, request: StartGateRequest): Promise<RunState> {
  const { again, ...asked } = request;
  const { requires = [] } = request.candidate.gate;
  onRequired(requires);
  const { target, item, candidate } = asked;
  const workflowId = workflowIds.gate(target.project, gateKey(candidate));
  const what = item === null ? `${target.branch} itself` : item.title;
  try {
    const start = () =>
      client.workflow.signalWithStart(GATE.type, {
        workflowId,
        taskQueue: GATE.workflows,
        args: [asked],
        signal: GATE.wait,
        signalArgs: [{ waiter: asked.waiter }],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
        staticSummary: `Gate on ${what}`,
        ...(requires.length === 0
          ? {}
          : { typedSearchAttributes: new TypedSearchAttributes([{ key: REQUIRES, value: labelKey(requires) }]) }),
        staticDetails: `Tree ${candidate.tree}, candidate ${candidate.commit}`,
      });
    const handle = await client.withDeadline(Date.now() + CALL_MS, start);
    return { kind: 'running', runId: handle.signaledRunId, suspect: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return stateOf(client, workflowId, { runId: null, suspect: false });
  }
}

/** How a gate run is; one that cannot be asked after now is taken to go on. */
export function askAfterGate(client: Client, target: Target, { key, runId, state }: Run): Promise<RunState> {
  return stateOf(client, workflowIds.gate(target.project, key), { runId, suspect: state === 'suspect' });
}

/** @param runId null: whichever is the last */
async function stateOf(
  client: Client,
  workflowId: string,
  { runId, suspect }: { readonly runId: string | null; readonly suspect: boolean },
): Promise<RunState> {
  let asked = runId ?? '';
  try {
    return await client.withDeadline(Date.now() + ASK_MS, async () => {
      const seen = await client.workflow.getHandle(workflowId, runId ?? undefined).describe();
      asked = seen.runId;
      if (seen.status.name === 'RUNNING') return { kind: 'running', runId: asked, suspect };
      return { kind: 'ended', verdict: await resultOf(client, workflowId, asked) };
    });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'ended', verdict: GONE };
    return { kind: 'running', runId: asked, suspect };
  }
}

export async function dropGate(
  client: Client,
  runs: Pick<GateRuns, 'giveUp'>,
  target: Target,
  { key, runId }: Run,
): Promise<void> {
  const handle = client.workflow.getHandle(workflowIds.gate(target.project, key), runId ?? undefined);
  try {
    await client.withDeadline(Date.now() + CALL_MS, () => handle.cancel());
    if (runId !== null) runs.giveUp(runId);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** Tells the workflow that waits; false when it could not be. */
export async function tellState(
  client: Client,
  request: Pick<GateRequest, 'waiter' | 'candidate'>,
  state: RunState,
): Promise<boolean> {
  try {
    await client.connection.withDeadline(Date.now() + TELL_MS, () =>
      client.workflow.getHandle(request.waiter).signal(GATE.verdict, { key: gateKey(request.candidate), state }),
    );
    return true;
  } catch {
    // Whoever waits asks after it.
    return false;
  }
}

async function resultOf(client: Client, workflowId: string, runId: string): Promise<GateVerdict> {
  try {
    return (await client.workflow.result(workflowId, runId)) as GateVerdict;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const [verdict] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
    return isVerdict(verdict) ? verdict : { kind: 'none', reason: messageOf(cause ?? error) };
  }
}

function isVerdict(value: unknown): value is GateVerdict {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}
