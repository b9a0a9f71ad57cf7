import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { RunningTemporal } from '../../src/local/temporal-server.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { impatientServer } from '../support/impatient-server.ts';

const TASKS = 4;

describe('workflows whose histories grow long', () => {
  const shared = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
  let server: RunningTemporal;
  let engine: Engine;

  beforeAll(async () => {
    server = await impatientServer();
    process.env['TEST_TEMPORAL_ADDRESS'] = server.address;
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
    process.env['TEST_TEMPORAL_ADDRESS'] = shared;
    await server.stop();
  });

  /** How often a workflow has begun anew, as the server knows it. */
  const runsOf = async (workflowId: string): Promise<{ continued: number; others: string[] }> => {
    const statuses: string[] = [];
    for await (const run of engine.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
      statuses.push(run.status.name);
    }
    const others = statuses.filter((status) => status !== 'CONTINUED_AS_NEW');
    return { continued: statuses.length - others.length, others };
  };

  it('continue as new again and again, with tasks in the queue, and lose and repeat nothing', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('sample', 'long'),
      'gate.sh': `${GATE}while [ ! -e '${engine.home}/go' ]; do sleep 0.02; done\n`,
      'agent.sh': agentScript({
        plan: `grep -q 'answered:\\*\\* yes' "$TASKS_PROMPT_FILE" || printf '{"status":"question","question":"Sure?"}' > "$TASKS_REPORT_FILE"`,
        execute: 'echo x > "$TASKS_TASK_ID"; [ -e first ] || touch broken first',
        revise: 'rm -f broken',
      }),
    });
    const ids: TaskId[] = [];
    for (let number = 1; number <= TASKS; number += 1) {
      ids.push(await engine.submit(project, { title: `Task ${number}` }));
    }
    await Promise.all(
      ids.map(async (id) => {
        await engine.untilWaiting(id, 'question');
        await engine.answer(id, 'yes', `answer to ${id}`);
      }),
    );
    await eventually('all to be in line', async () => (await engine.queue('long')).rows.length === TASKS);
    // The same answers once more, to runs that know of them only what was handed on.
    for (const id of ids) {
      expect(await engine.answer(id, 'yes', `answer to ${id}`)).toMatchObject({ kind: 'taken' });
    }
    await writeFile(join(engine.home, 'go'), '');

    const views = await Promise.all(ids.map((id) => engine.untilEnded(id)));
    expect(views.map((view) => view.state)).toEqual(ids.map(() => 'landed'));
    const landed = (await project.subjects()).toSorted((a, b) => a.localeCompare(b));
    expect(landed).toEqual(['Begin', ...ids.map((_, index) => `Task ${index + 1}`)]);
    for (const id of ids) {
      const { exchanges } = await engine.detail(id);
      expect(exchanges).toHaveLength(1);
      const events = await eventually('the record', async () => {
        const all = await engine.ledger.readEvents(id);
        return all.at(-1)?.happened.kind === 'ended' ? all : null;
      });
      expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
      expect(await runsOf(workflowIds.task(id))).toMatchObject({ others: ['COMPLETED'] });
      expect((await runsOf(workflowIds.task(id))).continued).toBeGreaterThanOrEqual(2);
    }
    expect(await engine.queue('long')).toMatchObject({ landed: TASKS, rows: [] });
    const queue = await runsOf('integration/long/main');
    expect(queue.others).toEqual(['RUNNING']);
    expect(queue.continued).toBeGreaterThanOrEqual(2);
  });

  it('continue as new between what they ask, and take each reply once, by its version and its id', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('approve: [plan, patch]').replace('sample', 'asked'),
      'gate.sh': GATE,
      'agent.sh': agentScript({
        understand: `grep -q 'answered:' "$TASKS_PROMPT_FILE" || printf '{"status":"question","questions":[{"question":"One?"},{"question":"Two?"}]}' > "$TASKS_REPORT_FILE"`,
        plan: 'echo The plan. > "$TASKS_TASK_DIR/plan.md"',
        execute: 'cp "$TASKS_TASK_DIR/plan.md" work',
      }),
    });
    const id = await engine.submit(project, { title: 'Asks' });
    const open = (version: number): Promise<unknown> =>
      eventually(`version ${version}`, async () =>
        (await engine.detail(id)).asks.some((ask) => ask.version === version),
      );
    await open(2);
    await engine.reply(id, 'answer', { version: 2, text: 'two', messageId: 'two' });
    for (let number = 0; number < 10; number += 1) await engine.reply(id, 'comment', { text: `Comment ${number}` });
    await engine.handle(id).signal('answer', { version: 1, text: 'one' });
    await open(3);
    await engine.reply(id, 'approve', { version: 3, text: 'Mine.', messageId: 'plan' });
    await open(4);
    // To runs that know of these only what was handed on.
    expect(await engine.reply(id, 'answer', { version: 2, text: 'two', messageId: 'two' })).toMatchObject({
      kind: 'taken',
    });
    expect(await engine.reply(id, 'approve', { version: 3, messageId: 'plan' })).toMatchObject({ kind: 'taken' });
    await expect(engine.reply(id, 'reject', { version: 3, reason: 'Late.' })).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/^3 was approved with edits by Ada at /) },
    });
    await engine.reply(id, 'approve', { version: 4 });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.read('work')).toBe('Mine.');
    expect((await runsOf(workflowIds.task(id))).continued).toBeGreaterThanOrEqual(2);
    const { exchanges } = await engine.detail(id);
    expect(exchanges.map(({ answer, actor }) => `${actor}: ${answer}`)).toEqual([
      'Ada: two',
      ...Array.from({ length: 10 }, (_, number) => `Ada: Comment ${number}`),
      `${engine.client.options.identity}: one`,
      'Ada: approved with edits; what holds is:\nMine.',
      'Ada: approved',
    ]);
  });
});
