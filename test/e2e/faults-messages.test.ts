import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { Happened } from '../../src/core/task-events.ts';
import { carryQuery, TASK_QUEUES, updateOf, WORKFLOW_TYPES, type TaskInput } from '../../src/workflows/messages.ts';
import { Engine, type SubmitOptions } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

const ASKS = `grep -q 'answered:\\*\\* yes' "$TASKS_PROMPT_FILE" || printf '{"status":"question","question":"Sure?"}' > "$TASKS_REPORT_FILE"`;

let count = 0;

/** A project whose agent asks in its first phase. */
async function sample(gate = GATE): Promise<{ name: string; project: SampleProject }> {
  count += 1;
  const name = `messages-${count}`;
  const project = await SampleProject.create({
    'tasks.yaml': projectFile('  phases: [execute]').replace('sample', name),
    'gate.sh': gate,
    'agent.sh': agentScript({ execute: `${ASKS}; echo x > work` }),
  });
  return { name, project };
}

describe('a task that is sent', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  const handle = (id: TaskId) => engine.client.workflow.getHandle(workflowIds.task(id));
  const submit = (project: SampleProject, run: string, more: Partial<SubmitOptions> = {}): Promise<TaskId> =>
    engine.submit(project, { title: 'Work', attempts: 1, work: { kind: 'shell', run }, ...more });
  const asking = async (): Promise<{ id: TaskId; project: SampleProject }> => {
    const { project } = await sample();
    const id = await engine.submit(project, { title: 'Asks', attempts: 1 });
    await engine.untilWaiting(id, 'question');
    return { id, project };
  };
  /** Once the ledger has so many of a kind. */
  const happened = (id: TaskId, kind: Happened['kind'], times: number): Promise<readonly Happened[]> =>
    eventually(`${times} of ${kind} on the record`, async () => {
      const all = (await engine.ledger.readEvents(id)).map((event) => event.happened);
      const found = all.filter((event) => event.kind === kind);
      return found.length === times ? found : null;
    });

  it('an answer as a signal with nothing but its text goes on with it, in the name of who sent it', async () => {
    const { id } = await asking();
    await handle(id).signal('answer', { text: 'yes' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const { exchanges } = await engine.detail(id);
    expect(exchanges).toMatchObject([{ question: 'Sure?', answer: 'yes', actor: engine.client.options.identity }]);
  });

  it('signals that make no sense stays as it is, has each refusal on record, and goes on', async () => {
    const { id } = await asking();
    const payloads: readonly (readonly unknown[])[] = [
      [],
      [null],
      [7],
      [{ text: ' ' }],
      [{ text: 'yes', version: 7, actor: 'Ada' }],
      [{ text: 7, messageId: {}, actor: [] }],
    ];
    for (const payload of payloads) await handle(id).signal('answer', ...payload);
    const refusals = await happened(id, 'refused', payloads.length);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ message: 'answer', reason: expect.stringMatching(/^[^\n]+$/) });
    }
    expect(await engine.detail(id)).toMatchObject({ view: { state: 'waiting', attempt: 3 }, exchanges: [] });
    await engine.answer(id, 'yes');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('a retry as a signal while there is nothing to retry has the refusal on record', async () => {
    const { id } = await asking();
    await handle(id).signal('retry');
    expect(await happened(id, 'refused', 1)).toMatchObject([{ message: 'retry' }]);
    await engine.cancel(id);
    await engine.untilEnded(id);
  });

  it('one answer by update and by signal counts it once', async () => {
    const { id } = await asking();
    await engine.answer(id, 'yes', 'the-message');
    await handle(id).signal('answer', { text: 'yes', messageId: 'the-message' });
    await handle(id).signal('answer', { text: 'yes', messageId: 'the-message' });
    await engine.untilEnded(id);
    expect((await engine.detail(id)).exchanges).toHaveLength(1);
    expect(await happened(id, 'answered', 1)).toHaveLength(1);
    expect(await happened(id, 'refused', 0)).toEqual([]);
  });

  it('an answer and its opposite at the same time takes one and refuses the other', async () => {
    const { id } = await asking();
    const sent = await Promise.allSettled([engine.answer(id, 'yes'), engine.answer(id, 'yes, but not so')]);
    expect(sent.map((each) => each.status).toSorted((a, b) => a.localeCompare(b))).toEqual(['fulfilled', 'rejected']);
    await eventually('the task to have gone on', async () => (await engine.detail(id)).exchanges.length === 1);
    await happened(id, 'refused', 1);
    await engine.cancel(id);
    await engine.untilEnded(id);
    expect((await engine.detail(id)).exchanges).toHaveLength(1);
  });

  it('words of landing that make no sense, while it lands, lands all the same', async () => {
    const { name, project } = await sample(`while [ ! -e '${engine.home}/open-words' ]; do sleep 0.02; done\n`);
    const id = await submit(project, 'echo x > work');
    await eventually('its gate', async () => (await engine.queue(name)).rows[0]?.state === 'gating');
    const words: readonly unknown[] = [
      undefined,
      null,
      'landed',
      {},
      { kind: 'praised', handoff: 1 },
      { kind: 'landed', handoff: 1 },
    ];
    for (const word of [...words, { kind: 'constructor', handoff: 1 }]) await handle(id).signal('landing-reply', word);
    for (const signal of ['hand-off', 'withdraw']) {
      for (const word of words) {
        await engine.client.workflow.getHandle(`integration/${name}/main`).signal(signal, word);
      }
    }
    await writeFile(join(engine.home, 'open-words'), '');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });

  it('a cancel while it asks ends, and takes no answer any more', async () => {
    const { id, project } = await asking();
    await engine.cancel(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled', waitingFor: null });
    await expect(engine.answer(id, 'yes')).rejects.toThrow();
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('a cancel while it is parked ends', async () => {
    const { project } = await sample();
    const id = await submit(project, 'exit 3');
    await engine.untilWaiting(id, 'attempts');
    await engine.cancel(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
  });

  it('a cancel while it waits to try again ends at once', async () => {
    const { project } = await sample();
    const id = await submit(project, `echo run >> '${engine.home}/tries'; exit 3`, { attempts: 3 });
    await engine.untilWaiting(id, 'retry');
    await engine.cancel(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled', attempt: 1 });
  });

  it('a cancel while landing is held ends, and its work does not land when the origin is back', async () => {
    const { name, project } = await sample(`while [ ! -e '${engine.home}/open-held' ]; do sleep 0.02; done\n`);
    const id = await submit(project, 'echo x > work');
    await eventually('its gate', async () => (await engine.queue(name)).rows[0]?.state === 'gating');
    await rename(project.origin, `${project.origin}.away`);
    await writeFile(join(engine.home, 'open-held'), '');
    await engine.untilWaiting(id, 'origin');
    await engine.cancel(id);
    // While the origin is away nobody knows whether the push came through: the queue answers when it is back.
    await eventually('the queue to hear of it', async () => {
      const { events } = await engine.client.workflow.getHandle(`integration/${name}/main`).fetchHistory();
      return events?.some((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'withdraw');
    });
    await rename(`${project.origin}.away`, project.origin);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled', commit: null });
    expect((await engine.queue(name)).rows).toEqual([]);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it.each([
    ['has landed when the origin takes it', 0, 'landed', ['Work', 'Begin']],
    ['is canceled when the origin does not', 1, 'canceled', ['Begin']],
  ] as const)('a cancel in the middle of its push %s', async (_what, code, state, subjects) => {
    const { project } = await sample();
    const at = await holdsPushes(project, code);
    const id = await submit(project, 'echo x > work');
    await eventually('the push', () => existsSync(at.begun));
    await engine.cancel(id);
    await happened(id, 'cancel-requested', 1);
    expect(await engine.detail(id)).toMatchObject({ view: { state: 'landing' } });
    await writeFile(at.go, '');
    expect(await engine.untilEnded(id)).toMatchObject({ state });
    expect(await project.subjects()).toEqual(subjects);
  });

  it('a retry after it was canceled lands with the next attempt and the person on record', async () => {
    const { id, project } = await asking();
    await engine.cancel(id);
    await engine.untilEnded(id);
    await expect(handle(id).executeUpdate(updateOf('retry'), { args: [{}] })).rejects.toThrow();

    const input: TaskInput = await handle(id).query(carryQuery);
    const again = (): Promise<unknown> =>
      engine.client.workflow.start(WORKFLOW_TYPES.task, {
        workflowId: workflowIds.task(id),
        taskQueue: TASK_QUEUES.tasks,
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        args: [{ ...input, retriedBy: 'Ada' }],
      });
    await again();
    await expect(again()).rejects.toThrow();
    expect(await engine.untilWaiting(id, 'question')).toMatchObject({ attempt: 4, endedAt: null });
    await engine.answer(id, 'yes');
    const view = await engine.untilEnded(id);
    expect(view).toMatchObject({ state: 'landed', attempt: 5 });
    expect(await project.subjects()).toEqual(['Asks', 'Begin']);
    expect(await happened(id, 'retried', 1)).toMatchObject([{ actor: 'Ada' }]);
    const sequences = (await engine.ledger.readEvents(id)).map((event) => event.sequence);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    await eventually('the record', async () => (await engine.ledger.readTask(id))?.state === 'landed');
  });
});

/** The origin's hook holds each push to main until it is told to let it through (0) or to refuse it (1). */
async function holdsPushes({ origin }: SampleProject, code: 0 | 1): Promise<{ begun: string; go: string }> {
  const begun = join(origin, 'begun');
  const go = join(origin, 'go');
  const hook = join(origin, 'hooks', 'pre-receive');
  await rm(hook, { force: true });
  await writeFile(
    hook,
    `#!/bin/sh\ngrep -q refs/heads/main || exit 0\n: > '${begun}'\nfor i in $(seq 500); do [ -e '${go}' ] && break; sleep 0.02; done\nexit ${code}\n`,
  );
  await chmod(hook, 0o755);
  return { begun, go };
}
