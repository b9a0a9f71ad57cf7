/** Tests that were red and then green on the same tree. */

import { EXIT } from '../errors.ts';
import { requireProject } from '../known-projects.ts';
import { renderFlakes } from '../render/queue.ts';
import type { Session } from '../session.ts';
import { readProject } from './list.ts';

const MANY = 200;

/** `tasks flakes`. */
export async function flakes(
  session: Session,
  options: { readonly json?: true; readonly project?: string; readonly limit?: number },
): Promise<number> {
  const project = readProject(options.project);
  const ledger = await session.needLedger();
  const rows = await ledger.listFlakes(project, options.limit ?? MANY);
  if (rows.length === 0) await requireProject(session, project);
  if (session.json) for (const row of rows) session.printJson(row);
  else if (rows.length === 0) session.note('no test was red and then green on the same tree');
  else session.print(...renderFlakes(rows, session.screen()));
  return EXIT.ok;
}
