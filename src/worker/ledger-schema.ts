/** The ledger's schema, which a worker brings up to date when it starts, or as soon as the ledger is there. */

import type { Ledger } from '../ledger/ledger.ts';
import { LedgerUnavailable } from '../ledger/types.ts';

const MIGRATE_AGAIN_MS = 5_000;

/**
 * Brings the ledger's schema up to date. A ledger that is down delays lists, never tasks: the worker starts without it
 * and migrates when it is back. A schema newer than this worker is refused. What it gives ends the trying.
 */
export async function keepMigrated(
  ledger: Pick<Ledger, 'migrate'>,
  log: (message: string, facts: Readonly<Record<string, unknown>>) => void,
  againMs = MIGRATE_AGAIN_MS,
): Promise<() => void> {
  const migrate = async (): Promise<boolean> => {
    try {
      const result = await ledger.migrate();
      if (result.kind === 'refused') throw new Error(result.message);
      log('ledger ready', { version: result.version });
      return true;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      log('ledger unavailable', { reason: error.message });
      return false;
    }
  };
  if (await migrate()) return () => undefined;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  // One try after the other: another worker may be migrating for minutes, and each that waits for it holds a connection.
  const later = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      migrate().then(
        (done) => (done ? undefined : later()),
        (error: unknown) => {
          log('ledger refused', { reason: String(error) });
          later();
        },
      );
    }, againMs);
  };
  later();
  return () => {
    stopped = true;
    if (timer !== null) clearTimeout(timer);
  };
}
