/** The stack as a person starts and stops it: the built program, in processes of its own. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homePaths } from '../../src/local/home.ts';
import { removeOutsideData } from '../../src/local/postgres-account.ts';
import { isStillAlive } from '../../src/local/processes.ts';
import { stopStack } from '../../src/local/stack.ts';
import { readStack } from '../../src/local/stack-record.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE } from '../support/scripted-agent.ts';
import { testBinary } from '../support/temporal.ts';
import { cliEnvironment } from './rig.ts';

const BUILT = fileURLToPath(new URL('../../dist/bin/tasks.cjs', import.meta.url));

interface Status {
  readonly running: boolean;
  readonly temporal: { readonly address: string; readonly uiUrl: string } | null;
  readonly worker: { readonly state: string; readonly pid: number | null };
  readonly tasks: Readonly<Record<string, number>> | null;
}

describe('the stack', () => {
  let folder: string;
  let env: Record<string, string>;
  let project: SampleProject;

  beforeAll(async () => {
    // Not below a folder that the database's own user may not enter.
    folder = await mkdtemp(join(tmpdir(), 'tributary-cli-'));
    const path = `${join(testBinary(), '..')}:${process.env['PATH'] ?? ''}`;
    env = cliEnvironment(folder, { PATH: path, XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? cacheOf() });
    const text = 'project: stack\nbranch: main\ngate: sh gate.sh\nagent: {command: [sh, -c, "true"]}\n';
    project = await SampleProject.create({ 'tasks.yaml': text, 'gate.sh': GATE }, 'checkout');
  });

  afterAll(async () => {
    for (const home of ['state', 'state-that-fails', 'state-of-two', 'state-interrupted'].map((name) =>
      join(folder, name),
    )) {
      await stopStack(home, { workerGraceMs: 1_000 });
      await removeOutsideData(homePaths(home));
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  function start(args: readonly string[], more: Readonly<Record<string, string>> = {}): ChildProcess {
    const whole = { ...env, ...more };
    return spawn(process.execPath, [BUILT, ...args], {
      cwd: project.clone,
      env: whole,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async function tasks(
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = start(args, more);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (part: Buffer) => (stdout += part.toString('utf8')));
    child.stderr?.on('data', (part: Buffer) => (stderr += part.toString('utf8')));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  async function status(): Promise<Status> {
    return JSON.parse((await tasks(['status', '--json'])).stdout) as Status;
  }

  it('is started in the background, lands a task, and leaves nothing behind when it is stopped', async () => {
    const up = await tasks(['up', '--detach', '--agents', '1', '--json']);
    expect(up.stderr).toContain('waiting for the worker');
    expect(up.code).toBe(0);
    expect(JSON.parse(up.stdout)).toMatchObject({ kind: 'ready', stack: { temporal: { namespace: 'default' } } });
    expect(up.stdout).not.toContain('postgres:');
    const running = await status();
    expect(running.temporal?.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(running.temporal?.uiUrl).toMatch(/^http:/);
    expect(running.worker.state).toBe('alive');
    const landed = await tasks(['submit', 'Make a file', '--run', 'echo 1 > one', '--wait']);
    expect(landed).toMatchObject({ code: 0, stderr: '' });
    expect(landed.stdout).toMatch(/ {2}landed {2}Make a file {2}as /);
    expect((await status()).tasks).toEqual({ landed: 1 });
    const again = await tasks(['up', '--detach', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ kind: 'already-running' });
    expect(again.code).toBe(0);
    // Everything killed at once, as by a power cut: the next start has it all again.
    const killed = await readStack(join(folder, 'state'));
    for (const part of [
      killed.record.supervisor,
      killed.record.worker,
      killed.record.temporal,
      killed.record.postgres,
    ]) {
      if (part !== null && 'pid' in part) process.kill(part.pid, 'SIGKILL');
    }
    await eventually('the stack to be gone', async () => {
      const { states } = await readStack(join(folder, 'state'));
      return !Object.values(states).includes('alive');
    });
    expect((await tasks(['list'])).stderr).toMatch(/^tasks: the stack that was running is gone: /);
    expect((await tasks(['up', '--detach', '--agents', '1', '--json'])).code).toBe(0);
    expect((await status()).tasks).toEqual({ landed: 1 });
    const { record } = await readStack(join(folder, 'state'));
    const down = await tasks(['down', '--json']);
    expect(JSON.parse(down.stdout)).toEqual({
      stopped: expect.arrayContaining(['supervisor', 'worker', 'temporal']),
    });
    for (const part of [record.worker, record.supervisor, record.temporal, record.postgres]) {
      // One that is dead and not yet reaped by the system counts as gone.
      if (part !== null && 'pid' in part) expect(await isStillAlive(part)).toBe(false);
    }
    expect(await tasks(['down'])).toMatchObject({ code: 0, stdout: 'nothing was running\n' });
  });

  it('runs in the foreground until it is interrupted, and says what happens in plain lines', async () => {
    const child = start(['up', '--no-worker']);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (part: Buffer) => (stdout += part.toString('utf8')));
    child.stderr?.on('data', (part: Buffer) => (stderr += part.toString('utf8')));
    const closed = once(child, 'close');
    await eventually('the addresses', () => stdout.includes('Postgres'));
    expect(stdout).toMatch(/^Temporal {3}127\.0\.0\.1:\d+, namespace default\nWeb UI/);
    expect(stderr).toMatch(/^starting temporal$/m);
    expect(stderr).not.toContain('\u001b');
    const noted = await tasks(['submit', 'Nobody works', '--run', 'true']);
    expect(noted.stderr).toMatch(/^tasks: no worker is running in the stack/);
    expect(noted.code).toBe(0);
    child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
    expect((await status()).running).toBe(false);
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('is stopped in order also where it is asked twice, by %s', async (signal) => {
    const child = start(['up', '--no-worker']);
    let output = '';
    child.stdout?.on('data', (part: Buffer) => (output += part.toString('utf8')));
    child.stderr?.on('data', (part: Buffer) => (output += part.toString('utf8')));
    const closed = once(child, 'close');
    await eventually('the addresses', () => output.includes('Postgres'));
    child.kill('SIGTERM');
    await eventually('it to begin', () => output.includes('stopping temporal'));
    child.kill(signal);
    expect(await closed).toEqual([0, null]);
    expect(output).toContain('stopping postgres');
    expect((await status()).running).toBe(false);
  });

  it('says why it could not be started, and where its log is', async () => {
    const home = join(folder, 'state-that-fails');
    // A folder where the database's file belongs.
    await mkdir(join(home, 'temporal', 'temporal.db'), { recursive: true });
    const { code, stderr } = await tasks(['up', '--detach', '--no-worker'], { TASKS_HOME: home });
    expect(stderr).toMatch(/^tasks: the stack did not start: .*; its log is .*up\.log$/m);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
    const { states } = await readStack(home);
    expect(Object.values(states)).not.toContain('alive');
  });

  it('is started once when two ask for it at once: both say that it is up, and its log is that of the one which started it', async () => {
    const home = join(folder, 'state-of-two');
    const logs = join(home, 'logs');
    const up = () => tasks(['up', '--detach', '--no-worker', '--json'], { TASKS_HOME: home });
    const both = await Promise.all([up(), up()]);
    expect(both.map(({ code, stderr }) => ({ code, stderr: stderr.match(/^tasks: .*$/m) }))).toEqual([
      { code: 0, stderr: null },
      { code: 0, stderr: null },
    ]);
    const said = both.map(({ stdout }) => JSON.parse(stdout) as { kind: string; stack: { temporal: object | null } });
    expect(said.map(({ kind }) => kind).sort()).toEqual(['already-running', 'ready']);
    expect(said[0]?.stack).toEqual(said[1]?.stack);
    expect(said[0]?.stack.temporal).not.toBeNull();
    const log = await readFile(join(logs, 'up.log'), 'utf8');
    expect(log.split('\n')[0]).toContain('"kind":"starting"');
    expect(log).toContain('"kind":"ready"');
    expect(log).not.toContain('already');
    const third = await up();
    expect(JSON.parse(third.stdout)).toMatchObject({ kind: 'already-running', stack: said[0]?.stack });
    expect(await readFile(join(logs, 'up.log'), 'utf8')).toBe(log);
    expect((await readdir(logs)).filter((name) => name.startsWith('up'))).toEqual(['up.log']);
  });

  it.each([
    ['is stopped in order by a Ctrl-C while it starts in the background', ['--detach'], ['SIGINT']],
    ['leaves nothing behind a Ctrl-C after another signal while it starts', [], ['SIGHUP', 'SIGINT']],
  ] as const)('%s', async (_title, options, signals) => {
    const home = join(folder, 'state-interrupted');
    const child = start(['up', '--no-worker', ...options], { TASKS_HOME: home });
    const closed = once(child, 'close') as Promise<[number | null]>;
    let stderr = '';
    child.stderr?.on('data', (part: Buffer) => (stderr += part.toString('utf8')));
    await eventually('a server to start', async () => (await readStack(home)).states.temporal === 'alive');
    const { record } = await readStack(home);
    // Two that are the same could arrive as one; of two at once the one with the lower number comes first.
    for (const signal of signals) child.kill(signal);
    expect((await closed)[0]).toBe(130);
    if (signals.length === 1) expect(stderr).toMatch(/^tasks: interrupted; what had been started is stopped$/m);
    if (signals.length === 1) expect((await readStack(home)).states.temporal).toBe('absent');
    const { temporal } = record;
    const isGone = async () => temporal !== null && 'pid' in temporal && !(await isStillAlive(temporal));
    await eventually('it to be gone', isGone);
  });

  it('tells wrong configuration in one line before anything is started', async () => {
    const { code, stderr } = await tasks(['up', '--detach'], { TEMPORAL_PROFILE: 'nowhere' });
    expect(stderr).toMatch(/^tasks: TEMPORAL_PROFILE: .*\n$/);
    expect(code).toBe(2);
  });
});

function cacheOf(): string {
  return join(process.env['HOME'] ?? tmpdir(), '.cache');
}
