import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeStaleLock } from '../../src/git/stale-locks.ts';
import { tempFolder } from '../support/temp.ts';

const run = promisify(execFile);
const HOUR_S = 60 * 60;
const NAMESPACES = ['--pid', '--fork', '--mount', '--mount-proc'];
const inNamespaces = spawnSync('unshare', [...NAMESPACES, 'true']).status === 0 ? it : it.skip;

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

  inNamespaces('stays in a folder that a container shares, where the processes of others do not show', async () => {
    const folder = await tempFolder('shared');
    const script = join(folder, 'look.mjs');
    const module = new URL('../../src/git/stale-locks.ts', import.meta.url).pathname;
    const own = await lockOf(HOUR_S);
    const look = `import { removeStaleLock } from ${JSON.stringify(module)};
      for (const lock of [${JSON.stringify(own)}, '/dev/shm/main.lock']) console.log(await removeStaleLock(lock, []));`;
    await build({
      stdin: { contents: look, resolveDir: folder },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: script,
    });
    const inContainer = `mount -t tmpfs tmpfs /dev/shm && touch -d '1 minute ago' /dev/shm/main.lock && exec "$@"`;
    const { stdout } = await run('unshare', [
      ...NAMESPACES,
      '/bin/sh',
      '-c',
      inContainer,
      'sh',
      process.execPath,
      script,
    ]);
    expect(stdout).toBe('true\nfalse\n');
  });

  it('stays when it is new: who makes it may not show yet', async () => {
    const lock = await lockOf(0);
    expect(await removeStaleLock(lock, [])).toBe(false);
    expect(existsSync(lock)).toBe(true);
  });
});
