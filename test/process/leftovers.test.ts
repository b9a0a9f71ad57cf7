import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

import { readStat } from '../../src/process/proc.ts';
import { createProcessRoom } from '../../src/process/room.ts';
import { eventually } from '../support/eventually.ts';
import { listenForFakeAgents, type FakeAgent, type FakeAgents } from '../support/fake-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { pidsWith, STARTER } from './rig.ts';

let agents: FakeAgents;
let module: string;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  agents = await listenForFakeAgents();
  module = join(await tempFolder('room'), 'room.mjs');
  await build({
    entryPoints: [resolve(import.meta.dirname, '../../src/process/room.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: module,
    logLevel: 'error',
  });
});
afterEach(() => {
  for (const worker of workers.splice(0)) worker.kill('SIGKILL');
});
afterAll(async () => agents.close());

async function startWorker(
  home: string,
  how: string,
  starter: string | null = null,
): Promise<{ worker: ChildProcess; agent: FakeAgent }> {
  const script = resolve(import.meta.dirname, 'worker-like.js');
  const worker = spawn(process.execPath, [script, module, home, how, ...agents.command], {
    stdio: 'inherit',
    env: { ...process.env, ...(starter === null ? {} : { STARTER: starter }) },
  });
  workers.push(worker);
  const agent = await agents.next();
  await agent.do({ do: 'ignoreTerm' });
  await agent.do({ do: 'grandchild', marker: `marker-${home}`, detached: true, ignoreTerm: true });
  return { worker, agent };
}

async function killWorker(worker: ChildProcess): Promise<void> {
  const exit = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exit;
}

describe('after a kill -9 of the worker', () => {
  it.each([
    ['started by the worker', null],
    ['started by a process of its own', STARTER],
  ])('leaves nothing of a contained tree %s within five seconds, or says why it cannot', async (_name, starter) => {
    const home = await tempFolder('home');
    const room = await createProcessRoom({ home });
    const { worker, agent } = await startWorker(home, 'bwrap', starter);
    await killWorker(worker);
    if (room.containment.kind === 'pid-namespace') {
      await agent.gone;
      await eventually('the grandchild to be gone', () => pidsWith(`marker-${home}`).length === 0, 5_000);
      expect(await room.sweepLeftovers()).toBe(0);
    } else {
      expect(room.containment.why).toMatch(/bubblewrap|bwrap|Linux/);
      expect(await room.sweepLeftovers()).toBe(2);
    }
  });

  it('kills what an uncontained tree left, by its tag, in the next room', async () => {
    const home = await tempFolder('home');
    const { worker, agent } = await startWorker(home, 'group');
    await killWorker(worker);
    expect(pidsWith(`marker-${home}`)).toHaveLength(1);
    const room = await createProcessRoom({ home, bwrapPath: null });
    expect(await room.sweepLeftovers()).toBe(2);
    expect(pidsWith(`marker-${home}`)).toEqual([]);
    await agent.gone;
    expect(await room.sweepLeftovers()).toBe(0);
  });

  it('leaves alone what belongs to a living worker or to another home', async () => {
    const home = await tempFolder('home');
    const other = await tempFolder('home');
    const living = await startWorker(home, 'group');
    const foreign = await startWorker(other, 'group');
    await killWorker(foreign.worker);
    const room = await createProcessRoom({ home, bwrapPath: null });
    expect(await room.sweepLeftovers()).toBe(0);
    expect(pidsWith(`marker-${home}`)).toHaveLength(1);
    expect(pidsWith(`marker-${other}`)).toHaveLength(1);
    await killWorker(living.worker);
    expect(await room.sweepLeftovers()).toBe(2);
    expect(await (await createProcessRoom({ home: other, bwrapPath: null })).sweepLeftovers()).toBe(2);
    expect([...pidsWith(`marker-${home}`), ...pidsWith(`marker-${other}`)]).toEqual([]);
  });
});

describe('the containment', () => {
  it('says what is missing and how to get it', async () => {
    const home = await tempFolder('home');
    const without = await createProcessRoom({ home, bwrapPath: '/no/such/bwrap' });
    expect(without.containment).toMatchObject({ kind: 'process-group' });
    expect(without.containment.kind === 'process-group' && without.containment.why).toMatch(/install bubblewrap/);
    const broken = await createProcessRoom({ home, bwrapPath: '/bin/false' });
    expect(broken.containment).toMatchObject({ kind: 'process-group' });
    const off = await createProcessRoom({ home, bwrapPath: null });
    expect(off.containment.kind === 'process-group' && off.containment.why).toMatch(/containment: off/);
  });
});

describe('a killed process that starts trees', () => {
  it('takes its trees along, which are told as killed, and the next run has another one', async () => {
    const home = await tempFolder('home');
    const room = await createProcessRoom({ home, starter: STARTER });
    if (room.containment.kind !== 'pid-namespace') return;
    const request = {
      argv: agents.command,
      cwd: home,
      env: { PATH: process.env['PATH'] ?? '' },
      tag: 'task/1',
      outputFile: join(home, 'output'),
      maxOutputBytes: 1_000,
      onLine: null,
      idleTimeoutMs: 60_000,
      totalTimeoutMs: 60_000,
      signal: new AbortController().signal,
    } as const;
    const running = room.run(request);
    const agent = await agents.next();
    await agent.do({ do: 'grandchild', marker: `marker-${home}`, detached: true, ignoreTerm: true });
    const [starter, ...others] = childrenRunning(STARTER);
    expect(others).toEqual([]);
    process.kill(starter ?? 0, 'SIGKILL');
    expect(await running).toMatchObject({ kind: 'signaled', signal: 'SIGKILL' });
    expect(pidsWith(`marker-${home}`)).toEqual([]);
    expect(await room.run({ ...request, argv: ['/bin/sh', '-c', 'exit 4'] })).toMatchObject({
      kind: 'exited',
      code: 4,
    });
    await room.close();
    await eventually('the starter to be gone', () => childrenRunning(STARTER).length === 0);
  });
});

function childrenRunning(program: string): readonly number[] {
  return pidsWith(program).filter((pid) => readStat(pid)?.parent === process.pid);
}

describe('a host where the process that starts trees cannot run', () => {
  it('starts them all the same', async () => {
    const home = await tempFolder('home');
    const room = await createProcessRoom({ home, starter: join(home, 'no-such-program.js') });
    const request = {
      argv: ['/bin/sh', '-c', 'exit 4'],
      cwd: home,
      env: { PATH: '/usr/bin:/bin' },
      tag: 'task/1',
      outputFile: join(home, 'output'),
      maxOutputBytes: 1_000,
      onLine: null,
      idleTimeoutMs: 60_000,
      totalTimeoutMs: 60_000,
      signal: new AbortController().signal,
    } as const;
    expect(await room.run(request)).toMatchObject({ kind: 'exited', code: 4 });
    expect(await room.run(request)).toMatchObject({ kind: 'exited', code: 4 });
  });
});
