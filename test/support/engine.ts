/**
 * The whole engine in one test file: a real Temporal namespace, a real Postgres database, a worker in this process, and
 * an origin with a project on it. When it stops, the history of every workflow that ran is replayed on the workflows'
 * present code, so that each test is a test of determinism too.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Client, Connection, type HistoryAndWorkflowId, type WorkflowHandle } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { allowedEnvironment, grantsOf, parseHostFile } from '../../src/config/host-file.ts';
import type { Limits } from '../../src/activities/dependencies.ts';
import { parseProjectFile, readGate } from '../../src/config/project-file.ts';
import { grantSecrets, secretFiles } from '../../src/config/secrets.ts';
import { temporalCalls } from '../../src/local/temporal-calls.ts';
import { taskIdFromBytes, workflowIds, type TaskId } from '../../src/core/ids.ts';
import { ok } from '../../src/core/parsed.ts';
import type { ReplyName } from '../../src/core/replies.ts';
import type { QueueView } from '../../src/core/queue-types.ts';
import type { TaskSpec, TaskView, Work } from '../../src/core/task-types.ts';
import { openLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { startWorker, type RunningWorker, type StartWorkerOptions } from '../../src/worker/start-worker.ts';
import {
  carryQuery,
  detailQuery,
  queueQuery,
  SEARCH_ATTRIBUTES,
  TASK_QUEUES,
  updateOf,
  WORKFLOW_TYPES,
  type MessageOutcome,
  type Replies,
  type TaskDetail,
} from '../../src/workflows/messages.ts';
import { CalmReader } from './calm-reader.ts';
import { eventually } from './eventually.ts';
import { codecBy, codecOf, FAILURE_CONVERTER } from './payloads.ts';
import { testDatabase, type TestDatabase } from './postgres.ts';
import { recordHistories, recordTo } from './recorded-histories.ts';
import type { SampleProject } from './sample-project.ts';
import { tempFolder } from './temp.ts';
import { testNamespace, type TestNamespace } from './temporal.ts';
import { workflowBundle } from './workflow-bundle.ts';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** Those that a worker has seen: a run that has only been started has nothing to replay, and a replay of it never ends. */
async function* begun(histories: AsyncIterable<HistoryAndWorkflowId>): AsyncIterable<HistoryAndWorkflowId> {
  for await (const one of histories) {
    const { events } = one.history as History;
    if (events?.some((event) => event.workflowTaskCompletedEventAttributes) === true) yield one;
  }
}

export interface EngineOptions {
  readonly agents?: number;
  readonly gates?: number;
  readonly graceMs?: number;
  /** A query for the workflows whose histories are replayed when it stops; left out: all. */
  readonly replayed?: string;
  /** How often the worker reports itself. */
  readonly presenceMs?: number;
  /** Programs of this host by the name that tasks.yaml has. */
  readonly programs?: Readonly<Record<string, string>>;
  /** The text of the host's host.yaml, read anew for each use. */
  readonly hostFile?: () => string;
  readonly limits?: Partial<Limits>;
  /** False: sandboxes see nothing of the state home but their own, as they do outside of tests. */
  readonly sharesHome?: boolean;
  /** False: as on a host without bubblewrap. */
  readonly containment?: boolean;
  /** Further variables of the person whose credentials reach the origin. */
  readonly personal?: Readonly<Record<string, string>>;
  /** Where people reach the Temporal Web UI. */
  readonly ui?: string;
  readonly landing?: StartWorkerOptions['landing'];
  /** What the worker has that tasks may require. */
  readonly labels?: readonly string[];
  /** The state home; a new temporary folder when left out. */
  readonly home?: string;
}

export interface SubmitOptions {
  readonly title: string;
  readonly body?: string;
  readonly work?: Work;
  readonly id?: TaskId;
  readonly idleTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
  readonly attempts?: number;
  readonly revisions?: number;
  readonly spec?: Partial<TaskSpec>;
  readonly policy?: Partial<TaskSpec['policy']>;
}

export class Engine {
  readonly home: string;
  readonly client: Client;
  readonly ledger: Ledger;
  readonly database: TestDatabase;
  readonly namespace: TestNamespace;
  readonly log: string[] = [];
  readonly #connection: Connection;
  readonly #options: EngineOptions;
  readonly #reader = new CalmReader();
  #workers: RunningWorker[] = [];

  private constructor(parts: {
    home: string;
    connection: Connection;
    client: Client;
    ledger: Ledger;
    database: TestDatabase;
    namespace: TestNamespace;
    options: EngineOptions;
  }) {
    this.home = parts.home;
    this.#connection = parts.connection;
    this.client = parts.client;
    this.ledger = parts.ledger;
    this.database = parts.database;
    this.namespace = parts.namespace;
    this.#options = parts.options;
  }

  /** The variables by which commands find its servers. */
  get servers(): Readonly<Record<'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'DATABASE_URL', string>> {
    const { address, namespace } = this.namespace;
    return { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, DATABASE_URL: this.database.url };
  }

  static async start(options: EngineOptions = {}): Promise<Engine> {
    if (Runtime._instance === undefined) Runtime.install({ logger: new DefaultLogger('ERROR') });
    const [home, database, namespace] = await Promise.all([
      options.home ?? tempFolder('home'),
      testDatabase(),
      testNamespace(Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, 'Keyword']))),
    ]);
    const connection = await Connection.connect({ address: namespace.address, interceptors: temporalCalls() });
    const payloadCodecs = options.hostFile === undefined ? [] : [codecBy(options.hostFile)];
    const client = new Client({ connection, namespace: namespace.namespace, dataConverter: { payloadCodecs } });
    const ledger = openLedger({ url: database.url, applicationName: 'test', maxConnections: 2 });
    const engine = new Engine({ home, connection, client, ledger, database, namespace, options });
    await engine.startWorker();
    return engine;
  }

  async startWorker(
    home = this.home,
    hostId = `host-${randomBytes(3).toString('hex')}`,
    more: Partial<StartWorkerOptions> = {},
  ): Promise<RunningWorker> {
    const { code } = await workflowBundle();
    const readHost = () => parseHostFile(this.#options.hostFile?.() ?? '');
    const host = readHost();
    if (host.kind === 'invalid') throw new Error(host.message);
    const worker = await startWorker({
      hostId,
      home,
      address: this.namespace.address,
      namespace: this.namespace.namespace,
      apiKey: null,
      tls: false,
      databaseUrl: this.database.url,
      agents: this.#options.agents ?? 4,
      gates: this.#options.gates ?? 1,
      labels: this.#options.labels ?? ['test'],
      version: '0.0.0',
      build: '0.0.0',
      versioning: false,
      presenceMs: this.#options.presenceMs ?? 10_000,
      graceMs: this.#options.graceMs ?? 200,
      gitRunner: resolve('dist/worker/git-runner.js'),
      processStarter: resolve('dist/worker/process-starter.js'),
      processGuard: resolve('dist/worker/process-guard.js'),
      networkBridge: resolve('dist/worker/network-bridge.js'),
      workflows: { code },
      payloads: { codec: await codecOf(this.#options.hostFile?.() ?? ''), failureConverter: FAILURE_CONVERTER },
      workspaces: host.value.workspaces,
      ports: host.value.ports,
      checkouts: host.value.checkouts,
      personalEnvironment: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        ...this.#options.personal,
      },
      containment: this.#options.containment ?? true,
      parseSettings: parseProjectFile,
      readGate,
      environment: (request) => allowedEnvironment(host.value, process.env, request),
      confinement: {
        sandbox: host.value.sandbox,
        read: host.value.read,
        hidden: [home, ...secretFiles(host.value)],
        // Tests tell agents and gates how to go on by files there.
        write: [...host.value.write, ...(this.#options.sharesHome === false ? [] : [this.home, home])],
        granted: (agent) => grantsOf(host.value, agent),
        personHome: process.env['HOME'] ?? '/nonexistent',
      },
      secretsFor: (agent) => grantSecrets(host.value, process.env, agent),
      program: (name) => this.#options.programs?.[name] ?? name,
      limits: this.#options.limits ?? {},
      ...(this.#options.landing === undefined ? {} : { landing: this.#options.landing }),
      notices: {
        rules: host.value.notify,
        readTargets: () => {
          const now = readHost();
          return Promise.resolve(now.kind === 'invalid' ? now : ok(now.value.targets));
        },
        readUi: () => Promise.resolve(this.#options.ui ?? null),
      },
      log: (message, facts) => this.log.push(`${message} ${JSON.stringify(facts)}`),
      ...more,
    });
    this.#workers.push(worker);
    return worker;
  }

  /** Drains all that run. */
  async drainWorker(): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    for (const worker of workers) worker.drain();
    await Promise.all(workers.map(({ stopped }) => stopped));
  }

  async submit(project: SampleProject, options: SubmitOptions): Promise<TaskId> {
    const id = options.id ?? taskIdFromBytes(randomBytes(16));
    const settings = parseProjectFile(await project.read('tasks.yaml'));
    if (settings.kind === 'invalid') throw new Error(settings.message);
    const { policy } = settings.value;
    const spec: TaskSpec = {
      id,
      project: settings.value.project,
      origin: project.origin,
      branch: settings.value.branch,
      configCommit: await project.tip(),
      title: options.title,
      body: options.body ?? '',
      work: options.work ?? { kind: 'agent', agent: settings.value.agent },
      policy: {
        ...policy,
        attempts: options.attempts ?? policy.attempts,
        revisions: options.revisions ?? policy.revisions,
        idleTimeoutMs: options.idleTimeoutMs ?? policy.idleTimeoutMs,
        totalTimeoutMs: options.totalTimeoutMs ?? policy.totalTimeoutMs,
        ...options.policy,
      },
      owner: { name: 'Ada Tester', email: 'ada@example.test' },
      createdAtMs: Date.now(),
      requestId: null,
      type: 'task',
      for: null,
      blocks: null,
      choices: [],
      default: null,
      parent: null,
      ...options.spec,
    };
    await this.client.workflow.start(WORKFLOW_TYPES.task, {
      workflowId: workflowIds.task(id),
      taskQueue: TASK_QUEUES.tasks,
      args: [{ spec, carried: null }],
    });
    return id;
  }

  detail(id: TaskId): Promise<TaskDetail> {
    return this.#reader.read(this.handle(id), detailQuery);
  }

  /** The task's view once it is as asked; what it was last, and what the worker said, when it never is. */
  async until(id: TaskId, what: string, is: (view: TaskView) => boolean, withinMs?: number): Promise<TaskView> {
    let last: TaskView | null = null;
    const look = async (): Promise<TaskView | null> => {
      last = (await this.detail(id)).view;
      return is(last) ? last : null;
    };
    try {
      return await eventually(`task ${id} to be ${what}`, look, withinMs);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${reason}\n${JSON.stringify(last)}\n${this.log.slice(-10).join('\n')}`, { cause: error });
    }
  }

  untilEnded(id: TaskId): Promise<TaskView> {
    return this.until(id, 'ended', (view) => view.endedAt !== null);
  }

  untilWaiting(id: TaskId, kind: string): Promise<TaskView> {
    return this.until(id, `waiting for ${kind}`, (view) => view.waitingFor?.kind === kind);
  }

  /** A reply as the command line sends it. @throws when it is refused */
  reply<Name extends ReplyName>(id: TaskId, name: Name, payload: Replies[Name]): Promise<MessageOutcome> {
    const message: Replies[Name] = { messageId: randomUUID(), actor: 'Ada', ...payload };
    return this.handle(id).executeUpdate(updateOf(name), { args: [message] });
  }

  answer(id: TaskId, text: string, messageId: string = randomUUID()): Promise<MessageOutcome> {
    return this.handle(id).executeUpdate(updateOf('answer'), { args: [{ messageId, text, actor: 'Ada' }] });
  }

  retry(id: TaskId): Promise<MessageOutcome> {
    return this.handle(id).executeUpdate(updateOf('retry'), { args: [{ messageId: randomUUID(), actor: 'Ada' }] });
  }

  /** As the command line retries one whose workflow is closed. */
  async retryEnded(id: TaskId): Promise<void> {
    const input = await this.handle(id).query(carryQuery);
    await this.client.workflow.start(WORKFLOW_TYPES.task, {
      workflowId: workflowIds.task(id),
      taskQueue: TASK_QUEUES.tasks,
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      args: [{ ...input, retriedBy: 'Ada' }],
    });
  }

  async cancel(id: TaskId): Promise<void> {
    await this.handle(id).cancel();
  }

  queue(project: string): Promise<QueueView> {
    return this.#reader.read(this.client.workflow.getHandle(`integration/${project}/main`), queueQuery);
  }

  /** Resolves once the task's agent or command has been given its prompt. */
  async started(id: TaskId, project: string): Promise<void> {
    const prompt = join(this.#taskDir(id, project), 'prompt.md');
    await eventually(`${prompt} to be there`, () => existsSync(prompt));
  }

  /** Writes a file into the task's folder, where its agent waits for it. */
  async tell(id: TaskId, project: string, name: string, text: string): Promise<void> {
    await this.started(id, project);
    const path = join(this.#taskDir(id, project), name);
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }

  /** The process ids on this machine that belong to a task. */
  async processesOf(id: TaskId): Promise<number[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
    return pids.filter((_, index) => environments[index]?.includes(`TASKS_TASK_ID=${id}`)).map(Number);
  }

  /** Makes the ledger's database refuse connections, and ends those that it has. */
  async loseLedger(): Promise<void> {
    await this.#admin(`alter database "${this.#databaseName()}" with allow_connections false`);
    await this.#admin(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${this.#databaseName()}'`,
    );
  }

  async findLedger(): Promise<void> {
    await this.#admin(`alter database "${this.#databaseName()}" with allow_connections true`);
  }

  /** Every row of every table, as text. */
  async dumpLedger(): Promise<string> {
    return Object.values(await this.dumpTables()).join('\n');
  }

  /** The same by the tables' names. */
  async dumpTables(): Promise<Readonly<Record<string, string>>> {
    const client = new Postgres({ connectionString: this.database.url });
    await client.connect();
    const named = await client.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    );
    const tables: Record<string, string> = {};
    for (const { name } of named.rows) {
      const { rows: found } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      tables[name] = found.map(({ row }) => row).join('\n');
    }
    await client.end();
    return tables;
  }

  #databaseName(): string {
    return new URL(this.database.url).pathname.slice(1);
  }

  async #admin(statement: string): Promise<void> {
    const url = new URL(this.database.url);
    url.pathname = '/postgres';
    const client = new Postgres({ connectionString: url.href });
    await client.connect();
    await client.query(statement);
    await client.end();
  }

  #taskDir(id: TaskId, project: string): string {
    return join(this.home, 'workspaces', project, id, 'task');
  }

  handle(id: TaskId): WorkflowHandle {
    return this.client.workflow.getHandle(workflowIds.task(id));
  }

  /** Stops everything and replays every history. */
  async stop(): Promise<void> {
    await this.drainWorker();
    if (recordTo !== undefined) await recordHistories(this.client, recordTo, this.#replayed);
    await this.#replayAll();
    await this.ledger.close();
    await this.#connection.close();
    await this.namespace.drop();
    await this.database.drop();
  }

  /** A history that does not replay may not come again: it is kept for whoever looks into it. */
  async #keepHistory(workflowId: string): Promise<string> {
    const history = await this.client.workflow.getHandle(workflowId).fetchHistory();
    const file = resolve('node_modules/.cache', `not-replayed-${workflowId.replaceAll('/', '-')}.json`);
    await writeFile(file, JSON.stringify(history));
    return file;
  }

  get #replayed(): string {
    return this.#options.replayed ?? '';
  }

  async #replayAll(): Promise<void> {
    const { code } = await workflowBundle();
    const histories = begun(this.client.workflow.list({ query: this.#replayed }).intoHistories());
    const { payloadCodecs } = this.client.options.loadedDataConverter;
    const options = { workflowBundle: { code }, dataConverter: { payloadCodecs } };
    for await (const result of Worker.runReplayHistories(options, histories)) {
      if (result.error !== undefined)
        throw new Error(
          `the history of ${result.workflowId}, kept in ${await this.#keepHistory(result.workflowId)}, does not replay: ${result.error.message}`,
        );
    }
  }
}
