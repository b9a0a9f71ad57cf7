/** Ranges of ports, leased by files and tried on this machine's own ports. */

import { describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import { createHash } from 'node:crypto';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PortPlan } from '../../src/core/ports.ts';
import { openPortLeases } from '../../src/local/port-leases.ts';
import { tempFolder } from '../support/temp.ts';

const PLAN: PortPlan = { base: 21_200, each: 3, ranges: 4 };

/** Listens where the system has room, so that a test takes nothing that others use. */
async function listening(host: string): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host, port: 0 }, () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return { server, port: address.port };
}

/** A home whose first lease has this text, written so long ago. */
async function spoiled(text: string, ageMs: number): Promise<string> {
  const home = await tempFolder('home');
  const path = join(home, 'ports/21200');
  await openPortLeases(home, PLAN).lease('before');
  await writeFile(path, text);
  const at = (Date.now() - ageMs) / 1_000;
  await utimes(path, at, at);
  return home;
}

describe('a lease of ports', () => {
  it('is the same each time that its owner asks, also after a restart', async () => {
    const home = await tempFolder('home');
    const range = await openPortLeases(home, PLAN).lease('a');
    expect(range).toEqual({ first: 21_200, count: 3 });
    const restarted = openPortLeases(home, PLAN);
    expect(await restarted.lease('a')).toMatchObject({ first: 21_200, count: 3 });
    expect(await restarted.lease('b')).toMatchObject({ first: 21_203, count: 3 });
  });

  it('is never given to two, however many ask at once', async () => {
    const home = await tempFolder('home');
    const owners = ['a', 'b', 'c', 'd', 'e', 'f'];
    const ranges = await Promise.all(owners.map((owner) => openPortLeases(home, PLAN).lease(owner)));
    const firsts = ranges.flatMap((range) => range?.first ?? []);
    expect(new Set(firsts).size).toBe(firsts.length);
    expect(firsts.toSorted((one, other) => one - other)).toEqual([21_200, 21_203, 21_206, 21_209]);
    expect(ranges.filter((range) => range === null)).toHaveLength(2);
  });

  it('is free for others once it is given back, and for nobody else', async () => {
    const home = await tempFolder('home');
    const leases = openPortLeases(home, { ...PLAN, ranges: 2 });
    await leases.lease('a');
    await leases.lease('b');
    expect(await leases.lease('c')).toBeNull();
    await leases.free('a');
    await leases.free('nobody');
    expect(await leases.lease('c')).toMatchObject({ first: 21_200 });
    expect((await leases.list()).map(({ owner, first }) => [owner, first])).toEqual([
      ['c', 21_200],
      ['b', 21_203],
    ]);
    expect(await leases.lease('a')).toBeNull();
  });

  it.each(['127.0.0.1', '0.0.0.0'])('leaves out a range in which somebody listens on %s', async (host) => {
    const { server, port } = await listening(host);
    try {
      const home = await tempFolder('home');
      // The one that is taken is the second of the first range.
      const leases = openPortLeases(home, { base: port - 1, each: 2, ranges: 20 });
      expect((await leases.lease('a'))?.first).toBeGreaterThan(port);
    } finally {
      server.close();
    }
  });

  describe('whose file says nothing', () => {
    it('is kept while it may still be written', async () => {
      const leases = openPortLeases(await spoiled('', 30_000), { ...PLAN, ranges: 2 });
      expect(await leases.lease('a')).toMatchObject({ first: 21_203 });
      expect(await leases.lease('b')).toBeNull();
    });

    it.each(['', 'no JSON', '{"owner": 7}', '\0\0\0\0'])(
      'is free after a minute, as after a power cut: %j',
      async (text) => {
        const home = await spoiled(text, 61_000);
        const leases = openPortLeases(home, { ...PLAN, ranges: 2 });
        expect(await leases.list()).toEqual([]);
        expect(await leases.lease('a')).toEqual({ first: 21_200, count: 3 });
        expect(await openPortLeases(home, PLAN).lease('a')).toEqual({ first: 21_200, count: 3 });
        expect(await readdir(join(home, 'ports'))).toEqual(['21200']);
      },
    );

    it('is given to one alone, however many ask at once', async () => {
      const home = await spoiled('', 61_000);
      const owners = ['a', 'b', 'c', 'd', 'e', 'f'];
      const ranges = await Promise.all(owners.map((owner) => openPortLeases(home, PLAN).lease(owner)));
      const firsts = ranges.flatMap((range) => range?.first ?? []);
      expect(firsts.toSorted((one, other) => one - other)).toEqual([21_200, 21_203, 21_206, 21_209]);
    });

    it('is given to one alone also when processes were killed while they replaced it', async () => {
      const home = await spoiled('', 61_000);
      const path = join(home, 'ports/21200');
      const { ino, mtimeMs } = await stat(path);
      const claim = `${path}.${ino}-${mtimeMs}`;
      // No process has such a number; one that is cut off by a power cut says nothing.
      await writeFile(claim, '99999999 1');
      const next = createHash('sha256').update(`${claim} 99999999 1`).digest('hex').slice(0, 12);
      await writeFile(`${claim}.${next}`, '');
      const owners = ['a', 'b', 'c', 'd', 'e', 'f'];
      const ranges = await Promise.all(owners.map((owner) => openPortLeases(home, PLAN).lease(owner)));
      const firsts = ranges.flatMap((range) => range?.first ?? []);
      expect(firsts.toSorted((one, other) => one - other)).toEqual([21_200, 21_203, 21_206, 21_209]);
      expect((await readdir(join(home, 'ports'))).toSorted()).toEqual(['21200', '21203', '21206', '21209']);
    });

    it('is left to a living process that replaces it', async () => {
      const home = await spoiled('', 61_000);
      const path = join(home, 'ports/21200');
      const { ino, mtimeMs } = await stat(path);
      await writeFile(`${path}.${ino}-${mtimeMs}`, `${process.pid} `);
      expect(await openPortLeases(home, PLAN).lease('a')).toMatchObject({ first: 21_203 });
    });

    it('stays who has it when the file is old and says who', async () => {
      const home = await spoiled('{"owner":"before","count":3}', 24 * 3_600_000);
      expect(await openPortLeases(home, PLAN).lease('a')).toMatchObject({ first: 21_203 });
    });
  });
});
