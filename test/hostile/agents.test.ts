import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { ATTACKS, type Attack, type Targets } from './attacks.ts';

const SECRET = 'the secret of the worker';
const MIB = 1024 * 1024;

describe('a hostile command', () => {
  let engine: Engine;
  let project: SampleProject;
  let targets: Targets;
  let canary: string;
  /** Of this host, as a person's ssh-agent and a service on the loopback are. */
  const listening: Server[] = [];
  let reached = 0;
  const ids = new Map<Attack, TaskId>();

  beforeAll(async () => {
    process.env['HOSTILE_TEST_SECRET'] = SECRET;
    engine = await Engine.start({
      sharesHome: false,
      agents: 2,
      limits: { maxProcesses: 400, maxMemoryBytes: 700 * MIB, maxWrittenBytes: 300 * MIB },
    });
    canary = await tempFolder('canary');
    await writeFile(join(engine.home, 'secret'), 'the secret of the home');
    for (const folder of ['worktree', 'task']) {
      const other = join(engine.home, 'workspaces/sample/other', folder);
      await mkdir(other, { recursive: true });
      await writeFile(join(other, 'secret'), 'the secret of another task');
    }
    await writeFile(join(engine.home, 'host.yaml'), '# the secret of the home\n');
    project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': 'true\n', 'agent.sh': 'exit 1\n' });
    const agentSocket = join(await tempFolder('agent'), 'socket');
    for (const where of [{ path: agentSocket }, { port: 0, host: '127.0.0.1' }]) {
      const server = createServer((socket) => {
        reached += 1;
        socket.destroy();
      }).listen(where);
      await once(server, 'listening');
      listening.push(server);
    }
    const address = listening[1]?.address();
    targets = {
      agentSocket,
      openPort: typeof address === 'object' && address !== null ? address.port : 0,
      home: engine.home,
      origin: project.origin,
      temporalPort: engine.namespace.address.split(':').at(-1) ?? '',
      postgresPort: new URL(engine.database.url).port,
      canary,
      workerPid: process.pid,
    };
    // All at once: what one does must not hurt the others.
    for (const attack of ATTACKS) {
      const run = `exec 2>&1; ${attack.does(targets)}`;
      const { what: title, totalTimeoutMs } = attack;
      const more = totalTimeoutMs === undefined ? {} : { totalTimeoutMs };
      ids.set(attack, await engine.submit(project, { title, work: { kind: 'shell', run }, attempts: 1, ...more }));
    }
  });

  afterAll(async () => {
    delete process.env['HOSTILE_TEST_SECRET'];
    for (const server of listening) server.close();
    await engine.stop();
  });

  const logOf = async (id: TaskId): Promise<string> =>
    (await engine.ledger.readLogs(id, null, 10_000)).map(({ text }) => text).join('');

  it.each(ATTACKS)(
    'that $what hurts nobody',
    async (attack) => {
      const id = ids.get(attack) ?? ('' as TaskId);
      const view: TaskView = await engine.until(
        id,
        'over',
        (seen) => seen.endedAt !== null || seen.waitingFor?.kind === 'attempts',
        // All of them at once keep the disk busy.
        180_000,
      );
      const log = await eventually('its log', async () => {
        const text = await logOf(id);
        return attack.says === undefined || attack.says.test(text) ? { text } : null;
      }).catch(async () => ({ text: await logOf(id) }));
      expect({
        kind: view.failure?.kind ?? view.state,
        message: view.failure?.message ?? '',
        log: log.text,
      }).toMatchObject({
        kind: attack.ends ?? 'landed',
      });
      if (attack.says !== undefined) expect(log.text).toMatch(attack.says);
      if (attack.never !== undefined) expect(log.text).not.toMatch(attack.never);
      expect(await engine.processesOf(id)).toEqual([]);
      expect(readdirSync(canary)).toEqual([]);
    },
    240_000,
  );

  describe('afterwards', () => {
    it('main has what was landed by the engine, and nothing else', async () => {
      const landed = ATTACKS.filter(({ ends }) => ends === undefined).map(({ what }) => what);
      expect((await project.subjects()).toSorted()).toEqual([...landed, 'Begin'].toSorted());
      const trailers = await project.originGit(
        'log',
        '--first-parent',
        '--format=%(trailers:key=Task-Id,valueonly)',
        'refs/heads/main',
      );
      expect(trailers.split('\n').filter((line) => line !== '').length).toBe(landed.length);
      await project.originGit('fsck', '--strict', '--no-dangling');
      const refs = (await project.originGit('for-each-ref', '--format=%(refname)')).split('\n');
      expect(refs.filter((ref) => ref !== 'refs/heads/main' && !ref.startsWith('refs/tasks/'))).toEqual([]);
    });

    it('the mirror is as the engine made it', async () => {
      const mirrors = join(engine.home, 'mirrors');
      const [mirror = ''] = readdirSync(mirrors).filter((name) => name.endsWith('.git'));
      const at = join(mirrors, mirror);
      expect(readdirSync(at).toSorted()).toEqual(['HEAD', 'config', 'info', 'objects', 'refs', 'worktrees']);
      expect(readdirSync(join(at, 'refs')).toSorted()).toEqual(['heads', 'remotes', 'tasks']);
      expect(await readFile(join(at, 'config'), 'utf8')).not.toContain('fsmonitor');
      expect((await readFile(join(at, 'refs/remotes/origin/main'), 'utf8')).trim()).toMatch(/^[0-9a-f]{40}$/);
      const known = new Set<string>(ids.values());
      expect(readdirSync(join(at, 'refs/heads/tasks')).filter((name) => !known.has(name))).toEqual([]);
    });

    it('nobody has reached what listens on this host', () => {
      expect(listening.map((server) => server.listening)).toEqual([true, true]);
      expect(reached).toBe(0);
    });

    it('no process of any of them is left', async () => {
      await eventually('all of them to be gone', () => marked().length === 0, 5_000);
    });

    it('a task goes on being worked on as before', async () => {
      const id = await engine.submit(project, { title: 'After', work: { kind: 'shell', run: 'echo x > after' } });
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    });
  });

  it('that is canceled leaves nothing five seconds later, whatever it started', async () => {
    const run = `trap '' TERM; (setsid sh -c 'trap "" TERM; env -i setsid sleep 900005' &); touch "$TASKS_TASK_DIR/up"; while :; do sleep 0.1; done`;
    const id = await engine.submit(project, { title: 'Stay', work: { kind: 'shell', run }, attempts: 1 });
    const up = join(engine.home, 'workspaces', 'sample', id, 'task', 'up');
    await mkdir(canary, { recursive: true });
    await eventually('it to be up', () => marked().includes('900005') && readdirSync(join(up, '..')).includes('up'));
    await engine.cancel(id);
    await eventually('nothing of it to be left', () => marked().length === 0, 5_000);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
    expect(await project.subjects()).not.toContain('Stay');
  });
});

/** The naps of the attacks above that go on, by their seconds. */
function marked(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return /(?:^|\0)(90000\d)\0/.exec(readFileSync(`/proc/${name}/cmdline`, 'utf8'))?.[1] ?? [];
      } catch {
        return [];
      }
    });
}
