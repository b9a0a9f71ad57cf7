/** Retries one task: one that waits is told so; one that ended without landing begins again where it ended. */

import {
  QueryNotRegisteredError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { TaskId } from '../core/ids.ts';
import { judgeFrom } from '../core/retry-from.ts';
import { firstPhase } from '../core/task.ts';
import { isEnd, type Phase } from '../core/task-types.ts';
import { carryQuery, detailQuery, type TaskInput } from '../workflows/messages.ts';
import { startTask } from './start-task.ts';
import { Failed, UsageError } from './errors.ts';
import { sendMessage } from './messages.ts';
import { noTask } from './resolve-id.ts';
import { CALL_MS, isNoAnswer, isNoWorker, type Temporal } from './temporal.ts';

export interface RetryRequest {
  readonly actor: string;
  /** From an earlier phase than the one that failed; null: from that one. */
  readonly from: Phase | null;
  /** The last attempt when it was chosen to be retried: refused when there has been another since. Null: whichever. */
  readonly attempt: number | null;
}

export type Retried = 'restarted' | 'retried' | 'queued';

/** @throws Failed with the reason why there is nothing to retry, UsageError when nobody knows the task */
export async function retryTask(temporal: Temporal, id: TaskId, request: RetryRequest): Promise<Retried> {
  const { actor, from, attempt } = request;
  const message = { actor, ...(from === null ? {} : { from }), ...(attempt === null ? {} : { attempt }) };
  const sent = await sendMessage(temporal, id, 'retry', message).catch(async (error: unknown) => {
    throw (await stillClosing(temporal, id)) ?? error;
  });
  if (sent.kind !== 'closed') return sent.kind === 'taken' ? 'retried' : 'queued';
  await startAgain(temporal, id, request);
  return 'restarted';
}

/** What one is told that has ended, and whose workflow has yet to tell the ledger so before it closes; null: it is another reason. */
async function stillClosing(temporal: Temporal, id: TaskId): Promise<Failed | null> {
  try {
    const { view } = await temporal.within(CALL_MS, () => temporal.task(id).query(detailQuery));
    if (!isEnd(view.state) || view.state === 'landed' || view.state === 'unchanged') return null;
    const when = 'its workflow closes when the ledger knows of it: retry it then, once tasks doctor finds the ledger';
    return new Failed(`${id}: it has ended (${view.state}), and ${when}`);
  } catch {
    // Nobody says how it is: the reason that there was is all that is known.
    return null;
  }
}

/** The same workflow id again, with the state that the ended run hands on. */
async function startAgain(temporal: Temporal, id: TaskId, request: RetryRequest): Promise<void> {
  const read = await readCarried(temporal, id);
  checkCarried(id, read, request);
  const { actor, from } = request;
  const input: TaskInput = { ...read, retriedBy: actor, ...(from === null ? {} : { retriedFrom: from }) };
  try {
    await temporal.within(CALL_MS, () => startTask(temporal.client, input, 'ALLOW_DUPLICATE'));
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      throw new Failed(`${id}: somebody else has just started it again; see it with: tasks show ${id}`);
    }
    throw error;
  }
}

/** @throws Failed when it is not to begin again, or not there */
function checkCarried(id: TaskId, { spec, carried }: TaskInput, { from, attempt }: RetryRequest): void {
  const task = carried?.task;
  if (task?.stage.kind !== 'ended') {
    // Its workflow was ended from outside, and all that it had is swept.
    if (from === null || from === firstPhase(spec)) return;
    throw new Failed(`${id}: its workflow was ended from outside, so it begins anew; leave --from out`);
  }
  const { end } = task.stage;
  if (end === 'landed' || end === 'unchanged') {
    throw new Failed(`${id}: it ended as ${end}, there is nothing to retry; submit a new task`);
  }
  if (attempt !== null && attempt !== task.attempt) {
    throw new Failed(`${id}: it has been retried since: attempt ${task.attempt} is its last one`);
  }
  const judged = judgeFrom(task, firstPhase(spec), from);
  if (judged.kind === 'invalid') throw new Failed(`${id}: ${judged.message}`);
}

async function readCarried(temporal: Temporal, id: TaskId): Promise<TaskInput> {
  try {
    return await temporal.connection.withDeadline(Date.now() + CALL_MS, () => temporal.task(id).query(carryQuery));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new UsageError(noTask(id));
    if (error instanceof QueryNotRegisteredError || isNoWorker(error) || isNoAnswer(error)) {
      throw new Failed(`${id}: no worker is running to say where it ended; start one with tasks up, then retry`);
    }
    throw error;
  }
}
