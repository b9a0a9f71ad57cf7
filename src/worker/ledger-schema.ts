/** The ledger's schema, which a worker brings up to date when it starts, or as soon as the ledger is there. */

import type { Ledger } from '../ledger/ledger.ts';
import { LedgerUnavailable } from '../ledger/types.ts';

const MIGRATE_AGAIN_MS = 5_000;
/** What a migration takes, but for one of very large tables, or another worker's that is waited for. */
const PATIENCE_MS = 5_000;
const TAKES_LONG = 'its schema is being brought up to date, here or by another worker; work begins meanwhile';

export interface Pace {
  /** Between two tries. */
  readonly againMs: number;
  /** How long a worker's start waits for the first one. */
  readonly patienceMs: number;
}

/**
 * Brings the ledger's schema up to date. A ledger that is down, or that is being migrated, delays lists, never tasks: the
 * worker starts without it, and it is migrated when it is back. A schema newer than this worker ends its start; found later,
 * it is told, and the worker goes on. What it gives ends the trying.
 */
export async function keepMigrated(
  ledger: Pick<Ledger, 'migrate'>,
  log: (message: string, facts: Readonly<Record<string, unknown>>) => void,
  { againMs, patienceMs }: Pace = { againMs: MIGRATE_AGAIN_MS, patienceMs: PATIENCE_MS },
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
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const goOn = (trying: Promise<boolean>): void => {
    trying.then(
      (done) => (done ? undefined : later()),
      (error: unknown) => {
        log('ledger refused', { reason: String(error) });
        later();
      },
    );
  };
  // One try after the other: another worker may be migrating for minutes, and each that waits for it holds a connection.
  const later = (): void => {
    if (!stopped) timer = setTimeout(() => goOn(migrate()), againMs);
  };
  const first = migrate();
  const outcome = await within(first, patienceMs);
  if (outcome === null) {
    log('ledger unavailable', { reason: TAKES_LONG });
    goOn(first);
  }
  if (outcome === false) later();
  return () => {
    stopped = true;
    if (timer !== null) clearTimeout(timer);
  };
}

/** @returns null when it takes longer */
async function within(trying: Promise<boolean>, patienceMs: number): Promise<boolean | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), patienceMs);
  });
  try {
    return await Promise.race([trying, late]);
  } finally {
    clearTimeout(timer);
  }
}
