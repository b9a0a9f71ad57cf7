/** One at a time, between rooms of one home, also after an owner died. */

import { describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { lstatSync } from 'node:fs';
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createMutex,
  isOwnerAlive,
  thisProcess,
  tryLockFile,
  withLockFile,
  type LockTimes,
} from '../../src/git/lock.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { eventually } from '../support/eventually.ts';
import { onLinux } from '../support/on-linux.ts';
import { tempFolder } from '../support/temp.ts';
import { startUncollected } from '../support/uncollected.ts';

const TWO_HOURS_MS = 2 * 60 * 60_000;

describe('a mutex', () => {
  it('runs one after another, in order, also after a failure', async () => {
    const mutex = createMutex();
    const seen: string[] = [];
    const work = (name: string) => async (): Promise<string> => {
      seen.push(`${name} begins`);
      await Promise.resolve();
      seen.push(`${name} ends`);
      if (name === 'one') throw new Error('one failed');
      return name;
    };
    const results = await Promise.allSettled([mutex(work('one')), mutex(work('two'))]);
    expect(seen).toEqual(['one begins', 'one ends', 'two begins', 'two ends']);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
  });
});

describe('a lock file', () => {
  it('is held by one, and given back', async () => {
    const folder = await tempFolder('lock');
    const path = join(folder, 'lock');
    expect(await tryLockFile(path)).toBe(true);
    expect(await tryLockFile(path)).toBe(false);
    await writeFile(path, '999999999 1');
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await readdir(folder);
      running -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, () => withLockFile(path, work)));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over from a process that is gone, and not from one that lives', async () => {
    const path = join(await tempFolder('lock'), 'lock');
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    await writeFile(path, `${child.pid} `);
    expect(await tryLockFile(path)).toBe(false);
    child.stdin.end();
    await once(child, 'exit');
    expect(await tryLockFile(path)).toBe(true);
  });

  onLinux('is taken over from a process that has ended and that nobody has collected', async () => {
    const path = join(await tempFolder('lock'), 'lock');
    const parent = await startUncollected();
    try {
      await writeFile(path, parent.child);
      expect(await tryLockFile(path)).toBe(true);
    } finally {
      parent.end();
    }
  });

  it('is waited for whatever becomes of the machine’s clock meanwhile', async () => {
    const path = join(await tempFolder('lock'), 'lock');
    await writeFile(path, `${process.ppid} `);
    const startedMs = Date.now();
    const clock = jest
      .spyOn(Date, 'now')
      .mockReturnValueOnce(startedMs)
      .mockReturnValue(startedMs + TWO_HOURS_MS);
    try {
      const waiting = withLockFile(path, async () => 'had');
      await rm(path);
      expect(await waiting).toBe('had');
    } finally {
      clock.mockRestore();
    }
  });

  const QUICK: LockTimes = { touchMs: 50, silentMs: 1_000, limitMs: 60_000 };

  it('is waited for by who has been suspended for longer than a silent holder is given', async () => {
    const path = join(await tempFolder('lock'), 'lock');
    await writeFile(path, `${process.ppid} `);
    const startedMs = performance.now();
    const clock = jest
      .spyOn(performance, 'now')
      .mockReturnValueOnce(startedMs)
      .mockReturnValue(startedMs + 2 * QUICK.silentMs);
    try {
      const waiting = withLockFile(path, async () => 'had', QUICK);
      await eventually('a look', () => clock.mock.calls.length > 1);
      await rm(path);
      expect(await waiting).toBe('had');
    } finally {
      clock.mockRestore();
    }
  });

  it('is waited for while its holder goes on, however long that takes', async () => {
    const path = join(await tempFolder('lock'), 'lock');
    const touches = new Set<bigint>();
    // Longer than a silent holder is given.
    const touched = (): boolean => touches.add(lstatSync(path, { bigint: true }).ctimeNs).size > 40;
    const holding = withLockFile(path, () => eventually('forty touches', touched), QUICK);
    expect(await withLockFile(path, async () => 'had', QUICK)).toBe('had');
    await holding;
  });

  it('is not waited for whose living holder does not go on', async () => {
    const path = join(await tempFolder('lock'), 'lock');
    await writeFile(path, `${process.ppid} `);
    const work = jest.fn(async () => undefined);
    await expect(withLockFile(path, work, QUICK)).rejects.toThrow(
      /lock is held by another worker, which has not gone on/,
    );
    expect(work).not.toHaveBeenCalled();
    expect(await readFile(path, 'utf8')).toBe(`${process.ppid} `);
  });

  it('is held as well by a link that leads nowhere, as one is made where there is no room for a file', async () => {
    const folder = await tempFolder('lock');
    const path = join(folder, 'lock');
    await symlink(`${process.ppid} `, path);
    expect(await tryLockFile(path)).toBe(false);
    await rm(path);
    await symlink('999999999 1', path);
    expect(await tryLockFile(path)).toBe(true);
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('is not taken over while somebody else is taking it over', async () => {
    const folder = await tempFolder('lock');
    const path = join(folder, 'lock');
    const stale = '999999999 1';
    await writeFile(path, stale);
    const claim = `${path}.${createHash('sha256').update(stale).digest('hex').slice(0, 12)}`;
    // The test itself is alive.
    await writeFile(claim, `${process.ppid} `);
    expect(await tryLockFile(path)).toBe(false);
    expect(await readFile(path, 'utf8')).toBe(stale);
    // And one that died while it took over is taken over from.
    await writeFile(claim, '999999998 1');
    expect(await tryLockFile(path)).toBe(true);
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('has one holder when many processes see it stale at once', async () => {
    const folder = await tempFolder('lock');
    const program = await bundleOf('src/git/lock.ts', folder);
    for (let round = 0; round < 5; round += 1) {
      const path = join(folder, `lock-${round}`);
      await writeFile(path, '999999999 1');
      const script = `import(${JSON.stringify(program)}).then(async ({ tryLockFile }) => {
        process.stdout.write('ready');
        process.stdin.once('data', async () => {
          process.stdout.write((await tryLockFile(${JSON.stringify(path)})) ? ' taken' : ' left');
          process.stdin.once('end', () => process.exit());
        });
      });`;
      const children = Array.from({ length: 4 }, () =>
        spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
      );
      const said = children.map(() => '');
      children.forEach(({ stdout }, at) => stdout.on('data', (chunk: Buffer) => (said[at] += chunk.toString())));
      const exits = children.map((child) => once(child, 'exit'));
      await eventually('all to be ready', () => said.every((text) => text.startsWith('ready')));
      for (const { stdin } of children) stdin.write('go');
      await eventually('all to have tried', () => said.every((text) => text.includes(' ')));
      // All of them live still: a lock that two hold would show.
      expect(said.filter((text) => text.endsWith('taken'))).toHaveLength(1);
      for (const { stdin } of children) stdin.end();
      await Promise.all(exits);
    }
  });
});

/** A module of the engine as a program of its own can load it. */
async function bundleOf(source: string, folder: string): Promise<string> {
  const script = `import('rolldown').then(async ({ rolldown }) => {
    const build = await rolldown({ input: ${JSON.stringify(source)}, platform: 'node' });
    await build.write({ file: ${JSON.stringify(join(folder, 'module.mjs'))}, format: 'es' });
  });`;
  await once(spawn(process.execPath, ['-e', script], { stdio: 'inherit' }), 'exit');
  return join(folder, 'module.mjs');
}

describe('an owner of a lock file', () => {
  onLinux('is not taken for dead since no descriptor is free to look', () => {
    const self = thisProcess();
    const giveBack = takeAllDescriptors();
    try {
      expect(isOwnerAlive(self)).toBe(true);
    } finally {
      giveBack();
    }
    expect(isOwnerAlive(`${self}0`)).toBe(false);
  });
});
