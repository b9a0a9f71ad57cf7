/** What waits for a person, oldest first. */

import { EXIT } from '../errors.ts';
import { renderInbox, replyCommand } from '../render/tasks.ts';
import type { Session } from '../session.ts';
import { readProject } from './list.ts';

/** `tasks inbox`. */
export async function inbox(
  session: Session,
  options: { readonly json?: true; readonly project?: string },
): Promise<number> {
  const project = readProject(options.project);
  const views = await (await session.needLedger()).readInbox(project);
  if (session.json) for (const view of views) session.printJson({ ...view, reply: replyCommand(view) });
  else if (views.length === 0) session.note('nothing waits for a person');
  else session.print(...renderInbox(views, session.screen()));
  return EXIT.ok;
}
