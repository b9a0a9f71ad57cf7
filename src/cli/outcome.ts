/** How a task's workflow ended, and what is known of a task when its workflow cannot say. */

import { isGrpcCancelledError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import type { TaskId } from '../core/ids.ts';
import { isEnd, type TaskView } from '../core/task-types.ts';
import { emptyView } from '../core/task-view.ts';
import { explain, isNoAnswer, type Temporal } from './temporal.ts';

export type Outcome =
  | { readonly kind: 'ended'; readonly view: TaskView }
  | { readonly kind: 'open' }
  /** Canceled; what the workflow has to say of it, Temporal does not pass on. */
  | { readonly kind: 'canceled' }
  /** The workflow was ended from outside, without a last word of its own. */
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'unknown' };

/** Waits for the workflow's end, at most so many milliseconds. @throws Failed when Temporal does not answer */
export async function awaitOutcome(temporal: Temporal, id: TaskId, ms: number, signal: AbortSignal): Promise<Outcome> {
  try {
    const view = await temporal.limited(ms, signal, () => temporal.task(id).result() as Promise<TaskView>);
    return { kind: 'ended', view };
  } catch (error) {
    if (error instanceof WorkflowFailedError) return outcomeOfFailure(error.cause);
    if (error instanceof WorkflowNotFoundError) return { kind: 'unknown' };
    if (isCallCanceled(error)) return { kind: 'open' };
    // The long poll's own deadline: nothing has happened.
    if (isNoAnswer(error) && (await isServing(temporal))) return { kind: 'open' };
    throw explain(error, temporal.settings);
  }
}

function isCallCanceled(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at.name === 'AbortError' || isCancelled(at)) return true;
  }
  return false;
}

async function isServing(temporal: Temporal): Promise<boolean> {
  try {
    await temporal.within(2_000, () => temporal.connection.workflowService.getSystemInfo({}));
    return true;
  } catch {
    return false;
  }
}

// By a function of its own, since the library's narrows what it denies to nothing.
function isCancelled(error: Error): boolean {
  return isGrpcCancelledError(error);
}

/** A failed task leaves its view in the failure's details. */
function outcomeOfFailure(cause: Error | undefined): Outcome {
  if (cause instanceof CancelledFailure) return { kind: 'canceled' };
  if (cause instanceof ApplicationFailure) {
    const view: unknown = cause.details?.[0];
    if (isView(view)) return { kind: 'ended', view };
  }
  if (cause instanceof TerminatedFailure) return { kind: 'broken', message: 'its workflow was terminated' };
  if (cause instanceof TimeoutFailure) return { kind: 'broken', message: 'its workflow timed out' };
  return { kind: 'broken', message: cause?.message ?? 'its workflow failed' };
}

function isView(value: unknown): value is TaskView {
  return typeof value === 'object' && value !== null && 'id' in value && 'state' in value && 'sequence' in value;
}

/** The last view of a task whose workflow was ended from outside: what the ledger has, marked as failed. */
export function brokenView(id: TaskId, known: TaskView | null, message: string): TaskView {
  const view = known ?? emptyView(id);
  if (isEnd(view.state)) return view;
  const failure = {
    kind: 'engine-error',
    message,
    next: 'look at it in the Temporal Web UI, and submit the task again',
  } as const;
  return { ...view, state: 'failed', waitingFor: null, endedAt: view.endedAt ?? new Date().toISOString(), failure };
}

/** The view of a canceled task, of which no record of the end is to be had. */
export function canceledView(id: TaskId, known: TaskView | null): TaskView {
  const view = known ?? emptyView(id);
  if (isEnd(view.state)) return view;
  return { ...view, state: 'canceled', waitingFor: null, failure: null, endedAt: new Date().toISOString() };
}
