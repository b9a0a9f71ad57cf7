import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client, Connection, defaultPayloadConverter } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { randomBytes } from 'node:crypto';
import { deliver, QUEUE_QUERY } from '../../src/activities/notice-deliver.ts';
import { endOfQuietMs, NOTICE, NoticeStarter, type NoticeStarterOptions } from '../../src/activities/notice-start.ts';
import { taskIdFromBytes, workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { Delivered, Notice, NoticeInput, NoticeTargets } from '../../src/core/notice-types.ts';
import { ok } from '../../src/core/parsed.ts';
import { newTask } from '../../src/core/task.ts';
import type { Happened, TaskEvent } from '../../src/core/task-events.ts';
import { recordRequestOf, type RecordRequest } from '../../src/core/task-request.ts';
import { NOTICE_KINDS, type NotifyRule } from '../../src/core/task-types.ts';
import { LedgerUnavailable } from '../../src/ledger/types.ts';
import { createNotifyRoom } from '../../src/notify/room.ts';
import { queueQuery, TASK_QUEUES, WORKFLOW_TYPES } from '../../src/workflows/messages.ts';
import { after, around, asked, attemptEnded, SPEC } from '../core/rig.ts';
import { listen, type Listener } from '../support/listener.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';

const RULE: NotifyRule = { to: 'phone', events: NOTICE_KINDS, quiet: null };
const NIGHT = { fromMinute: 22 * 60, toMinute: 7 * 60 };
/** By the clock on the wall of whatever machine this runs on. */
const local = (day: number, hour: number, minute = 0): number => new Date(2026, 0, day, hour, minute).getTime();

function newId(): TaskId {
  return taskIdFromBytes(randomBytes(16));
}

/** A task's record once it has asked something. */
function askedRecord(notify: readonly NotifyRule[], id: TaskId = newId()): RecordRequest {
  const spec = { ...SPEC, id, policy: { ...SPEC.policy, notify } };
  const task = after(newTask(around({ spec })), [attemptEnded(1, asked())], around({ spec }));
  return recordRequestOf(task, spec);
}

describe('the start of a notice', () => {
  let namespace: TestNamespace;
  let connection: Connection;
  let client: Client;
  const log: string[] = [];

  beforeAll(async () => {
    namespace = await testNamespace({});
    connection = await Connection.connect({ address: namespace.address });
    client = new Client({ connection, namespace: namespace.namespace });
  });

  beforeEach(() => {
    log.length = 0;
  });

  afterAll(async () => {
    await connection.close();
    await namespace.drop();
  });

  const starter = (change: Partial<NoticeStarterOptions> = {}): NoticeStarter =>
    new NoticeStarter({
      client,
      rules: [],
      readUi: () => Promise.resolve(null),
      nowMs: Date.now,
      log: (message, facts) => log.push(`${message} ${JSON.stringify(facts)}`),
      ...change,
    });

  /** What the notices of a task were started with, by sequence. */
  const started = async ({ view, events }: RecordRequest): Promise<NoticeInput[]> => {
    const inputs: NoticeInput[] = [];
    for (const { sequence } of events) {
      const handle = client.workflow.getHandle(workflowIds.notice(view.id, sequence));
      const { events: history = [] } = await handle.fetchHistory().catch(() => ({ events: [] }));
      const [payload] = history?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      if (payload !== undefined) inputs.push(defaultPayloadConverter.fromPayload<NoticeInput>(payload));
    }
    return inputs;
  };

  it('uses the names that the workflows’ contract has', () => {
    expect(NOTICE).toEqual({ type: WORKFLOW_TYPES.notice, taskQueue: TASK_QUEUES.tasks });
    expect(QUEUE_QUERY).toBe(queueQuery.name);
  });

  it('has what is told, where the task is seen, and each target by its name alone', async () => {
    const request = askedRecord([RULE]);
    const host: NotifyRule = { ...RULE, to: 'desk', events: ['asks'] };
    const ui = 'http://ui.test';
    await expect(starter({ rules: [host], readUi: () => Promise.resolve(ui) }).tell(request)).resolves.toBe(true);
    expect(await started(request)).toMatchObject([
      {
        notice: {
          event: 'asks',
          task: request.view.id,
          versions: [1],
          url: expect.stringContaining(`${ui}/namespaces/`),
        },
        deliveries: [
          { to: 'phone', notBeforeMs: null },
          { to: 'desk', notBeforeMs: null },
        ],
      },
    ]);
  });

  it('takes a title and a text of the longest letters', async () => {
    const request = askedRecord([RULE]);
    const long = { ...request, view: { ...request.view, title: '題'.repeat(200) } };
    await expect(starter().tell(long)).resolves.toBe(true);
    expect(log).toEqual([]);
    expect(await started(long)).toHaveLength(1);
  });

  it('waits for the end of the quiet hours that it falls into', async () => {
    const request = askedRecord([{ ...RULE, quiet: NIGHT }]);
    await starter({ nowMs: () => local(10, 23, 30) }).tell(request);
    expect(await started(request)).toMatchObject([{ deliveries: [{ to: 'phone', notBeforeMs: local(11, 7) }] }]);
  });

  it('is one, however often and by how many workers the event is recorded', async () => {
    const request = askedRecord([RULE]);
    const one = starter();
    const told = await Promise.all([
      one.tell(request),
      one.tell(request),
      starter().tell(request),
      starter().tell(request),
    ]);
    expect(told).toEqual([true, true, true, true]);
    expect(await started(request)).toHaveLength(1);
    expect(log).toEqual([]);
  });

  it('is none when no rule wants it, and Temporal is not asked', async () => {
    const nowhere = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) });
    const request = askedRecord([{ ...RULE, events: ['landed'] }]);
    await expect(starter({ client: nowhere }).tell(request)).resolves.toBe(true);
    await expect(starter({ client: nowhere }).tell(askedRecord([]))).resolves.toBe(true);
    expect(log).toEqual([]);
  });

  it('that fails is tried with the next records, until it is given up for the task’s sake', async () => {
    const lazy = Connection.lazy({ address: '127.0.0.1:1', connectTimeout: 100 });
    const without = starter({ client: new Client({ connection: lazy }), callMs: 100 });
    const request = askedRecord([RULE]);
    const told: boolean[] = [];
    for (let tries = 0; tries < 6; tries += 1) told.push(await without.tell(request));
    await lazy.close();
    expect(told).toEqual([false, false, false, false, true, true]);
    expect(log).toHaveLength(5);
    expect(log.at(-1)).toMatch(/^a notice was given up/);
  });
});

describe('the end of quiet hours', () => {
  it.each([
    ['before midnight', local(10, 22), local(11, 7)],
    ['after midnight', local(11, 0, 1), local(11, 7)],
    ['in the last minute', local(11, 6, 59), local(11, 7)],
    ['at their end', local(11, 7), null],
    ['by day', local(11, 12), null],
  ])('%s is by the clock of this machine', (_, nowMs, endMs) => {
    expect(endOfQuietMs(NIGHT, nowMs)).toBe(endMs);
  });

  it('is later on the same day for those that do not go over midnight', () => {
    expect(endOfQuietMs({ fromMinute: 60, toMinute: 90 }, local(10, 1, 15))).toBe(local(10, 1, 30));
  });
});

describe('the delivery of a notice', () => {
  const NOW_MS = Date.UTC(2026, 0, 2);
  let listener: Listener;
  let targets: NoticeTargets;

  beforeAll(async () => {
    listener = await listen();
  });

  beforeEach(() => {
    listener.heard.length = 0;
    listener.reply = (response) => void response.end();
    targets = { phone: { kind: 'slack', url: `${listener.url}/services/secret-of-mine` } };
  });

  afterAll(async () => {
    await listener.close();
  });

  const notice = (ageMs: number): Notice => ({
    id: workflowIds.notice(SPEC.id, 3),
    event: 'asks',
    project: 'demo',
    task: SPEC.id,
    title: 'Question',
    text: 'Which one?',
    commands: [],
    url: null,
    at: new Date(NOW_MS - ageMs).toISOString(),
    sequence: 3,
    versions: [1],
  });
  const ANSWERED: Happened = { kind: 'answered', version: 1, text: 'yes', actor: 'Ada' };
  const answered: TaskEvent = { sequence: 4, at: '', happened: ANSWERED };

  const run = async (
    told: Notice,
    readEvents: () => Promise<readonly TaskEvent[]>,
    to = 'phone',
  ): Promise<Delivered> => {
    const deps = {
      hostId: 'host-1',
      // Nobody answers there: of a task the ledger is asked alone.
      client: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
      ledger: { readEvents },
      notices: {
        room: createNotifyRoom({ timeoutMs: 10_000, environment: {} }),
        readTargets: () => Promise.resolve(ok(targets)),
        nowMs: () => NOW_MS,
      },
      log: () => undefined,
    };
    return new MockActivityEnvironment().run(deliver, deps, { notice: told, to });
  };

  const failing = (status: number, headers = {}): Promise<unknown> => {
    listener.reply = (response) => void response.writeHead(status, headers).end('no: secret-of-mine');
    return run(notice(0), () => Promise.resolve([])).catch((error: unknown) => error);
  };

  it('drops what was settled since, when it is no longer fresh', async () => {
    await expect(run(notice(60_000), () => Promise.resolve([answered]))).resolves.toMatchObject({ kind: 'settled' });
    expect(listener.heard).toEqual([]);
  });

  it('sends what is not settled, what is fresh, and what nobody knows about', async () => {
    await expect(run(notice(60_000), () => Promise.resolve([]))).resolves.toMatchObject({ kind: 'sent' });
    // The ledger is not asked.
    await expect(run(notice(0), () => Promise.resolve([answered]))).resolves.toMatchObject({ kind: 'sent' });
    const away = new LedgerUnavailable('away');
    await expect(run(notice(60_000), () => Promise.reject(away))).resolves.toMatchObject({ kind: 'sent' });
    expect(listener.heard).toHaveLength(3);
  });

  it('fails with what the target said, to be tried again when and if that may help', async () => {
    const passing = await failing(503, { 'retry-after': '7' });
    expect(passing).toBeInstanceOf(ApplicationFailure);
    expect(passing).toMatchObject({
      message: 'answered HTTP 503: no: […]',
      nonRetryable: false,
      nextRetryDelay: 7_000,
    });
    expect(await failing(404)).toMatchObject({ message: 'answered HTTP 404: no: […]', nonRetryable: true });
  });

  it('fails with the fix when this host has no such target, and may be tried by another', async () => {
    const failure = await run(notice(0), () => Promise.resolve([]), 'constructor').catch((error: unknown) => error);
    expect(failure).toMatchObject({
      message: 'host host-1 has phone; add constructor under targets: in its host.yaml',
      nonRetryable: false,
    });
  });
});
