import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

import { createProcessRoom } from '../../src/process/room.ts';
import { eventually } from '../support/eventually.ts';
import { listenForFakeAgents, type FakeAgent, type FakeAgents } from '../support/fake-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { pidsWith } from './rig.ts';

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

async function startWorker(home: string, bwrap: 'yes' | 'no'): Promise<{ worker: ChildProcess; agent: FakeAgent }> {
  const script = resolve(import.meta.dirname, 'worker-like.js');
  const worker = spawn(process.execPath, [script, module, home, bwrap, ...agents.command], { stdio: 'inherit' });
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
  it('leaves nothing of a contained tree within five seconds, or says why it cannot', async () => {
    const home = await tempFolder('home');
    const room = await createProcessRoom({ home });
    const { worker, agent } = await startWorker(home, 'yes');
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
    const { worker, agent } = await startWorker(home, 'no');
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
    const living = await startWorker(home, 'no');
    const foreign = await startWorker(other, 'no');
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
    expect(off.containment.kind === 'process-group' && off.containment.why).toMatch(/switched off/);
  });
});
