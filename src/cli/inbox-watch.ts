/** The inbox as it changes: redrawn in place on a terminal, elsewhere what is new, as lines. Until it is interrupted. */

import { LedgerUnavailable, type InboxRow } from '../ledger/types.ts';
import { EXIT } from './errors.ts';
import { rowsOf } from './io.ts';
import { nextLook } from './next-look.ts';
import { inboxObject, renderInbox, renderRow, waitKey } from './render/inbox.ts';
import { fit } from './render/table.ts';
import type { Session } from './session.ts';

/** `tasks inbox --watch`: a ledger that goes away is waited for. */
export async function watchInbox(session: Session, read: () => Promise<readonly InboxRow[]>): Promise<number> {
  const { io } = session;
  const isLive = session.redraws(io.stdout) && !session.json;
  const show = isLive ? redrawing(session) : telling(session);
  while (!io.interrupt.aborted) {
    const begunMs = performance.now();
    try {
      show(await read());
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      session.noteOnce(`tasks: ${error.message}; waiting for it`);
    }
    await nextLook(performance.now() - begunMs, io.interrupt);
  }
  return EXIT.ok;
}

function redrawing(session: Session): (rows: readonly InboxRow[]) => void {
  const { stdout } = session.io;
  let drawn = 0;
  return (rows) => {
    const screen = session.screen();
    const columns = (screen.columns ?? 80) - 1;
    const room = Math.max(3, rowsOf(stdout) - 2);
    const all = rows.length === 0 ? ['nothing waits for a person'] : renderInbox(rows, screen);
    const lines = all.length <= room ? all : [...all.slice(0, room - 1), '… more: tasks inbox'];
    const up = drawn === 0 ? '' : `\u001b[${drawn}A\r`;
    stdout.write(`${up}\u001b[J${lines.map((line) => `${fit(line, columns)}\n`).join('')}`);
    drawn = lines.length;
  };
}

function telling(session: Session): (rows: readonly InboxRow[]) => void {
  let told = new Set<string>();
  return (rows) => {
    for (const row of rows) {
      if (told.has(waitKey(row))) continue;
      if (session.json) session.printJson(inboxObject(row));
      else session.print(...renderRow(row, session.screen()));
    }
    // What is over is forgotten, so that this grows with the inbox alone.
    told = new Set(rows.map(waitKey));
  };
}
