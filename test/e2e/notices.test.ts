import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { TaskId } from '../../src/core/ids.ts';
import { noticesOf } from '../../src/core/notice.ts';
import type { NoticeInput, NoticeMessage } from '../../src/core/notice-types.ts';
import { NOTICE_KINDS, type NoticeKind, type NotifyRule } from '../../src/core/task-types.ts';
import { TASK_QUEUES, WORKFLOW_TYPES } from '../../src/workflows/messages.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { listen, type Listener } from '../support/listener.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

const SECRET = 'a-path-that-nobody-may-see';

const rule = (to: string, ...events: NoticeKind[]): NotifyRule => ({
  to,
  events: events.length === 0 ? NOTICE_KINDS : events,
  quiet: null,
});

function sample(name: string, agent: Parameters<typeof agentScript>[0], more = ''): Promise<SampleProject> {
  return SampleProject.create({
    'tasks.yaml': projectFile(more).replace('sample', name),
    'gate.sh': GATE,
    'agent.sh': agentScript(agent),
  });
}

/** Everything that a history holds, payloads included, as text. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(textOf).join(' ');
}

describe('people who are told of tasks', () => {
  let engine: Engine;
  let listener: Listener;
  /** Beside the listener, for one test. */
  let targets = '';

  beforeAll(async () => {
    listener = await listen();
    engine = await Engine.start({
      hostFile: () => `targets:\n  hook: {webhook: "${listener.url}/${SECRET}"}\n${targets}`,
      limits: { noticeMs: 2_000 },
      ui: 'http://ui.test',
    });
  });

  beforeEach(() => {
    targets = '';
    listener.heard.length = 0;
    listener.reply = (response) => void response.end();
  });

  afterAll(async () => {
    await engine.stop();
    await listener.close();
  });

  const told = (id: TaskId): NoticeMessage[] =>
    listener.heard.map(({ body }) => JSON.parse(body) as NoticeMessage).filter(({ task }) => task === id);

  /** The first notice of a task's workflow, by its events in the ledger. */
  const outcomeOf = async (id: TaskId, happened: string): Promise<unknown> => {
    const event = await eventually('the event in the ledger', async () =>
      (await engine.ledger.readEvents(id)).find((each) => each.happened.kind === happened),
    );
    return engine.client.workflow.getHandle(`notice/${id}/${event.sequence}`).result();
  };

  /** As if the task's question had been asked an hour ago. */
  const startNotice = async (id: TaskId, notBeforeMs: number): Promise<void> => {
    const event = await eventually('the question in the ledger', async () =>
      (await engine.ledger.readEvents(id)).find(({ happened }) => happened.kind === 'asked'),
    );
    const view = await engine.ledger.readTask(id);
    const [notice] = view === null ? [] : noticesOf(view, [event], () => true);
    if (notice === undefined) throw new Error('there is nothing to tell');
    const at = new Date(Date.now() - 60 * 60 * 1_000).toISOString();
    const input: NoticeInput = { notice: { ...notice, at, url: null }, deliveries: [{ to: 'hook', notBeforeMs }] };
    await engine.client.workflow.start(WORKFLOW_TYPES.notice, {
      workflowId: notice.id,
      taskQueue: TASK_QUEUES.tasks,
      args: [input],
    });
  };

  it('are told of a question with the command that answers it, and of the landing, by the rules in tasks.yaml', async () => {
    const project = await sample(
      'told',
      {
        plan: `grep -q 'yes' "$TASKS_PROMPT_FILE" || printf '{"status":"question","question":"Which <one>?"}' > "$TASKS_REPORT_FILE"`,
        execute: 'echo x > y',
      },
      'notify: [{to: hook, events: [asks, landed]}]',
    );
    const id = await engine.submit(project, { title: 'Sort the imports' });
    await engine.untilWaiting(id, 'question');
    await eventually('the notice', () => told(id).length > 0);
    await engine.answer(id, 'yes');
    await engine.untilEnded(id);
    await eventually('the other notice', () => told(id).length > 1);
    expect(told(id)).toEqual([
      {
        id: expect.stringMatching(`^notice/${id}/\\d+$`),
        event: 'asks',
        project: 'told',
        task: id,
        title: 'Question: Sort the imports (told)',
        text: 'Which <one>?',
        commands: [`tasks answer ${id}@1 "…"`],
        url: `http://ui.test/namespaces/${engine.namespace.namespace}/workflows/task%2F${id}`,
        at: expect.any(String),
      },
      expect.objectContaining({ event: 'landed', text: expect.stringContaining('is on main') }),
    ]);
    await expect(outcomeOf(id, 'asked')).resolves.toEqual([{ to: 'hook', kind: 'sent', said: 'HTTP 200' }]);
  });

  it('are told of an attempt that says nothing, of its task that waits for them, and of a task that fails', async () => {
    const project = await sample('stalls', {});
    const policy = { notify: [rule('hook')] };
    const stalls = await engine.submit(project, {
      title: 'Says nothing',
      attempts: 1,
      idleTimeoutMs: 300,
      work: { kind: 'shell', run: 'while :; do sleep 1; done' },
      policy,
    });
    const work = { kind: 'agent', agent: 'nobody' } as const;
    const fails = await engine.submit(project, { title: 'Has no agent', work, policy });
    expect(await engine.untilEnded(fails)).toMatchObject({ state: 'failed' });
    await engine.untilWaiting(stalls, 'attempts');
    await eventually('three notices', () => told(stalls).length === 2 && told(fails).length === 1);
    const kinds = told(stalls).map(({ event }) => event);
    expect(kinds.toSorted((a, b) => a.localeCompare(b))).toEqual(['parked', 'stalled']);
    expect(told(fails)).toMatchObject([{ event: 'failed', text: expect.stringContaining('has no agent nobody') }]);
    await engine.cancel(stalls);
    await engine.untilEnded(stalls);
  });

  it('are told once of an event that is recorded again and again while the ledger is away', async () => {
    const project = await sample('again', {});
    await engine.loseLedger();
    const id = await engine.submit(project, {
      title: 'Fails',
      attempts: 1,
      work: { kind: 'shell', run: 'exit 3' },
      policy: { notify: [rule('hook')] },
    });
    await engine.untilWaiting(id, 'attempts');
    await eventually('the notice', () => told(id).length > 0);
    // A new worker remembers nothing of what the last one told.
    await engine.drainWorker();
    await engine.startWorker();
    const before = (await engine.detail(id)).unrecorded.length;
    expect(before).toBeGreaterThan(0);
    await engine.findLedger();
    await eventually('the record', async () => (await engine.detail(id)).unrecorded.length === 0);
    expect(told(id)).toHaveLength(1);
    expect(told(id)[0]).toMatchObject({ event: 'parked', commands: [`tasks retry ${id}`, `tasks cancel ${id}`] });
    await engine.cancel(id);
    await engine.untilEnded(id);
  });

  it('do not keep a task from landing when their target never answers, and are told when it does', async () => {
    listener.reply = () => undefined;
    const project = await sample('never', {});
    const id = await engine.submit(project, {
      title: 'Lands all the same',
      work: { kind: 'shell', run: 'echo x > y' },
      policy: { notify: [rule('hook')] },
    });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    await eventually('a second try', () => told(id).length > 1);
    expect(engine.log.join('\n')).toContain('did not answer within 2000 ms');
    listener.reply = (response) => void response.end();
    await expect(outcomeOf(id, 'landed')).resolves.toEqual([{ to: 'hook', kind: 'sent', said: 'HTTP 200' }]);
    // Each try is the same notice to its receiver.
    expect(new Set(listener.heard.map(({ headers }) => headers['x-tributary-delivery'])).size).toBe(1);
  });

  it('see a notice that its target refuses as a failed workflow, without the target’s secrets', async () => {
    listener.reply = (response, { path }) => void response.writeHead(403).end(`go away from ${path}`);
    const project = await sample('refused', {});
    const id = await engine.submit(project, {
      title: 'Nobody hears of it',
      work: { kind: 'shell', run: 'echo x > y' },
      policy: { notify: [rule('hook', 'landed')] },
    });
    await engine.untilEnded(id);
    const error: unknown = await outcomeOf(id, 'landed').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ cause: { message: 'hook: answered HTTP 403: go away from […]' } });
    expect(told(id)).toHaveLength(1);
    expect(engine.log.join('\n')).not.toContain(SECRET);
    const histories: string[] = [];
    for await (const { workflowId } of engine.client.workflow.list()) {
      const history = await engine.client.workflow.getHandle(workflowId).fetchHistory();
      histories.push(textOf(history));
    }
    expect(histories.join(' ')).toContain('Nobody hears of it');
    expect(histories.join(' ')).not.toContain(SECRET);
  });

  it('are told once their target is in the host’s file, though it was missing at first', async () => {
    const project = await sample('missing', {});
    const id = await engine.submit(project, {
      title: 'Waits for its target',
      work: { kind: 'shell', run: 'echo x > y' },
      policy: { notify: [rule('later', 'landed')] },
    });
    await engine.untilEnded(id);
    const event = await eventually('the event', async () =>
      (await engine.ledger.readEvents(id)).find(({ happened }) => happened.kind === 'landed'),
    );
    const handle = engine.client.workflow.getHandle(`notice/${id}/${event.sequence}`);
    await eventually('a try', async () => {
      const [pending] = (await handle.describe()).raw.pendingActivities ?? [];
      return pending?.lastFailure?.message?.includes('has hook; add later under targets: in its host.yaml');
    });
    targets = `  later: {slack: "${listener.url}/late"}\n`;
    await expect(handle.result()).resolves.toEqual([{ to: 'later', kind: 'sent', said: 'HTTP 200' }]);
    expect(listener.heard.map(({ path }) => path)).toEqual(['/late']);
  });

  it('are told of what waited for the end of quiet hours only if it still holds by then', async () => {
    const project = await sample('later', {
      plan: `grep -q 'yes' "$TASKS_PROMPT_FILE" || printf '{"status":"question","question":"Sure?"}' > "$TASKS_REPORT_FILE"`,
    });
    const ids = await Promise.all(['Open', 'Answered'].map((title) => engine.submit(project, { title })));
    const [open, answered] = ids as [TaskId, TaskId];
    for (const id of ids) await engine.untilWaiting(id, 'question');
    const notBeforeMs = Date.now() + 1_500;
    for (const id of ids) await startNotice(id, notBeforeMs);
    await engine.answer(answered, 'yes');
    await engine.untilEnded(answered);
    await eventually('the ledger to know', async () => (await engine.ledger.readTask(answered))?.endedAt);
    await expect(outcomeOf(open, 'asked')).resolves.toMatchObject([{ to: 'hook', kind: 'sent' }]);
    expect(Date.now()).toBeGreaterThanOrEqual(notBeforeMs);
    await expect(outcomeOf(answered, 'asked')).resolves.toMatchObject([{ to: 'hook', kind: 'settled' }]);
    expect(told(answered)).toEqual([]);
    expect(told(open)).toHaveLength(1);
    await engine.cancel(open);
    await engine.untilEnded(open);
  });

  it('are told nothing of a task that no rule names, for which nothing is started', async () => {
    const project = await sample('quiet', {});
    const id = await engine.submit(project, { title: 'Nobody asks', work: { kind: 'shell', run: 'echo x > y' } });
    // What is told is begun before the worker says that the task's end is on record.
    await eventually('all to be on record', async () => {
      const { view, unrecorded } = await engine.detail(id);
      return view.endedAt !== null && unrecorded.length === 0;
    });
    expect(told(id)).toEqual([]);
    const events = await engine.ledger.readEvents(id);
    expect(events.map(({ happened }) => happened.kind)).toContain('landed');
    for (const { sequence } of events) {
      const notice = engine.client.workflow.getHandle(`notice/${id}/${sequence}`);
      await expect(notice.describe()).rejects.toThrow(WorkflowNotFoundError);
    }
  });
});
