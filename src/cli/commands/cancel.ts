/** Asks tasks to stop for good. */

import { WorkflowNotFoundError } from '@temporalio/client';
import { EXIT, UsageError } from '../errors.ts';
import { forMany } from '../for-many.ts';
import { requireKnown } from '../known.ts';
import { noTask, resolveIds } from '../resolve-id.ts';
import type { Session } from '../session.ts';
import { CALL_MS } from '../temporal.ts';
import type { TaskId } from '../../core/ids.ts';

const AT_ONCE = 8;

/** `tasks cancel`: exit 1 when one of them had ended already, or is not there. */
export async function cancel(session: Session, _options: unknown, args: readonly string[]): Promise<number> {
  const ids = await resolveIds(session, args);
  const taken = await forMany(session, ids, AT_ONCE, (id) =>
    cancelOne(session, id).catch((error: unknown) => {
      // What nobody knows says nothing of the others.
      if (ids.length === 1 || !(error instanceof UsageError)) throw error;
      session.note(`tasks: ${error.message}`);
      return false;
    }),
  );
  return taken.every(Boolean) ? EXIT.ok : EXIT.failed;
}

async function cancelOne(session: Session, id: TaskId): Promise<boolean> {
  const temporal = await session.temporal();
  try {
    // A request to a closed workflow is taken in silence, so its state is asked first.
    const { status } = await temporal.within(CALL_MS, () => temporal.task(id).describe());
    if (status.name !== 'RUNNING') {
      const { state } = await requireKnown(session, id);
      if (session.json) session.printJson({ id, cancelRequested: false, state });
      session.note(`tasks: ${id} has ended already (${state}); there is nothing to cancel`);
      return false;
    }
    await temporal.within(CALL_MS, () => temporal.task(id).cancel());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new UsageError(noTask(id));
    throw error;
  }
  if (session.json) session.printJson({ id, cancelRequested: true });
  else session.print(`${id}  is asked to stop; see it end with: tasks wait ${id}`);
  return true;
}
