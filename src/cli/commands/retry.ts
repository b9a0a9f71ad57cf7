/** Goes on with a task: one that waits is told so; one that ended without landing begins again where it ended. */

import {
  QueryNotRegisteredError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { workflowIds, type TaskId } from '../../core/ids.ts';
import { carryQuery, TASK_QUEUES, WORKFLOW_TYPES, type TaskInput } from '../../workflows/messages.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import { sendMessage } from '../messages.ts';
import { noTask, resolveId } from '../resolve-id.ts';
import type { Session } from '../session.ts';
import { CALL_MS, isNoAnswer, isNoWorker, type Temporal } from '../temporal.ts';
import { describeStart } from './submit.ts';

/** `tasks retry`. */
export async function retry(session: Session, _options: unknown, args: readonly string[]): Promise<number> {
  const id = await resolveId(session, args[0] ?? '');
  const temporal = await session.temporal();
  const actor = await session.actor();
  const sent = await sendMessage(temporal, id, 'retry', { actor });
  if (sent.kind === 'closed') {
    await startAgain(temporal, id, actor);
    tell(session, id, 'restarted');
  } else tell(session, id, sent.kind === 'taken' ? 'retried' : 'queued');
  return EXIT.ok;
}

function tell(session: Session, id: TaskId, how: 'restarted' | 'retried' | 'queued'): void {
  if (session.json) return session.printJson({ id, how });
  const words = {
    restarted: 'begins again, with its next attempt',
    retried: 'goes on with its next attempt',
    queued: 'the retry is queued: no worker is running; it is taken when one is',
  };
  session.print(`${id}  ${words[how]}`);
}

/** The same workflow id again, with the state that the ended run hands on. */
async function startAgain(temporal: Temporal, id: TaskId, retriedBy: string): Promise<void> {
  const input: TaskInput = { ...(await readCarried(temporal, id)), retriedBy };
  const stage = input.carried?.task.stage;
  if (stage?.kind === 'ended' && (stage.end === 'landed' || stage.end === 'unchanged')) {
    throw new Failed(`${id}: it ended as ${stage.end}, there is nothing to retry; submit a new task`);
  }
  try {
    await temporal.within(CALL_MS, () =>
      temporal.client.workflow.start(WORKFLOW_TYPES.task, {
        workflowId: workflowIds.task(id),
        taskQueue: TASK_QUEUES.tasks,
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        args: [input],
        ...describeStart(input.spec),
      }),
    );
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      throw new Failed(`${id}: somebody else has just started it again; see it with: tasks show ${id}`);
    }
    throw error;
  }
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
