/**
 * The ranges of ports that workspaces of this host have leased: a file each, `<home>/ports/<first port>`, with its owner's
 * name in it.
 *
 * Kept true here: no two owners have a port in common, in however many processes of the host they ask (a range's file is made
 * by one alone); a lease lasts until it is given back, whatever restarts.
 */

import { createServer } from 'node:net';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freeRanges, type PortPlan, type PortRange } from '../core/ports.ts';
import { isRecord } from '../core/text.ts';
import { codeOf } from '../core/thrown.ts';
import { createOnce, readIfThere } from './home.ts';

export interface PortLease extends PortRange {
  readonly owner: string;
}

export interface PortLeases {
  /** The owner's range, leased when it has none; null when no range is free on which nobody listens. */
  lease(owner: string): Promise<PortRange | null>;
  /** Gives back what the owner has; nothing when it has none. */
  free(owner: string): Promise<void>;
  list(): Promise<readonly PortLease[]>;
}

export function openPortLeases(home: string, plan: PortPlan): PortLeases {
  const folder = join(home, 'ports');
  const known = new Map<string, PortRange>();

  const read = async (first: number): Promise<PortLease | null> => {
    const text = await readIfThere(join(folder, String(first)));
    return text === null ? null : leaseIn(first, text);
  };
  const list = async (): Promise<readonly PortLease[]> => {
    const names = await readdir(folder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const firsts = names.filter((name) => /^\d{1,5}$/.test(name)).map(Number);
    const found = await Promise.all(firsts.map(read));
    return found.flatMap((lease) => lease ?? []).toSorted((one, other) => one.first - other.first);
  };
  const take = async (owner: string): Promise<PortRange | null> => {
    const leases = await list();
    const own = leases.find((lease) => lease.owner === owner);
    if (own !== undefined) return own;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const range of freeRanges(plan, leases)) {
      if (!(await nobodyListens(range))) continue;
      const text = `${JSON.stringify({ owner, count: range.count })}\n`;
      // Whose text it is tells who was first.
      if ((await createOnce(join(folder, String(range.first)), text)) === text) return range;
    }
    return null;
  };

  return {
    list,
    async lease(owner) {
      const before = known.get(owner);
      if (before !== undefined && (await read(before.first))?.owner === owner) return before;
      const range = await take(owner);
      if (range === null) known.delete(owner);
      else known.set(owner, { first: range.first, count: range.count });
      return known.get(owner) ?? null;
    },
    async free(owner) {
      known.delete(owner);
      for (const lease of await list()) {
        if (lease.owner === owner) await rm(join(folder, String(lease.first)), { force: true });
      }
    },
  };
}

/** One that cannot be read is somebody's all the same. */
function leaseIn(first: number, text: string): PortLease {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value) && typeof value['owner'] === 'string' && typeof value['count'] === 'number') {
      return { first, owner: value['owner'], count: value['count'] };
    }
  } catch {
    // Said below.
  }
  return { first, owner: '', count: 1 };
}

async function nobodyListens({ first, count }: PortRange): Promise<boolean> {
  for (let port = first; port < first + count; port += 1) {
    if (!(await canListen(port))) return false;
  }
  return true;
}

/** Tried, on every address, and given up at once. */
function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    // Without a host: every address of IPv6 and IPv4, or of the latter alone where there is no IPv6.
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
