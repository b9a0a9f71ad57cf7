/** The ledger for operators: reading, and the little that the command line itself writes. */

import { openDatabase } from './database.ts';
import { drainHost, undrainHost } from './hosts.ts';

export interface LedgerOperator {
  /** False when the host is drained already. */
  drainHost(host: string, actor: string): Promise<boolean>;
  /** False when the host was not drained. */
  undrainHost(host: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Connects on first use. Everything but `close` @throws LedgerUnavailable */
export function openLedgerOperator({ url }: { readonly url: string }): LedgerOperator {
  const database = openDatabase({ url, applicationName: 'tributary-cli', maxConnections: 1 });
  return {
    drainHost: (host, actor) => drainHost(database, host, actor),
    undrainHost: (host) => undrainHost(database, host),
    close: () => database.close(),
  };
}
