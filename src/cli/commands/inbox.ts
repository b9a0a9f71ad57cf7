/** What waits for a person, oldest first. */

import type { InboxRow } from '../../ledger/types.ts';
import { EXIT } from '../errors.ts';
import { watchInbox } from '../inbox-watch.ts';
import { requireProject } from '../known-projects.ts';
import { inboxObject, isMine, renderInbox } from '../render/inbox.ts';
import type { Session } from '../session.ts';
import { readProject } from './list.ts';

/** More than a person goes through. */
const MANY = 10_000;

export interface InboxOptions {
  readonly json?: true;
  readonly project?: string;
  readonly watch?: true;
  readonly mine?: true;
}

/** `tasks inbox`. */
export async function inbox(session: Session, options: InboxOptions): Promise<number> {
  const project = readProject(options.project);
  const person = options.mine === true ? await session.actor() : null;
  const ledger = await session.needLedger();
  const read = async (): Promise<readonly InboxRow[]> => {
    const rows = await ledger.readInbox(project, MANY);
    if (rows.length >= MANY) session.noteOnce(`tasks: there may be more than these ${MANY}, the oldest`);
    return person === null ? rows : rows.filter((row) => isMine(row, person));
  };
  if (options.watch === true) {
    if (project !== null && (await read()).length === 0) await requireProject(session, project);
    return watchInbox(session, read);
  }
  const rows = await read();
  if (rows.length === 0) await requireProject(session, project);
  if (session.json) for (const row of rows) session.printJson(inboxObject(row));
  else if (rows.length === 0) session.note('nothing waits for a person');
  else session.print(...renderInbox(rows, session.screen()));
  return EXIT.ok;
}
