/** The machines that run workers, and which of them take no more work. */

import { findHost, hostsOf, type HostView } from '../../core/hosts.ts';
import type { LedgerOperator } from '../../ledger/operator.ts';
import { EXIT, UsageError } from '../errors.ts';
import { renderHosts } from '../render/hosts.ts';
import type { Session } from '../session.ts';
import { missingLabels } from '../waiting-hosts.ts';

/** `tasks hosts`. */
export async function hosts(session: Session): Promise<number> {
  const known = await readHosts(session);
  if (session.json) for (const host of known) session.printJson(host);
  else if (known.length === 0) session.note('no worker has reported itself; start one with: tasks worker');
  else session.print(...renderHosts(known, session.screen()));
  for (const line of await missingLabels(await session.needLedger())) session.note(`tasks: ${line}`);
  return EXIT.ok;
}

/** `tasks hosts drain` and `tasks hosts undrain`: asked twice, the second changes nothing. */
export function holdHost(action: 'drain' | 'undrain') {
  return async (session: Session, _options: unknown, args: readonly string[]): Promise<number> => {
    const found = findHost(await readHosts(session), args[0] ?? '');
    if (found.kind === 'invalid') throw new UsageError(found.message);
    const { id } = found.value;
    const actor = await session.actor();
    const changed = await withOperator(session, (ledger) =>
      action === 'drain' ? ledger.drainHost(id, actor) : ledger.undrainHost(id),
    );
    if (session.json) session.printJson({ host: id, action, actor, changed });
    else session.print(`${id}  ${WORDS[action][changed ? 'done' : 'before']}`);
    return EXIT.ok;
  };
}

const WORDS = {
  drain: {
    done: 'takes no new phases and gate runs within some seconds; what runs ends, or goes on elsewhere',
    before: 'was drained already',
  },
  undrain: { done: 'takes phases and gate runs again within some seconds', before: 'was not drained' },
} as const;

async function readHosts(session: Session): Promise<readonly HostView[]> {
  const ledger = await session.needLedger();
  // One connection: one after the other.
  const workers = await ledger.readWorkers();
  return hostsOf(workers, await ledger.readDrains());
}

async function withOperator<T>(session: Session, work: (ledger: LedgerOperator) => Promise<T>): Promise<T> {
  const { openLedgerOperator } = await import('../../ledger/operator.ts');
  const ledger = openLedgerOperator({ url: await session.needLedgerUrl() });
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}
