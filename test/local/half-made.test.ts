/** What a killed start of Postgres has left half made. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOf } from '../../src/files/living.ts';
import { nameOfNew, removeHalfMade } from '../../src/local/half-made.ts';
import { startPostgres } from '../../src/local/postgres.ts';
import { tempFolder } from '../support/temp.ts';

const living: ChildProcess[] = [];
afterEach(() => {
  for (const child of living.splice(0)) child.kill('SIGKILL');
});

const left = (text: string): void => {
  throw new Error(`nothing is to be left: ${text}`);
};

function aLivingPid(): number {
  const child = spawn('sleep', ['300'], { stdio: 'ignore' });
  living.push(child);
  return child.pid ?? 0;
}

function aDeadPid(): number {
  return spawnSync('true').pid;
}

async function half(folder: string, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(join(folder, name, 'base'), { recursive: true });
    await writeFile(join(folder, name, 'base/1'), 'half made');
    await writeFile(join(folder, `${name}.password`), 'a password');
  }
}

describe('what a killed start has left half made', () => {
  it('goes with the next start of Postgres', async () => {
    const home = await tempFolder('home');
    const start = { home, preferredPort: null, durable: false };
    const first = await startPostgres(start);
    if (first.kind === 'failed') throw new Error(JSON.stringify(first.failure));
    await first.stop();
    const folder = join(first.dataDir, '..');
    await half(folder, `new-${aDeadPid()}-0123ab`);
    const second = await startPostgres(start);
    if (second.kind === 'failed') throw new Error(JSON.stringify(second.failure));
    await second.stop();
    expect((await readdir(folder)).filter((name) => name.startsWith('new-'))).toEqual([]);
  });

  it('goes where its process is dead or another one has the number, and stays where it lives', async () => {
    const folder = await tempFolder('postgres');
    const pid = aLivingPid();
    const stays = [`new-${pid}-0123ab`, `new-${pid}-${startOf(pid) ?? ''}-0123ab`, nameOfNew()];
    await half(folder, `new-${aDeadPid()}-0123ab`, `new-${aDeadPid()}-17-0123ab`, `new-${pid}-17-0123ab`, ...stays);
    await removeHalfMade(folder, left);
    expect((await readdir(folder)).toSorted()).toEqual(stays.flatMap((name) => [name, `${name}.password`]).toSorted());
  });

  it('is told apart from whatever else lies there', async () => {
    const folder = await tempFolder('postgres');
    const others = ['data', 'state-home', 'new', 'new-data', `new-${aDeadPid()}`, `renew-${aDeadPid()}-0123ab`];
    for (const name of others) await writeFile(join(folder, name), 'of somebody');
    await removeHalfMade(folder, left);
    expect((await readdir(folder)).toSorted()).toEqual(others.toSorted());
  });

  it('keeps nobody from starting where it cannot be removed', async () => {
    const folder = await tempFolder('postgres');
    const name = `new-${aDeadPid()}-0123ab`;
    await writeFile(join(folder, name), 'half made');
    const told: string[] = [];
    await chmod(folder, 0o500);
    try {
      await removeHalfMade(folder, (text) => told.push(text));
    } finally {
      await chmod(folder, 0o700);
    }
    // Root may all the same.
    expect(told).toHaveLength(process.getuid?.() === 0 ? 0 : 1);
  });
});
