/** The dead letters, and what takes them up again, with a real worker. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliOptions, type CliRun } from './rig.ts';

const FATAL = { kind: 'agent', agent: 'missing' } as const;

describe('tasks that failed', () => {
  let engine: Engine;
  let project: SampleProject;
  let env: Record<string, string>;
  const mended = (): string => join(engine.home, 'mended');

  beforeAll(async () => {
    engine = await Engine.start();
    const guard = `test -e '${mended()}' || exit 3`;
    project = await SampleProject.create(
      {
        'tasks.yaml': projectFile('attempts: 1'),
        'gate.sh': GATE,
        'agent.sh': agentScript({
          plan: `echo p >> '${engine.home}'/plans-$TASKS_TASK_ID`,
          execute: `${guard}; echo x > "$TASKS_TASK_ID"`,
        }),
      },
      'bare',
    );
    await project.git('fetch', '--quiet', 'origin');
    env = cliEnvironment(engine.home, engine.servers);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const tasks = (argv: readonly string[], options: CliOptions = {}): Promise<CliRun> =>
    cli({ cwd: project.clone, env }, argv, options);
  const listed = async (): Promise<(TaskView & { dead: string })[]> => (await tasks(['failed', '--json'])).json();
  const untilListed = (ids: readonly TaskId[]): Promise<unknown> =>
    eventually('the ledger to have them', async () => {
      const known = (await listed()).map(({ id }) => id);
      return ids.every((id) => known.includes(id));
    });
  const waiting = async (title: string): Promise<TaskId> => {
    const id = await engine.submit(project, { title });
    await engine.untilWaiting(id, 'attempts');
    return id;
  };

  it('are listed with why, those that wait and those that ended, and no others', async () => {
    expect(await tasks(['failed'])).toMatchObject({ code: 0, stdout: '', stderr: 'no task has failed\n' });
    const parked = await waiting('Wait');
    const ended = await engine.submit(project, { title: 'End', work: FATAL });
    await engine.untilEnded(ended);
    const canceled = await waiting('Not wanted');
    await engine.cancel(canceled);
    await engine.untilEnded(canceled);
    await untilListed([parked, ended]);
    await eventually('the cancel to be on record', async () => (await listed()).length === 2);
    expect(await listed()).toEqual([
      expect.objectContaining({ id: ended, dead: 'ended', state: 'failed' }),
      expect.objectContaining({ id: parked, dead: 'waits', phase: 'execute', attempt: 3 }),
    ]);
    const { code, stdout, stderr } = await tasks(['failed', '--project', 'sample']);
    expect(stdout).toMatch(new RegExp(`^${parked} +waits +execute +3 +sample .*Wait — agent-failed: `, 'm'));
    expect(stdout).toMatch(new RegExp(`^${ended} +ended `, 'm'));
    expect(stderr).toContain('tasks retry --all-failed');
    expect(code).toBe(0);
    expect((await tasks(['failed', '--project', 'other', '--json'])).stdout).toBe('');
  });

  it('are all retried by one command, each told; who asks again finds nothing more to do', async () => {
    const parked = await waiting('Wait too');
    await untilListed([parked]);
    await writeFile(mended(), '');
    const before = await listed();
    const run = await tasks(['retry', '--all-failed', '--json']);
    const outcomes = run.json<{ id: TaskId; how: string }>();
    expect(outcomes.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
    const states = new Map(before.map(({ id, dead }) => [id, dead === 'ended' ? 'restarted' : 'retried']));
    for (const { id, how } of outcomes) expect(how).toBe(states.get(id));
    expect(run.code).toBe(0);
    const waited = before.filter(({ dead }) => dead === 'waits');
    for (const { id, attempt } of waited) {
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: attempt + 1 });
    }
    await eventually('the record', async () => (await listed()).length === 1);
    // What cannot be helped by trying again is failed again.
    expect(await tasks(['retry', '--where', 'project=sample,state=waiting'])).toMatchObject({ code: 0, stdout: '' });
    await rm(mended());
  });

  it('go on from an earlier phase where one is named', async () => {
    const id = await waiting('From the plan');
    const refused = await tasks(['retry', id, '--from', 'revise']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('it is no further than its execute phase');
    await writeFile(mended(), '');
    expect(await tasks(['retry', id, '--from', 'plan', '--json'])).toMatchObject({ code: 0 });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 5 });
    await eventually('the record', async () => (await engine.ledger.readTask(id))?.state === 'landed');
    const phases = (await engine.ledger.readAttempts(id)).map(({ phase }) => phase);
    expect(phases).toEqual(['understand', 'plan', 'execute', 'plan', 'execute']);
    await rm(mended());
  });

  it('are retried though one of them cannot be, which is told', async () => {
    const [one, other] = [await waiting('One'), await waiting('Other')];
    await engine.cancel(other);
    await engine.untilEnded(other);
    await writeFile(mended(), '');
    const landed = await engine.submit(project, { title: 'Lands' });
    await engine.untilEnded(landed);
    const run = await tasks(['retry', one, landed, other, '--json']);
    expect(run.json<{ id: TaskId }>().toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(
      [
        { id: one, how: 'retried' },
        { id: landed, how: 'refused', reason: expect.stringContaining('it ended as landed') },
        { id: other, how: 'restarted' },
      ].toSorted((a, b) => a.id.localeCompare(b.id)),
    );
    expect(run).toMatchObject({ code: 1, stderr: 'tasks: 2 of 3 are retried, 1 are not\n' });
    for (const id of [one, other]) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('are canceled beside one that is not there, which is named', async () => {
    await rm(mended(), { force: true });
    const id = await waiting('Not wanted either');
    const run = await tasks(['cancel', 'zzzzzzzzzz', id]);
    expect(run.stdout).toBe(`${id}  is asked to stop; see it end with: tasks wait ${id}\n`);
    expect(run).toMatchObject({
      code: 1,
      stderr: 'tasks: no task begins with "zzzzzzzzzz"; tasks list --all shows them\n',
    });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
  });

  it.each([
    [['retry'], /name tasks, or give --all-failed, or --where/],
    [['retry', '3fa0000000', '--all-failed'], /one of the three/],
    [['retry', '--where', 'state=landed'], /^tasks: --where: state: "landed" cannot be retried/],
    [['retry', '--all-failed', '--from', 'deploy'], /^tasks: --from: "deploy" is no phase/],
  ])('are not touched by %j', async (argv, reason) => {
    const run = await tasks(argv);
    expect(run.stderr).toMatch(reason);
    expect(run).toMatchObject({ code: 2, stdout: '' });
  });
});
