/** The tasks that questions hold up, found before any question is made. */

import type { TaskId } from '../core/ids.ts';
import { isEnd } from '../core/task-types.ts';
import { mapBounded } from './bounded.ts';
import { UsageError } from './errors.ts';
import { requireKnown } from './known.ts';
import { resolveId } from './resolve-id.ts';
import type { Session } from './session.ts';
import type { Submission } from './submission.ts';

const AT_ONCE = 8;

/** Each by what was typed for it. @throws UsageError when one is not known, or has ended: nothing waits there any more */
export async function findBlocked(
  session: Session,
  submissions: readonly Pick<Submission, 'blocks'>[],
): Promise<ReadonlyMap<string, TaskId>> {
  const texts = [...new Set(submissions.flatMap(({ blocks }) => (blocks === null ? [] : [blocks])))];
  const ids = await mapBounded(texts, AT_ONCE, async (text): Promise<readonly [string, TaskId]> => {
    try {
      const id = await resolveId(session, text);
      const { state } = await requireKnown(session, id);
      if (isEnd(state)) throw new UsageError(`${id} has ended (${state}), nothing waits there; leave it out`);
      return [text, id];
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(`blocks: ${error.message}`) : error;
    }
  });
  return new Map(ids);
}
