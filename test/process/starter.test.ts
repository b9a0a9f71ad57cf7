import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { isAlive } from '../../src/files/living.ts';
import { launch } from '../../src/process/launch.ts';
import { createPipePool } from '../../src/process/pipes.ts';
import { openStarter, type Starter, type StarterLimits, type StartOrder } from '../../src/process/starter.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { eventually } from '../support/eventually.ts';
import { onLinux } from '../support/on-linux.ts';
import { tempFolder } from '../support/temp.ts';
import { STARTER } from './rig.ts';

const AT_ONCE_MS = 0;
const MUCH_LATER_MS = 3_600_000;
/** Long enough for a busy machine to start a process. */
const SILENT_MS = 3_000;
const ORDER: Omit<StartOrder, 'id'> = {
  argv: [process.execPath, '--version'],
  cwd: '/',
  env: {},
  pipes: [],
  guard: null,
  doors: null,
};

const dead = (pid: number) => eventually('its end', () => !isAlive(pid, ''));

describe('the process that starts trees', () => {
  let program: string;
  const opened: Starter[] = [];
  const launched: number[] = [];
  beforeEach(async () => {
    program = join(await tempFolder('starter'), 'starter.js');
  });
  afterEach(async () => {
    for (const starter of opened.splice(0)) await starter.close();
    launched.splice(0);
  });

  const open = (limits: Partial<StarterLimits>): Starter => {
    const starter = openStarter(program, (pid) => launched.push(pid), limits);
    opened.push(starter);
    return starter;
  };
  it('is done without when it cannot run, and tried again after a while', async () => {
    const starter = open({ againMs: AT_ONCE_MS });
    expect(await starter.start(ORDER)).toBeNull();
    await symlink(STARTER, program);
    const started = await starter.start(ORDER);
    expect(await started?.ended).toMatchObject({ code: 0, signal: null });
  });

  it('is not tried again at each start', async () => {
    const starter = open({ againMs: MUCH_LATER_MS });
    expect(await starter.start(ORDER)).toBeNull();
    await symlink(STARTER, program);
    expect(await starter.start(ORDER)).toBeNull();
  });

  onLinux('is done without while no descriptor is free for it', async () => {
    await symlink(STARTER, program);
    const starter = open({ againMs: AT_ONCE_MS });
    const giveBack = takeAllDescriptors();
    try {
      expect(await starter.start(ORDER)).toBeNull();
    } finally {
      giveBack();
    }
    const started = await starter.start(ORDER);
    expect(await started?.ended).toMatchObject({ code: 0, signal: null });
  });

  const stop = (): number => {
    const pid = launched.at(-1) ?? 0;
    process.kill(pid, 'SIGSTOP');
    return pid;
  };

  describe('that is stopped', () => {
    beforeEach(() => symlink(STARTER, program));

    it('is killed after a while, with what it was told before, and another one starts what comes then', async () => {
      const starter = open({ silentMs: SILENT_MS, againMs: AT_ONCE_MS });
      await (
        await starter.start(ORDER)
      )?.ended;
      const pid = stop();
      const ran = `${program}.ran`;
      await expect(starter.start({ ...ORDER, argv: ['/bin/sh', '-c', `: > ${ran}`] })).rejects.toThrow(
        /^the process that starts agents ended: it said nothing for \d+ ms, and was killed$/,
      );
      expect(isAlive(pid, '')).toBe(false);
      const started = await starter.start(ORDER);
      expect(await started?.ended).toMatchObject({ code: 0, signal: null });
      expect(launched).toHaveLength(2);
      expect(existsSync(ran)).toBe(false);
    });

    it('fails a start by name also when it has never answered, since it may have started it', async () => {
      const starter = open({ silentMs: 500, againMs: MUCH_LATER_MS });
      const starting = starter.start(ORDER);
      stop();
      await expect(starting).rejects.toThrow(/it said nothing/);
      // This process itself does what comes then.
      expect(await starter.start(ORDER)).toBeNull();
    });

    it('is killed, though nothing is to be started, before nobody hears of an end for ever', async () => {
      const starter = open({ quietMs: SILENT_MS, silentMs: MUCH_LATER_MS / 1_000 });
      const started = await starter.start({ ...ORDER, argv: ['/bin/sleep', '300'] });
      const pid = stop();
      expect(await started?.ended).toEqual({ code: null, signal: 'SIGKILL' });
      await dead(pid);
      // What it has started is for who waits for its end to clear away.
      process.kill(started?.leader?.pid ?? 0, 'SIGKILL');
    });

    it('is killed when it is to end', async () => {
      const starter = open({ endMs: 300 });
      await (
        await starter.start(ORDER)
      )?.ended;
      const pid = stop();
      await starter.close();
      await dead(pid);
    });
  });

  it('is not killed for a while in which this process itself stood still', async () => {
    await symlink(STARTER, program);
    const starter = open({ silentMs: SILENT_MS });
    await (
      await starter.start(ORDER)
    )?.ended;
    const starting = starter.start(ORDER);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SILENT_MS * 1.5);
    expect(await (await starting)?.ended).toMatchObject({ code: 0 });
    expect(launched).toHaveLength(1);
  });

  it('is not killed while what it has started takes long, and it answers', async () => {
    await symlink(STARTER, program);
    const starter = open({ silentMs: SILENT_MS, quietMs: SILENT_MS });
    const started = await starter.start({ ...ORDER, argv: ['/bin/sleep', String((SILENT_MS * 2) / 1_000)] });
    expect(await started?.ended).toMatchObject({ code: 0, signal: null });
  });

  onLinux('leaves nothing that it had started before it was stopped and said so', async () => {
    const folder = await tempFolder('launched');
    await writeFile(
      program,
      `const { spawn } = require('node:child_process');
process.on('message', ({ argv, env }) => {
  spawn(argv[0], argv.slice(1), { env, detached: true, stdio: 'ignore' });
  process.kill(process.pid, 'SIGSTOP');
});
`,
    );
    const starter = open({ silentMs: SILENT_MS });
    const pool = createPipePool(join(folder, 'pipes'));
    const [out, err, third] = [await pool.take(), await pool.take(), await pool.take()];
    if (out === null || err === null || third === null) throw new Error('there are no pipes');
    const pidFile = join(folder, 'pid');
    const argv = ['/bin/sh', '-c', `echo $$ > ${pidFile}; exec sleep 300`] as const;
    const request = { cwd: '/', env: {}, tag: 'home.1.1/of-this-test', pipes: [out, err, third] as const, group: null };
    try {
      await expect(launch(argv, request, { starter, status: false })).rejects.toThrow(/it said nothing/);
    } finally {
      for (const pipe of [out, err, third]) {
        pipe.reader.destroy();
        pipe.release();
      }
    }
    expect(isAlive(Number(await readFile(pidFile, 'utf8')), '')).toBe(false);
  });
});
