import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { chmod, chown, copyFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { removeStaleLock } from '../../src/git/stale-locks.ts';
import { eventually } from '../support/eventually.ts';
import { onLinux } from '../support/on-linux.ts';
import { tempFolder } from '../support/temp.ts';
import { startUncollected } from '../support/uncollected.ts';

const run = promisify(execFile);
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const NOBODY = 65_534;
const asRoot = process.getuid?.() === 0 ? it : it.skip;
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

describe('a lock, for an account that is not root,', () => {
  it("goes when it is that account's own, though what others run is hidden", async () => {
    const lock = await ownLock();
    expect(await asNobody(() => removeStaleLock(lock, []))).toBe(true);
    expect(existsSync(lock)).toBe(false);
  });

  asRoot('stays when it is of another account, whose processes are hidden, and goes when it is very old', async () => {
    const lock = await ownLock();
    await chown(lock, 0, 0);
    expect(await asNobody(() => removeStaleLock(lock, []))).toBe(false);
    expect(existsSync(lock)).toBe(true);
    const old = Date.now() / 1_000 - HOUR_S;
    await utimes(lock, old, old);
    expect(await asNobody(() => removeStaleLock(lock, []))).toBe(true);
  });

  onLinux('goes while a git of the same account has ended, and nobody has collected it', async () => {
    const lock = await ownLock();
    const git = join(dirname(lock), 'git-ended');
    await copyFile('/bin/cat', git);
    const ended = await startUncollected(git, process.getuid?.() === 0 ? { uid: NOBODY } : {});
    try {
      expect(await asNobody(() => removeStaleLock(lock, []))).toBe(true);
    } finally {
      ended.end();
    }
  });

  asRoot('stays while a git of the same account is hidden', async () => {
    const lock = await ownLock();
    const git = join(dirname(lock), 'git-hidden');
    await copyFile('/bin/sleep', git);
    // What may be run and not be read hides from its own account.
    await chmod(git, 0o711);
    const hidden = spawn(git, ['600'], { uid: NOBODY, gid: NOBODY, stdio: 'ignore' });
    try {
      await asNobody(() => untilHidden(hidden));
      expect(await asNobody(() => removeStaleLock(lock, []))).toBe(false);
    } finally {
      hidden.kill('SIGKILL');
      await once(hidden, 'exit');
    }
    expect(await asNobody(() => removeStaleLock(lock, []))).toBe(true);
  });
});

/** A minute old, and of whom `asNobody` acts for. */
async function ownLock(): Promise<string> {
  const lock = await lockOf(MINUTE_S);
  if (process.getuid?.() === 0) for (const each of [lock, dirname(lock)]) await chown(each, NOBODY, NOBODY);
  return lock;
}

async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await act();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

async function untilHidden({ pid = 0 }: ChildProcess): Promise<void> {
  await eventually('the process to be another program', async () => {
    const seen = await readdir(`/proc/${pid}/fd`).catch((error: unknown) => String(error));
    return String(seen).includes('EACCES') ? true : null;
  });
}
