/** The titles of a queue's tasks: of those that are not near the front the queue carries none, and the ledger has them. */

import type { QueueView } from '../core/queue-types.ts';
import type { Session } from './session.ts';
import { tryLedger } from './try-ledger.ts';

/** The view with the titles that the ledger knows; without the ledger it is as it was. */
export async function withTitles(session: Session, view: QueueView): Promise<QueueView> {
  const untitled = view.rows.filter(({ title }) => title === null).map(({ id }) => id);
  if (untitled.length === 0) return view;
  const tasks = await tryLedger(session, (ledger) => ledger.readTasks(untitled));
  const titles = new Map(tasks?.map(({ id, title }) => [id, title]));
  return { ...view, rows: view.rows.map((row) => ({ ...row, title: row.title ?? titles.get(row.id) ?? null })) };
}
