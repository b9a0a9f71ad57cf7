/** What becomes of a command whose output cannot be written: its reader has gone, its terminal, or the disk is full. */

import type { Writable } from 'node:stream';

/** A reader that went away, such as `head`, ends a command quietly, as it would any other program. */
const EXIT_BROKEN_PIPE = 141;

export interface Unwritten {
  /** Why something of it is not there, in one line; null: all that was printed was written. */
  readonly why: string | null;
  /** Does what is done for many tasks: a reader that goes away meanwhile ends the command when all of it is done. */
  readonly wholly: <T>(body: () => Promise<T>) => Promise<T>;
}

/**
 * Watches the streams for as long as the process lives. One whose stack or worker goes on is not ended by its own log; and
 * whoever was asked to end does so in order, though what read its output went by the same Ctrl-C.
 */
export function watchOutput(
  streams: readonly Writable[],
  interrupt: AbortSignal,
  exit: (code: number) => void,
): Unwritten {
  let why: string | null = null;
  let hasGone = false;
  let bodies = 0;
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (interrupt.aborted) return;
      if (error.code === 'EPIPE') {
        hasGone = true;
        if (bodies === 0) exit(EXIT_BROKEN_PIPE);
        return;
      }
      why ??= `what was printed could not be written: ${error.message}`;
    });
  }
  return {
    get why() {
      return why;
    },
    wholly: async (body) => {
      bodies += 1;
      try {
        const value = await body();
        if (hasGone && !interrupt.aborted) exit(EXIT_BROKEN_PIPE);
        return value;
      } finally {
        bodies -= 1;
      }
    },
  };
}
