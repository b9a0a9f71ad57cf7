/** What the ledger knows, for commands that go on without it. Apart from Temporal's client, which many of them need not load. */

import { LedgerUnavailable, type LedgerReader } from '../ledger/types.ts';
import type { Session } from './session.ts';

/** Something of the ledger, or null when it cannot be reached; said once a command. */
export async function tryLedger<T>(session: Session, read: (ledger: LedgerReader) => Promise<T>): Promise<T | null> {
  const ledger = await session.ledger();
  if (ledger === null) return null;
  try {
    return await read(ledger);
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    session.noteOnce(`tasks: ${error.message}`);
    return null;
  }
}
