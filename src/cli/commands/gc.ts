/** What of this host's files, and of its origins' refs, nobody needs any more. */

import { existsSync, realpathSync } from 'node:fs';
import { readHostFile } from '../../config/host-file.ts';
import { oneLine } from '../../core/text.ts';
import { messageOf } from '../../core/thrown.ts';
import { createGitRoom } from '../../git/room.ts';
import { bytesBelow } from '../../files/sizes.ts';
import { openPortLeases } from '../../local/port-leases.ts';
import { EXIT, UsageError } from '../errors.ts';
import { TaskAsker } from '../gc/facts.ts';
import { takeInventory, type Item } from '../gc/inventory.ts';
import { showProgress } from '../progress.ts';
import { renderGc, type Collected } from '../render/gc.ts';
import type { Session } from '../session.ts';
import { tryLedger } from '../try-ledger.ts';

interface GcOptions {
  readonly json?: true;
  readonly dryRun?: boolean;
}

/** `tasks gc`; exit 1 when something could not be removed. */
export async function gc(session: Session, options: GcOptions): Promise<number> {
  const progress = showProgress(session);
  const collected: Collected[] = [];
  const dryRun = options.dryRun === true;
  try {
    progress.update('looking at what is here');
    const items = await inventoryOf(session);
    // Of some the removal takes others along, so all are measured before.
    const sizes = new Map<Item, number>();
    for (const item of items) {
      if (item.verdict === 'keep' || item.paths.length === 0) continue;
      progress.update(`measuring ${item.kind} ${item.name}`);
      sizes.set(item, await bytesBelow(item.paths));
    }
    for (const item of items) {
      progress.update(`${item.kind} ${item.name}`);
      collected.push(await collect(item, sizes.get(item) ?? null, dryRun));
    }
  } finally {
    progress.stop();
  }
  if (session.json) for (const one of collected) session.printJson(one);
  else session.print(...renderGc(collected, dryRun, session.screen()));
  return collected.some(({ failure }) => failure !== null) ? EXIT.failed : EXIT.ok;
}

async function inventoryOf(session: Session): Promise<readonly Item[]> {
  const { environment } = session;
  if (!existsSync(environment.home)) return [];
  const home = realpathSync(environment.home);
  const host = await readHostFile(environment.home);
  if (host.kind === 'invalid') throw new UsageError(host.message);
  const git = createGitRoom({
    home,
    worker: 'gc',
    processHome: environment.userHome,
    personal: { env: environment.all },
  });
  return takeInventory({
    home,
    git,
    ports: openPortLeases(home, host.value.ports),
    keptMs: host.value.workspaces.keptMs,
    facts: new TaskAsker(session, git),
    originOf: (project) => tryLedger(session, (ledger) => ledger.originOf(project)),
  });
}

/** One that cannot be removed must not keep the others. */
async function collect(
  { kind, name, task, verdict, why, remove }: Item,
  bytes: number | null,
  dryRun: boolean,
): Promise<Collected> {
  const said = { kind, name, task, bytes, verdict, why };
  if (verdict === 'keep' || dryRun) return { ...said, removed: false, failure: null };
  try {
    const removed = await remove();
    return { ...said, removed, failure: null };
  } catch (error) {
    return { ...said, removed: false, failure: oneLine(messageOf(error), 300) };
  }
}
