import { afterAll, describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import type { CollectRequest } from '../../src/git/collect.ts';
import { startGitRunner } from '../../src/git/runner.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { eventually } from '../support/eventually.ts';
import { onLinux } from '../support/on-linux.ts';

const PROGRAM = resolve('dist/worker/git-runner.js');

function request(args: readonly string[], more: Partial<CollectRequest> = {}): CollectRequest {
  return {
    program: '/bin/sh',
    args: ['-c', ...args],
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    input: '',
    timeoutMs: 10_000,
    maxOutputBytes: 1_000_000,
    ownSession: false,
    ...more,
  };
}

describe("git's runner process", () => {
  const runner = startGitRunner(PROGRAM);

  afterAll(async () => {
    await runner.close();
  });

  it('answers with what a program printed, byte for byte, and its exit code', async () => {
    const ended = await runner.collect(request(['cat; echo oops >&2; exit 3'], { input: Buffer.from([0, 255, 10]) }));
    expect(ended).toMatchObject({ kind: 'exited', code: 3 });
    expect([...ended.stdout]).toEqual([0, 255, 10]);
    expect(ended.stderr.toString()).toBe('oops\n');
  });

  it('gives each of many calls at once its own answer', async () => {
    const numbers = Array.from({ length: 40 }, (_, index) => String(index));
    const ended = await Promise.all(numbers.map((number) => runner.collect(request([`printf ${number}`]))));
    expect(ended.map(({ stdout }) => stdout.toString())).toEqual(numbers);
  });

  it('ends what takes too long or prints too much', async () => {
    expect(await runner.collect(request(['exec sleep 60'], { timeoutMs: 50 }))).toMatchObject({ kind: 'timeout' });
    const much = await runner.collect(request(['exec yes'], { maxOutputBytes: 10_000 }));
    expect(much.kind).toBe('too-much-output');
  });

  onLinux('fails a call that a stopped runner does not answer, and serves the next one by another', async () => {
    const another = startGitRunner(PROGRAM, { answerMs: 300, endMs: 5_000 });
    try {
      const { stdout } = await another.collect(request(['echo $PPID']));
      process.kill(Number(stdout.toString()), 'SIGSTOP');
      await expect(another.collect(request(['exit 3'], { timeoutMs: 100 }))).rejects.toThrow(/ended: SIGKILL/);
      expect(await another.collect(request(['exit 4']))).toMatchObject({ kind: 'exited', code: 4 });
    } finally {
      await another.close();
    }
  });

  onLinux('is closed also when it was stopped', async () => {
    const another = startGitRunner(PROGRAM, { answerMs: 30_000, endMs: 100 });
    const { stdout } = await another.collect(request(['echo $PPID']));
    const pid = Number(stdout.toString());
    process.kill(pid, 'SIGSTOP');
    await another.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('says that a program is missing', async () => {
    expect(await runner.collect(request([], { program: '/no/such/program' }))).toMatchObject({ kind: 'missing' });
  });

  onLinux('says that no descriptor was free for it, and serves the next call', async () => {
    const another = startGitRunner(PROGRAM);
    const giveBack = takeAllDescriptors();
    try {
      await expect(another.collect(request(['exit 3']))).rejects.toThrow('EMFILE');
    } finally {
      giveBack();
    }
    expect(await another.collect(request(['exit 3']))).toMatchObject({ code: 3 });
    await another.close();
  });

  it('fails the calls under way when it is killed, and serves the next one', async () => {
    const pid = Number((await runner.collect(request(['echo $PPID']))).stdout.toString());
    const lost = runner.collect(request(['kill -9 $PPID']));
    await expect(lost).rejects.toThrow('ended: SIGKILL');
    const next = await runner.collect(request(['echo $PPID']));
    expect(Number(next.stdout.toString())).not.toBe(pid);
  });

  it('leaves no process when it is closed, and takes no more calls', async () => {
    const own = startGitRunner(PROGRAM);
    const pid = Number((await own.collect(request(['echo $PPID']))).stdout.toString());
    await own.close();
    await eventually('the process to be gone', () => !isAlive(pid));
    await expect(own.collect(request(['true']))).rejects.toThrow('closed');
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
