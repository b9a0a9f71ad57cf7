/** One at a time, between rooms of one home, also after an owner died. */

import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMutex, tryLockFile, withLockFile } from '../../src/git/lock.ts';
import { tempFolder } from '../support/temp.ts';

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
});
