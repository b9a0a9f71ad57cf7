import { describe, expect, it } from '@jest/globals';
import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeStaleLock } from '../../src/git/stale-locks.ts';
import { tempFolder } from '../support/temp.ts';

const HOUR_S = 60 * 60;

async function lockOf(ageS: number): Promise<string> {
  const lock = join(await tempFolder('locks'), 'main.lock');
  await writeFile(lock, '');
  const at = Date.now() / 1_000 - ageS;
  await utimes(lock, at, at);
  return lock;
}

describe('a lock that nobody has', () => {
  it('goes when it is old, and when it is from a time to which the clock was set back', async () => {
    for (const ageS of [HOUR_S, -HOUR_S]) {
      const lock = await lockOf(ageS);
      expect(await removeStaleLock(lock, [])).toBe(true);
      expect(existsSync(lock)).toBe(false);
    }
  });

  it('stays when another one has come in its place meanwhile', async () => {
    const lock = await lockOf(HOUR_S);
    const removing = removeStaleLock(lock, []);
    // By the time that this is answered the lock has been looked at, and the processes of this host are.
    await stat(lock);
    unlinkSync(lock);
    writeFileSync(lock, 'new');
    expect(await removing).toBe(false);
    expect(existsSync(lock)).toBe(true);
  });

  it('stays when it is new: who makes it may not show yet', async () => {
    const lock = await lockOf(0);
    expect(await removeStaleLock(lock, [])).toBe(false);
    expect(existsSync(lock)).toBe(true);
  });
});
