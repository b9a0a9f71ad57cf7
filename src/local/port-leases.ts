/**
 * The ranges of ports that workspaces of this host have leased: a file each, `<home>/ports/<first port>`, with its owner's
 * name in it.
 *
 * Kept true here: no two owners have a port in common, in however many processes of the host they ask (a range's file is made
 * by one alone); a lease lasts until it is given back, whatever restarts. One that says nothing of use, as a power cut leaves
 * it, ends a minute after it was written.
 */

import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freeRanges, type PortPlan, type PortRange } from '../core/ports.ts';
import { isRecord } from '../core/text.ts';
import { codeOf } from '../core/thrown.ts';
import { isAlive, startOf } from '../files/living.ts';

/** Who leases a range begins to listen long after, so that a younger listener may be met in any case. */
const LISTENERS_KEPT_MS = 10_000;
/** A file of this age that says nothing is not being written any more. */
const WRITTEN_WITHIN_MS = 60_000;
/** Of processes that have died one after the other over the same lease. */
const MAX_CLAIMS = 16;

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
  const listeners = new Listeners();

  // Small files of this host's own disk: simply read, they take a tenth of what they take in the thread pool.
  const read = (first: number): PortLease | null => {
    const path = join(folder, String(first));
    const text = ifThere(() => readFileSync(path, 'utf8'));
    if (text === null) return null;
    const lease = leaseIn(first, text);
    // Until it is known to be left of something it is somebody's all the same.
    return lease ?? (spoiledAt(path) === null ? { first, owner: '', count: 1 } : null);
  };
  const list = (): readonly PortLease[] => {
    const names = ifThere(() => readdirSync(folder)) ?? [];
    const firsts = names.filter((name) => /^\d{1,5}$/.test(name)).map(Number);
    return firsts.flatMap((first) => read(first) ?? []).toSorted((one, other) => one.first - other.first);
  };
  const take = async (owner: string): Promise<PortRange | null> => {
    const leases = list();
    const own = leases.find((lease) => lease.owner === owner);
    if (own !== undefined) return own;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const taken = await listeners.now();
    for (const range of freeRanges(plan, leases)) {
      if (taken === null ? !(await canListenOn(range)) : portsOf(range).some((port) => taken.has(port))) continue;
      const text = `${JSON.stringify({ owner, count: range.count })}\n`;
      if (isFirst(join(folder, String(range.first)), text)) return range;
    }
    return null;
  };

  return {
    list: () => Promise.resolve(list()),
    async lease(owner) {
      const before = known.get(owner);
      if (before !== undefined && read(before.first)?.owner === owner) return before;
      const range = await take(owner);
      if (range === null) known.delete(owner);
      else known.set(owner, { first: range.first, count: range.count });
      return known.get(owner) ?? null;
    },
    async free(owner) {
      known.delete(owner);
      for (const lease of list()) {
        if (lease.owner === owner) await rm(join(folder, String(lease.first)), { force: true });
      }
    },
  };
}

/** Null: it says nothing of use. */
function leaseIn(first: number, text: string): PortLease | null {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value) && typeof value['owner'] === 'string' && typeof value['count'] === 'number') {
      return { first, owner: value['owner'], count: value['count'] };
    }
  } catch {
    // Said below.
  }
  return null;
}

/** What tells a spoiled lease from whatever comes in its place; null for one that is none, or may still be written. */
function spoiledAt(path: string): string | null {
  const stats = ifThere(() => statSync(path));
  if (stats === null || Date.now() - stats.mtimeMs <= WRITTEN_WITHIN_MS) return null;
  const text = ifThere(() => readFileSync(path, 'utf8'));
  return text === null || leaseIn(0, text) !== null ? null : `${stats.ino}-${stats.mtimeMs}`;
}

function portsOf({ first, count }: PortRange): readonly number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

/** Makes a lease's file, unless there is one that says something: of two that try, one does. */
function isFirst(path: string, text: string): boolean {
  return makeWhole(path, text) || replaces(path, text);
}

/** Makes a file with its content in one step; false when there is one. */
function makeWhole(path: string, text: string): boolean {
  const aside = asideOf(path, text);
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function asideOf(path: string, text: string): string {
  const aside = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  writeFileSync(aside, text, { flag: 'wx', mode: 0o600 });
  return aside;
}

/** Puts a lease in a spoiled one's place. Whoever claims just that one may; by then it may be gone. */
function replaces(path: string, text: string): boolean {
  const spoiled = spoiledAt(path);
  const claimed = spoiled === null ? null : claim(`${path}.${spoiled}`);
  if (claimed === null) return false;
  try {
    if (spoiledAt(path) !== spoiled) return false;
    renameSync(asideOf(path, text), path);
    return true;
  } finally {
    // Whoever claims it now finds that it is not spoiled any more.
    for (const each of claimed) rmSync(each, { force: true });
  }
}

/**
 * Makes a file that names this process. One of a process that has died is claimed likewise, under a name that tells of it:
 * of all that find it so, one goes on. All files of the claim; null when a living process has it.
 */
function claim(path: string): readonly string[] | null {
  const self = `${process.pid} ${startOf(process.pid) ?? ''}`;
  const claimed: string[] = [];
  for (let at = path; claimed.length < MAX_CLAIMS;) {
    claimed.push(at);
    if (makeWhole(at, self)) return claimed;
    const owner = ifThere(() => readFileSync(at, 'utf8'));
    const [pid = '', start = ''] = owner?.split(' ') ?? [];
    if (owner === null || isAlive(Number(pid), start)) return null;
    at = `${path}.${createHash('sha256').update(`${at} ${owner}`).digest('hex').slice(0, 12)}`;
  }
  return null;
}

/** It owns what the kernel said last: to make its tables costs it some ten milliseconds. */
class Listeners {
  #ports: Promise<ReadonlySet<number> | null> = Promise.resolve(null);
  #atMs = Number.NEGATIVE_INFINITY;

  now(): Promise<ReadonlySet<number> | null> {
    if (performance.now() - this.#atMs > LISTENERS_KEPT_MS) {
      this.#atMs = performance.now();
      this.#ports = readListening();
    }
    return this.#ports;
  }
}

/** The ports on which somebody listens, as the kernel's tables have it; null where there are none (not Linux). */
async function readListening(): Promise<ReadonlySet<number> | null> {
  try {
    const four = await readFile('/proc/net/tcp', 'latin1');
    const six = await readFile('/proc/net/tcp6', 'latin1').catch(() => '');
    // 0A is LISTEN; the local address comes before the remote one.
    const found = `${four}${six}`.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /gm);
    return new Set(Array.from(found, ([, port = '']) => Number.parseInt(port, 16)));
  } catch {
    return null;
  }
}

async function canListenOn(range: PortRange): Promise<boolean> {
  for (const port of portsOf(range)) if (!(await canListen(port))) return false;
  return true;
}

function ifThere<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
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
