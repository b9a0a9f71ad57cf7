/** How a command ends when it cannot do what it was asked for: one line on standard error, and the exit code. */

import { oneLine } from '../core/text.ts';
import { codeOf, messageOf } from '../core/thrown.ts';
import { LedgerUnavailable } from '../ledger/types.ts';
import { HomeError } from '../local/home.ts';

/** `timedOut` is what timeout(1) ends with, too. */
export const EXIT = { ok: 0, failed: 1, usage: 2, timedOut: 124, interrupted: 130 } as const;

/** Somebody asked wrongly: exit 2. The message is one line that names the option or key and the fix. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The request was right and did not succeed: exit 1. The message is one line with the reason and what to do. */
export class Failed extends Error {
  override readonly name = 'Failed';
}

/** What was waited for goes on, and the time that was given for waiting is over: exit 124. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

const MAX_ERROR_CHARS = 1_000;

/** What an error becomes: its exit code and its one line. */
export function explainError(error: unknown): { readonly code: number; readonly line: string } {
  const isUsage = error instanceof UsageError || (error instanceof HomeError && error.kind === 'unusable');
  const failed = error instanceof TimedOut ? EXIT.timedOut : EXIT.failed;
  return { code: isUsage ? EXIT.usage : failed, line: `tasks: ${oneLine(textOf(error), MAX_ERROR_CHARS)}` };
}

/** What an error says, with the fix where it has one. */
export function textOf(error: unknown): string {
  if (error instanceof LedgerUnavailable) return withFix(error.message);
  // What the program says by itself is whole; of anything else the cause may be the better half.
  const isOwn =
    error instanceof UsageError || error instanceof Failed || error instanceof TimedOut || error instanceof HomeError;
  if (isOwn) return error.message;
  return codeOf(error) === 'ENOSPC' ? `no space left on the disk, make room: ${messageOf(error)}` : messageOf(error);
}

/** Some reasons of the ledger's name what to do by themselves. */
function withFix(message: string): string {
  return message.includes(';') ? message : `${message}; see what runs with tasks status, or check DATABASE_URL`;
}
