/** How a command ends when it cannot do what it was asked for: one line on standard error, and the exit code. */

import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Somebody asked wrongly: exit 2. The message is one line that names the option or key and the fix. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The request was right and did not succeed: exit 1. The message is one line with the reason and what to do. */
export class Failed extends Error {
  override readonly name = 'Failed';
}

const MAX_ERROR_CHARS = 1_000;

/** What an error becomes: its exit code and its one line. */
export function explainError(error: unknown): { readonly code: number; readonly line: string } {
  const code = error instanceof UsageError ? EXIT.usage : EXIT.failed;
  // What the program says by itself is whole; of anything else the cause may be the better half.
  const isOwn = error instanceof UsageError || error instanceof Failed;
  return { code, line: `tasks: ${oneLine(isOwn ? error.message : messageOf(error), MAX_ERROR_CHARS)}` };
}
