/** Asking the person at the terminal. */

import { createInterface } from 'node:readline/promises';
import type { Session } from './session.ts';

export interface Dialog {
  /** A line as it was typed; null when the person went away (Ctrl-C, the end of the input). */
  ask(prompt: string): Promise<string | null>;
  close(): void;
}

/** Whether somebody is there to ask. What is asked goes to standard error. */
export function canAsk({ io, json, isWatched }: Session): boolean {
  return io.stdin.isTTY === true && isWatched && !json;
}

/** It owns the terminal until it is closed. */
export function openDialog({ io }: Session): Dialog {
  const lines = createInterface({ input: io.stdin, output: io.stderr });
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  lines.on('SIGINT', leave);
  lines.on('close', leave);
  io.interrupt.addEventListener('abort', leave, { once: true });
  if (io.interrupt.aborted) leave();
  return {
    async ask(prompt) {
      try {
        return await lines.question(prompt, { signal: gone.signal });
      } catch (error) {
        if (!gone.signal.aborted) throw error;
        io.stderr.write('\n');
        return null;
      }
    },
    close() {
      io.interrupt.removeEventListener('abort', leave);
      lines.close();
    },
  };
}

/** Yes, no, or gone; no reply at all is a no. */
export async function confirm(session: Session, question: string): Promise<boolean> {
  const dialog = openDialog(session);
  try {
    const reply = await dialog.ask(`${question} [y/N] `);
    return reply !== null && /^\s*y(es)?\s*$/i.test(reply);
  } finally {
    dialog.close();
  }
}
