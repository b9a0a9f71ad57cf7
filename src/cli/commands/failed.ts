/** Tasks that failed, from the ledger: what waits for a retry, and what has ended. */

import { deadLetterOf } from '../../core/dead-letters.ts';
import { EXIT } from '../errors.ts';
import { requireProject } from '../known-projects.ts';
import { renderFailed } from '../render/failed.ts';
import type { Session } from '../session.ts';
import { readProject } from './list.ts';

const MANY = 1_000;

/** `tasks failed`. */
export async function failed(
  session: Session,
  options: { readonly json?: true; readonly project?: string; readonly limit?: number },
): Promise<number> {
  const project = readProject(options.project);
  const limit = options.limit ?? MANY;
  const ledger = await session.needLedger();
  const views = await ledger.listFailed(project, limit);
  if (views.length === 0) await requireProject(session, project);
  if (session.json) for (const { id, ...view } of views) session.printJson({ id, dead: deadLetterOf(view), ...view });
  else if (views.length === 0) session.note('no task has failed');
  else {
    session.print(...renderFailed(views, session.screen()));
    session.note('look closer with tasks show ID; go on with tasks retry ID, or tasks retry --all-failed');
  }
  if (views.length === limit) session.note(`these are the latest ${limit}; give another --limit for more`);
  return EXIT.ok;
}
