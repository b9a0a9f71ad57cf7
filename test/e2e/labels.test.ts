/** Tasks that require labels, with a worker that has them, one that joins later, and none. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Session } from '../../src/cli/session.ts';
import { TaskWatch } from '../../src/cli/watch.ts';
import { pendingPhaseOf } from '../../src/cli/pending-phase.ts';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { cli, cliEnvironment, cliIo, type CliRun } from '../cli/rig.ts';
import { Engine } from '../support/engine.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/messages.ts';
import { testNamespace } from '../support/temporal.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const FILES = { 'gate.sh': GATE, 'agent.sh': agentScript({ execute: 'echo "$TASKS_TASK_ID" > "$TASKS_TASK_ID"' }) };

describe('a task that requires labels', () => {
  let engine: Engine;
  let project: SampleProject;
  let env: Record<string, string>;

  beforeAll(async () => {
    engine = await Engine.start({ presenceMs: 50, labels: [] });
    project = await SampleProject.create({ 'tasks.yaml': projectFile('requires: [linux]'), ...FILES }, 'checkout');
    env = cliEnvironment(engine.home, engine.servers);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const tasks = (...argv: string[]): Promise<CliRun> => cli({ cwd: project.origin, env }, argv);
  const listed = async (id: TaskId): Promise<TaskView | undefined> =>
    (await tasks('list', '--all', '--json')).json<TaskView>().find((view) => view.id === id);

  /** Of the gate runs that have begun; null: none is listed yet. */
  const gateHosts = async (): Promise<ReadonlySet<string> | null> => {
    const hosts = new Set<string>();
    for await (const { workflowId } of engine.client.workflow.list({ query: "WorkflowType = 'gate'" })) {
      const { events = [] } = await engine.client.workflow.getHandle(workflowId).fetchHistory();
      for (const { activityTaskStartedEventAttributes: started } of events ?? [])
        if (started?.identity != null) hosts.add(started.identity.replace(/@.*/, ''));
    }
    return hosts.size === 0 ? null : hosts;
  };

  /** What a watch says that it waits for, when all waits count as long ones. */
  const waitsSeen = async (id: TaskId): Promise<readonly string[]> => {
    const session = new Session(cliIo({ cwd: project.origin, env }), false);
    const seen: string[] = [];
    const watch = new TaskWatch({
      temporal: await session.temporal(),
      ids: [id],
      readViews: (ids) => engine.ledger.readTasks(ids),
      interrupt: new AbortController().signal,
      timeoutMs: 2_500,
      stopAtPeople: true,
      onEnded: () => undefined,
      onWaits: ({ waitingFor }) => void seen.push(waitingFor?.kind ?? 'nothing'),
      longMs: 0,
    });
    expect(await watch.run()).toEqual({ kind: 'timeout' });
    await session.close();
    return seen;
  };

  it('waits, is told why, and goes on when a worker joins that has them all', async () => {
    const submitted = await tasks('submit', 'Train it', '--requires', 'gpu', '--json');
    expect(submitted.stderr).toBe('');
    const [made] = submitted.json<{ id: TaskId }>();
    if (made === undefined) throw new Error('nothing was submitted');
    const { id } = made;
    await eventually('it to be told that no worker has them', async () => {
      const view = await listed(id);
      return view?.waitingFor?.kind === 'host' ? view : null;
    });
    expect(await listed(id)).toMatchObject({
      state: 'queued',
      requires: ['gpu', 'linux'],
      waitingFor: { text: 'no worker has gpu, linux: start one with tasks worker --labels gpu,linux' },
    });
    expect((await tasks('list')).stdout).toMatch(/queued \(needs gpu\+linux\)/);
    expect((await tasks('show', id)).stdout).toMatch(
      /requires gpu, linux[^]*Waits for a host[^]*no worker has gpu, linux/,
    );
    expect((await tasks('hosts')).stderr).toBe(
      'tasks: 1 task waits: no worker has gpu, linux: start one with tasks worker --labels gpu,linux\n',
    );
    expect((await tasks('doctor')).stdout).toMatch(/labels .*1 task waits: no worker has gpu, linux/);
    expect((await tasks('wait', id, '--timeout', '1s')).stderr).toContain(
      'nothing was stopped: it waits for a host: no worker has gpu, linux: start one with tasks worker --labels gpu,linux;',
    );
    expect(await waitsSeen(id)).toEqual(['host']);

    const half = await WorkerProcess.start(engine, ['--labels', 'gpu']);
    await eventually('the worker with one of them to be known', async () =>
      (await engine.ledger.readWorkers()).some(({ labels }) => labels.includes('gpu')),
    );
    expect(await listed(id)).toMatchObject({
      waitingFor: { kind: 'host', text: expect.stringMatching(/^no worker has/) },
    });
    const whole = await WorkerProcess.start(engine, ['--labels', 'linux,gpu,big']);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', requires: ['gpu', 'linux'] });
    const attempts = await engine.ledger.readAttempts(id);
    const hosts = new Set(attempts.map(({ host }) => host));
    expect(hosts.size).toBe(1);
    // The gate goes where the project's labels are; the engine's own worker has none.
    expect(await eventually('its gate run to be listed', gateHosts)).toEqual(hosts);
    expect(attempts.length).toBeGreaterThan(1);
    expect((await tasks('hosts')).stderr).toBe('');
    await Promise.all([half.stop(), whole.stop()]);
  });

  it('is refused by a server that does not know the search attribute, with the fix', async () => {
    const known = SEARCH_ATTRIBUTES.filter((name) => name !== 'Requires');
    const older = await testNamespace(Object.fromEntries(known.map((name) => [name, 'Keyword'])));
    const there = { cwd: project.origin, env: { ...env, TEMPORAL_NAMESPACE: older.namespace } };
    const refused = await cli(there, ['submit', 'Train it', '--requires', 'gpu']);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Requires.*register it with: tasks setup\n$/),
    });
    await older.drop();
  });

  it('is refused when a label is none, and a question requires nothing', async () => {
    expect(await tasks('submit', 'Train it', '--requires', 'GPU')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^tasks: requires: "GPU" is no label/),
    });
    expect(await tasks('submit', 'Which?', '--type', 'question', '--requires', 'gpu')).toMatchObject({
      code: 2,
      stderr: 'tasks: requires: nothing is run for a question; leave it out\n',
    });
    expect(await tasks('submit', 'Which?', '--from', 'x', '--requires', 'gpu')).toMatchObject({ code: 2 });
  });
});

describe('a worker with labels and one slot', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ agents: 1, labels: ['gpu', 'linux'], presenceMs: 50 });
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('serves tasks of each set that it has, one at a time', async () => {
    const project = await SampleProject.create({ 'tasks.yaml': projectFile(), ...FILES });
    const busy = `${engine.home}/busy`;
    const go = `${engine.home}/go`;
    const run = `mkdir '${busy}' || exit 1; echo x > "$TASKS_TASK_ID"; until [ -e '${go}' ]; do sleep 0.05; done; rmdir '${busy}'`;
    const sets = [undefined, ['gpu'], ['linux'], ['gpu', 'linux'], undefined, ['gpu']];
    const ids = await Promise.all(
      sets.map((requires, index) =>
        engine.submit(project, {
          title: `Task ${index}`,
          attempts: 1,
          work: { kind: 'shell', run },
          spec: requires === undefined ? {} : { requires },
        }),
      ),
    );
    // Whoever has a slot beside the one that runs is in its way by now, and fails.
    await eventually('all to have come to the queues, and one to run', async () => {
      const now = await Promise.all(
        ids.map(async (id) =>
          pendingPhaseOf(await engine.handle(id).describe(), engine.client.options.loadedDataConverter),
        ),
      );
      return now.every((phase) => phase !== null) && existsSync(busy);
    });
    await writeFile(go, '');
    for (const id of ids) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', failure: null });
  });

  it('takes none of them while its host is drained, and all once it is not', async () => {
    const project = await SampleProject.create({ 'tasks.yaml': projectFile().replace('sample', 'drained'), ...FILES });
    const env = cliEnvironment(engine.home, engine.servers);
    const hosts = (...argv: string[]): Promise<CliRun> => cli({ cwd: engine.home, env }, ['hosts', ...argv]);
    const [host] = (await hosts('--json')).json<{ id: string }>();
    const id = host?.id ?? '';
    const isDrained = async (): Promise<boolean> => (await hosts('--json')).stdout.includes('"state":"drained"');
    await hosts('drain', id);
    await eventually('the host to be drained', isDrained);
    const task = await engine.submit(project, { title: 'Waits', attempts: 1, spec: { requires: ['gpu'] } });
    await eventually('it to be told', async () => (await hosts()).stderr.includes('1 task waits'));
    expect((await hosts()).stderr).toBe(
      `tasks: 1 task waits: only drained hosts have gpu: ${id}; tasks hosts undrain ${id}\n`,
    );
    expect((await engine.ledger.readTask(task))?.waitingFor?.kind).toBe('host');
    await hosts('undrain', id);
    expect(await engine.untilEnded(task)).toMatchObject({ state: 'landed' });
  });
});
