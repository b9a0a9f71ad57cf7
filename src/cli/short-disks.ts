/** Hosts whose disks are full or nearly so, as their workers report it and as this machine's own is. */

import { statfs } from 'node:fs/promises';
import { hostsOf, isShort, type HostView } from '../core/hosts.ts';
import { codeOf } from '../core/thrown.ts';
import { LedgerUnavailable, type LedgerReader } from '../ledger/types.ts';
import { homePaths, readIfThere } from '../local/home.ts';

export interface ShortDisk {
  /** Null: this machine's, which has no name yet. */
  readonly host: string | null;
  readonly freeBytes: number;
}

/** What hosts report of their disks; nothing from a ledger whose tables are older than that. */
export async function readDisks(ledger: LedgerReader): Promise<readonly HostView[]> {
  try {
    return hostsOf(await ledger.readWorkers(), []);
  } catch (error) {
    if (error instanceof LedgerUnavailable) return [];
    throw error;
  }
}

/** @param hosts as they are reported; this machine's own disk is looked at besides, since a full one may keep all from being told */
export async function shortDisks(home: string, hosts: readonly HostView[]): Promise<readonly ShortDisk[]> {
  const own = await ownDisk(home);
  const others = hosts.filter((host) => isShort(host) && host.id !== own?.host);
  return [
    ...(own !== null && isShort({ ...own, state: 'up' }) ? [own] : []),
    ...others.map(({ id, freeBytes }) => ({ host: id, freeBytes })),
  ];
}

/** Null where there is no state home, or none that can be looked at. */
async function ownDisk(home: string): Promise<ShortDisk | null> {
  try {
    const { bavail, bsize } = await statfs(home);
    return { host: (await readIfThere(homePaths(home).hostId))?.trim() ?? null, freeBytes: bavail * bsize };
  } catch (error) {
    if (codeOf(error) === null) throw error;
    return null;
  }
}
