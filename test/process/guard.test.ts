import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { listPids, readEnvironment, readStat } from '../../src/process/proc.ts';
import { createProcessRoom } from '../../src/process/room.ts';
import { hashOfHome, TAG_VARIABLE } from '../../src/process/tag.ts';
import { eventually } from '../support/eventually.ts';
import { listenForFakeAgents, type FakeAgent, type FakeAgents } from '../support/fake-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { createRig, GUARD, pidsWith, STARTER, type Rig } from './rig.ts';

/** In a session of its own, nobody's child, and deaf to TERM. */
const daemon = (marker: string): string =>
  `(setsid sh -c 'trap "" TERM; while :; do sleep 1; done' ${marker} > /dev/null 2>&1 &)`;

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

/** What clears the environment has the marker, and its own environment, for a moment. */
function daemonWithoutTag(marker: string, hash: string): Promise<number> {
  return eventually('the daemon to run without its environment', () => {
    const [only, ...others] = pidsWith(marker);
    return only === undefined || others.length > 0 || tagged(hash).includes(only) ? null : only;
  });
}

interface Guarded {
  readonly home: string;
  readonly worker: ChildProcess;
  readonly agent: FakeAgent;
  /** Names the home in tags: what carries it is of its runs, and what has it in its command line guards them. */
  readonly hash: string;
}

async function startWorker(
  starter: string | null = null,
  guard = GUARD,
  more: Readonly<Record<string, string>> = {},
): Promise<Guarded> {
  const home = await tempFolder('home');
  const script = resolve(import.meta.dirname, 'worker-like.js');
  const env = { ...process.env, GUARD: guard, ...(starter === null ? {} : { STARTER: starter }), ...more };
  const command = [script, module, home, 'group', ...agents.command];
  const worker = spawn(process.execPath, command, { stdio: 'inherit', env });
  workers.push(worker);
  return { home, worker, agent: await agents.next(), hash: hashOfHome(await realpath(home)) };
}

async function killWorker(worker: ChildProcess): Promise<void> {
  const exit = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exit;
}

const tagged = (hash: string): readonly number[] =>
  listPids().filter((pid) => readEnvironment(pid)?.includes(`${TAG_VARIABLE}=${hash}`) === true);

describe('the guard of a tree that nothing contains, after a kill -9 of the worker', () => {
  it.each([
    ['the worker', null],
    ['a process of its own', STARTER],
  ])('leaves nothing of what %s started within five seconds, and neither of itself', async (_name, starter) => {
    const { home, worker, agent, hash } = await startWorker(starter);
    await agent.do({ do: 'ignoreTerm' });
    await agent.do({ do: 'grandchild', marker: `marker-${home}`, detached: true, ignoreTerm: true });
    await agent.do({ do: 'run', command: daemon(`marker-${home}`) });
    await eventually('the daemon to run', () => pidsWith(`marker-${home}`).length === 2);
    expect(pidsWith(hash)).toHaveLength(1);
    await killWorker(worker);
    await eventually('all to be gone', () => tagged(hash).length + pidsWith(`marker-${home}`).length === 0, 5_000);
    await agent.gone;
    await eventually('the guard to be gone', () => pidsWith(hash).length === 0);
    expect(await (await createProcessRoom({ home, bwrapPath: null })).sweepLeftovers()).toBe(0);
  });

  it('leaves nothing that has cleared its environment and left its session, where the worker can make control groups', async () => {
    const { home, worker, agent, hash } = await startWorker(STARTER);
    const marker = `marker-${home}`;
    await agent.do({ do: 'run', command: daemon(marker).replace('(setsid', '(env -i setsid') });
    const pid = await daemonWithoutTag(marker, hash);
    const isHeld = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).includes('/tributary-');
    await killWorker(worker);
    await eventually('the guard to be gone', () => pidsWith(hash).length === 0, 5_000);
    expect(pidsWith(marker)).toHaveLength(isHeld ? 0 : 1);
    for (const left of pidsWith(marker)) process.kill(left, 'SIGKILL');
  });

  it('asks before it kills, and does not wait for what is gone', async () => {
    // Longer than the test takes: whoever waited for that would not be done in time.
    const { home, worker, agent, hash } = await startWorker(null, GUARD, { GRACE_MS: '600000' });
    const left = join(home, 'left');
    const script = `trap 'echo asked > ${left}; exit' TERM; while :; do sleep 0.05; done`;
    await agent.do({ do: 'run', command: `setsid sh -c "${script}" > /dev/null 2>&1 &` });
    await eventually('it to run', () => tagged(hash).length >= 2);
    await killWorker(worker);
    await eventually('all to be gone', () => tagged(hash).length === 0);
    expect(await readFile(left, 'utf8')).toBe('asked\n');
  });

  it('leaves alone what other workers run', async () => {
    const [one, other] = [await startWorker(STARTER), await startWorker(STARTER)];
    await killWorker(one.worker);
    await eventually('all of one to be gone', () => tagged(one.hash).length === 0, 5_000);
    await eventually('its guard to be gone', () => pidsWith(one.hash).length === 0);
    expect(await other.agent.do({ do: 'exists', path: '/' })).toBe(true);
    expect(pidsWith(other.hash)).toHaveLength(1);
    await killWorker(other.worker);
    await eventually('all of the other to be gone', () => tagged(other.hash).length === 0, 5_000);
  });

  it('kills the group where it cannot do more, and leaves the rest to the next worker', async () => {
    const { home, worker, agent, hash } = await startWorker(STARTER, '/no/such/guard.js');
    await agent.do({ do: 'ignoreTerm' });
    await agent.do({ do: 'grandchild', marker: `marker-${home}`, detached: true, ignoreTerm: true });
    await killWorker(worker);
    await agent.gone;
    await eventually('the guard to be gone', () => pidsWith(hash).length === 0);
    expect(pidsWith(`marker-${home}`)).toHaveLength(1);
    expect(await (await createProcessRoom({ home, bwrapPath: null })).sweepLeftovers()).toBe(1);
  });
});

describe.each([
  ['the worker', null],
  ['a process of its own', STARTER],
])('the guard of a tree that nothing contains, started by %s', (_name, starter) => {
  let rig: Rig;
  let hash: string;
  beforeEach(async () => {
    rig = await createRig(null, starter);
    hash = hashOfHome(await realpath(rig.home));
  });
  afterEach(async () => {
    await rig.room.close();
  });

  it('is gone when the run is, however that ended', async () => {
    const stop = new AbortController();
    const own = (name: string) => ({ outputFile: join(rig.home, name), tag: `task/${name}` });
    const running = [3, 4].map((code) =>
      rig.room.run(rig.request(['sh', '-c', `exit ${code}`], own(`output-${code}`))),
    );
    const stopped = rig.room.run(rig.request(agents.command, { signal: stop.signal }));
    await agents.next();
    expect(pidsWith(hash).length).toBeGreaterThan(0);
    stop.abort();
    expect(await Promise.all(running)).toMatchObject([{ code: 3 }, { code: 4 }]);
    expect((await stopped).kind).toBe('aborted');
    await expect(rig.room.run(rig.request(['sh', '-c', ':', 'x'.repeat(4_000_000)]))).rejects.toThrow();
    expect(pidsWith(hash)).toEqual([]);
  });

  it('is not needed for what has cleared its environment, once the run has ended', async () => {
    const marker = `marker-${rig.home}`;
    const running = rig.room.run(rig.request(agents.command));
    const agent = await agents.next();
    await agent.do({ do: 'run', command: daemon(marker).replace('(setsid', '(env -i setsid') });
    const pid = await daemonWithoutTag(marker, hash);
    const isHeld = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).includes('/tributary-');
    await agent.do({ do: 'exit', code: 0 });
    expect(await running).toMatchObject({ kind: 'exited', code: 0 });
    expect(pidsWith(marker)).toHaveLength(isHeld ? 0 : 1);
    for (const left of pidsWith(marker)) process.kill(left, 'SIGKILL');
  });

  it('may be killed, and the run goes on', async () => {
    const running = rig.room.run(rig.request(agents.command));
    const agent = await agents.next();
    for (const pid of pidsWith(hash)) process.kill(pid, 'SIGKILL');
    await eventually('it to be gone', () => pidsWith(hash).length === 0);
    await agent.do({ do: 'exit', code: 5 });
    expect(await running).toMatchObject({ kind: 'exited', code: 5 });
  });

  it('does not carry the tag, by which the run is swept', async () => {
    const running = rig.room.run(rig.request(agents.command));
    const agent = await agents.next();
    const [guard = 0] = pidsWith(hash);
    expect(readEnvironment(guard)).toBe('');
    expect(tagged(hash)).not.toContain(guard);
    await agent.do({ do: 'exit', code: 0 });
    expect(await running).toMatchObject({ kind: 'exited', code: 0 });
  });
});

describe('a killed process that starts trees', () => {
  it('is told as the end of those that nothing contains, of which nothing is left', async () => {
    const rig = await createRig(null, STARTER);
    const marker = `marker-${rig.home}`;
    const running = rig.room.run(rig.request(agents.command));
    const agent = await agents.next();
    await agent.do({ do: 'ignoreTerm' });
    await agent.do({ do: 'grandchild', marker, detached: true, ignoreTerm: true });
    const [program = 0] = pidsWith(STARTER).filter((pid) => readStat(pid)?.parent === process.pid);
    process.kill(program, 'SIGKILL');
    expect(await running).toMatchObject({ kind: 'signaled', signal: 'SIGKILL' });
    expect(pidsWith(marker)).toEqual([]);
    expect(pidsWith(hashOfHome(await realpath(rig.home)))).toEqual([]);
    expect(await rig.room.run(rig.request(['sh', '-c', 'exit 4']))).toMatchObject({ kind: 'exited', code: 4 });
    await rig.room.close();
  });
});
