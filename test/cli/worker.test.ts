/** `tasks worker` around a worker's program that the test writes. */

import { describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

const READY = '2026-01-02T03:04:05.000Z worker ready {"agents":2,"gates":0,"host":"ada-1"}';

async function worker(program: string, argv: readonly string[], more: Record<string, string> = {}): Promise<CliRun> {
  const folder = await tempFolder('worker');
  const path = join(folder, 'worker.mjs');
  await writeFile(path, program);
  const servers = { TEMPORAL_ADDRESS: '127.0.0.1:1', DATABASE_URL: 'postgres://127.0.0.1:1/none' };
  const env = cliEnvironment(folder, { ...servers, ...more });
  const interrupt = new AbortController();
  return cli({ cwd: folder, env }, ['worker', ...argv], {
    worker: [process.execPath, path],
    interrupt: interrupt.signal,
    onStderr: (text) => {
      if (text.includes('worker ready')) interrupt.abort();
    },
  });
}

describe('a worker with --json', () => {
  it('tells its start and its end on standard output, and its log on standard error', async () => {
    const program = `
      process.on('SIGTERM', () => process.exit(0));
      setInterval(() => undefined, 1_000);
      process.stderr.write('begins\\n${READY}\\n');`;
    const run = await worker(program, ['--json']);
    expect(run.json()).toEqual([
      { kind: 'started', host: 'ada-1', agents: 2, gates: 0, queues: ['tasks', 'agents'] },
      { kind: 'ended', code: 0, signal: null },
    ]);
    expect(run.stderr).toBe(`begins\n${READY}\n`);
    expect(run.code).toBe(0);
  });

  it('tells the end alone of one that never began', async () => {
    const run = await worker(`process.stderr.write('no\\n'); process.exitCode = 1;`, ['--json']);
    expect(run.json()).toEqual([{ kind: 'ended', code: 1, signal: null }]);
    expect(run).toMatchObject({ code: 1, stderr: 'no\n' });
  });
});

describe('a worker', () => {
  it('that is interrupted before it listens for signals ends as one that drains does', async () => {
    const program = `setInterval(() => undefined, 1_000); process.stderr.write('${READY}\\n');`;
    const run = await worker(program, ['--json']);
    expect(run.json().at(-1)).toEqual({ kind: 'ended', code: null, signal: 'SIGTERM' });
    expect(run).toMatchObject({ code: 0, stderr: `${READY}\n` });
  });

  it('that somebody else kills has failed', async () => {
    const run = await worker(`process.kill(process.pid, 'SIGKILL');`, []);
    expect(run).toMatchObject({ code: 1, stderr: 'tasks: the worker was ended by SIGKILL\n' });
  });

  it('is not started in a home that cannot be used', async () => {
    const { code, stdout, stderr } = await worker('', [], { TASKS_HOME: '/dev/null' });
    expect(stderr).toBe('tasks: TASKS_HOME: /dev/null is no folder; set it to a folder that you may write to\n');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
