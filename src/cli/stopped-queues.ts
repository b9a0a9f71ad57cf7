/** Why tasks in line do not land while their queue has stopped, as it says itself: they hear it only some time later. */

import { workflowIds } from '../core/ids.ts';
import { isUntold, queuesToAsk, withStops, type QueueName } from '../core/queue-stop.ts';
import type { QueueView } from '../core/queue-types.ts';
import type { TaskView } from '../core/task-types.ts';
import { queueQuery } from '../workflows/messages.ts';
import { mapBounded } from './bounded.ts';
import type { Session } from './session.ts';

/** For all of them: what they cannot say by then is left out. */
const QUERY_MS = 1_500;
const MAX_QUEUES = 16;

/** One task, whose queue is asked once if it is in line and says nothing. */
export async function tellStop(session: Session, view: TaskView): Promise<TaskView> {
  if (!isUntold(view)) return view;
  const [told = view] = withStops([view], await ask(session, [view]));
  return told;
}

/**
 * Many tasks. A queue is asked once, and only when it seems to have stopped, by what other tasks of it are told: one that lands is left
 * in peace by lists (docs/adr/0014-queries-are-asked-at-rest.md).
 */
export async function tellStops(session: Session, views: readonly TaskView[]): Promise<readonly TaskView[]> {
  const names = queuesToAsk(views).slice(0, MAX_QUEUES);
  return names.length === 0 ? views : withStops(views, await ask(session, names));
}

async function ask(session: Session, names: readonly QueueName[]): Promise<readonly QueueView[]> {
  // No queue, no worker, no server, or none that is known: the tasks are shown as they are in the ledger.
  const temporal = await session.temporal().catch(() => null);
  if (temporal === null) return [];
  const answers = await mapBounded(names, MAX_QUEUES, ({ project, branch }) => {
    const handle = temporal.client.workflow.getHandle(workflowIds.integration(project, branch));
    return temporal.limited(QUERY_MS, null, () => handle.query(queueQuery)).catch(() => null);
  });
  return answers.filter((answer) => answer !== null);
}
