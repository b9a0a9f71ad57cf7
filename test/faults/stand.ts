/**
 * What the sections of the fault suite stand on: the embedded stack in a home of its own, as `tasks up` starts it, and
 * workers beside it that are hosts of their own. Owns all that it starts and the folder; `close` leaves nothing.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { registerSearchAttributes } from '../../src/local/temporal-namespace.ts';
import { isStillAlive, type ProcessIdentity } from '../../src/local/processes.ts';
import { openLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { cleanEnvironment, tasks, WORKER } from './commands.ts';
import { killWorker, processesOf, type Killed } from './processes.ts';

const UP_LIMIT_MS = 15 * 60_000;
const READY_LIMIT_MS = 60_000;
/** Of a worker that has ended: the last that it said. */
const MAX_LOG_CHARS = 5_000;

interface StackFile {
  readonly supervisor: ProcessIdentity | null;
  readonly temporal: (ProcessIdentity & { readonly address: string }) | null;
  readonly postgres: (ProcessIdentity & { readonly url: string }) | null;
  readonly worker: ProcessIdentity | null;
}

export interface StandOptions {
  /** Empty, with links resolved; removed by whoever made it. */
  readonly folder: string;
  /** Slots of the stack's own worker; null: it has none. */
  readonly worker: { readonly agents: number; readonly gates: number } | null;
  /** What agents and gates may write to beside their own. */
  readonly write: readonly string[];
}

export class Stand {
  readonly folder: string;
  readonly home: string;
  readonly client: Client;
  readonly ledger: Ledger;
  readonly address: string;
  readonly databaseUrl: string;
  readonly #write: readonly string[];
  readonly #connection: Connection;
  readonly #workers = new Set<FaultWorker>();

  private constructor(options: StandOptions, home: string, connection: Connection, { temporal, postgres }: StackFile) {
    this.folder = options.folder;
    this.home = home;
    this.#write = options.write;
    this.#connection = connection;
    this.address = temporal?.address ?? '';
    this.databaseUrl = postgres?.url ?? '';
    this.client = new Client({ connection, namespace: 'default' });
    this.ledger = openLedger({ url: this.databaseUrl, applicationName: 'faults', maxConnections: 2 });
  }

  static async start(options: StandOptions): Promise<Stand> {
    const home = join(options.folder, 'home');
    // As root the database runs as another user, who has to get through to its data.
    await chmod(options.folder, 0o711);
    await makeHome(home, options.write);
    const { worker } = options;
    const slots = worker === null ? ['--no-worker'] : slotsOf(worker);
    const place = { cwd: options.folder, env: cleanEnvironment({ TASKS_HOME: home }) };
    const up = await tasks(place, ['up', '--detach', ...slots], UP_LIMIT_MS);
    if (up.code !== 0) {
      await tasks(place, ['down']);
      throw new Error(`the stack did not start: ${up.stderr}`);
    }
    const stack = readStackFile(home);
    const connection = await Connection.connect({ address: stack.temporal?.address ?? '' });
    return new Stand(options, home, connection, stack);
  }

  /** The environment of commands for this stack. */
  get env(): Readonly<Record<string, string>> {
    return { TASKS_HOME: this.home, TASKS_ACTOR: 'Ada' };
  }

  /** The process of a part as it is now; null when it is not there: its number may be another's by now. */
  async pidOf(part: 'supervisor' | 'temporal' | 'postgres' | 'worker'): Promise<number | null> {
    const recorded = readStackFile(this.home)[part];
    return recorded !== null && (await isStillAlive(recorded)) ? recorded.pid : null;
  }

  /** A namespace of its own on the stack's Temporal, and a client of it. */
  async namespace(): Promise<Client> {
    const namespace = `faults-${randomBytes(4).toString('hex')}`;
    const { workflowService, operatorService } = this.#connection;
    await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
    const attributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, 'Keyword' as const]));
    await eventually(`the namespace ${namespace}`, async () => {
      await registerSearchAttributes(this.#connection, namespace, attributes);
      const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
      await workflowService.listWorkflowExecutions({ namespace, pageSize: 1 });
      return Object.keys(attributes).every((name) => name in (customAttributes ?? {}));
    });
    return new Client({ connection: this.#connection, namespace });
  }

  /** A worker as a host of its own, in a home below the folder. */
  async startWorker(options: WorkerOptions): Promise<FaultWorker> {
    const home = join(this.folder, options.name);
    await makeHome(home, this.#write, options.host);
    const env = cleanEnvironment({
      HOME: home,
      TASKS_HOME: home,
      TEMPORAL_ADDRESS: options.address ?? this.address,
      TEMPORAL_NAMESPACE: options.namespace,
      DATABASE_URL: this.databaseUrl,
      ...options.env,
    });
    const worker = await FaultWorker.start(home, env, options);
    this.#workers.add(worker);
    void worker.ended.then(() => this.#workers.delete(worker));
    return worker;
  }

  /** Ends everything. @returns what was left running */
  async close(): Promise<readonly string[]> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    await this.ledger.close().catch(() => undefined);
    await this.#connection.close();
    const place = { cwd: this.folder, env: cleanEnvironment({ TASKS_HOME: this.home }) };
    const down = await tasks(place, ['down']);
    const wrong = down.code === 0 ? [] : [`tasks down: ${down.stderr}`];
    try {
      await eventually('every process to be gone', () => processesOf(this.folder).length === 0, 5_000);
    } catch {
      wrong.push(`processes are left: ${processesOf(this.folder).join(' ')}`);
    }
    return wrong;
  }
}

export interface WorkerOptions {
  readonly name: string;
  readonly namespace: string;
  readonly agents: number;
  readonly gates: number;
  /** Temporal's address where it is another than the stack's. */
  readonly address?: string;
  /** What its environment has beside. */
  readonly env?: Readonly<Record<string, string>>;
  /** The built worker, where it is another version's. */
  readonly program?: string;
  /** Further lines of its host.yaml. */
  readonly host?: readonly string[];
}

export class FaultWorker {
  readonly home: string;
  readonly pid: number;
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;

  private constructor(home: string, child: ChildProcess) {
    this.home = home;
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.ended = once(child, 'exit');
  }

  /** Resolves when it polls; its log is `<home>.log`, beside its home. */
  static async start(
    home: string,
    env: Readonly<Record<string, string>>,
    options: Pick<WorkerOptions, 'agents' | 'gates' | 'program'>,
  ): Promise<FaultWorker> {
    const program = options.program ?? WORKER;
    const child = spawn(process.execPath, [program, ...slotsOf(options), '--grace-ms', '2000'], {
      cwd: home,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // Whatever ends this process, no worker outlives it.
    const end = (): void => void child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-20_000);
      appendFileSync(`${home}.log`, text);
    });
    const worker = new FaultWorker(home, child);
    await eventually(
      'the worker to be ready',
      () => {
        if (child.exitCode !== null) throw new Error(log);
        return log.includes('worker ready');
      },
      READY_LIMIT_MS,
    );
    return worker;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it is known here, too, that it has ended. */
  async kill(afterwards?: () => Promise<void>): Promise<Killed> {
    // Its number may be another's by now.
    if (!this.alive) {
      const { exitCode, signalCode } = this.#child;
      const log = readFileSync(`${this.home}.log`, 'utf8').slice(-MAX_LOG_CHARS);
      throw new Error(`the worker has ended by itself, with ${exitCode ?? signalCode}:\n${log}`);
    }
    const killed = await killWorker(this.pid, afterwards);
    await this.ended;
    return killed;
  }

  /** Drains it. @returns its exit code; null when a signal ended it */
  async stop(): Promise<number | null> {
    if (!this.alive) return this.#child.exitCode;
    this.#child.kill('SIGTERM');
    await this.ended;
    return this.#child.exitCode;
  }
}

async function makeHome(home: string, write: readonly string[], more: readonly string[] = []): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o711 });
  const lines = [`write: ${JSON.stringify(write)}`, ...more];
  const file = join(home, 'host.yaml');
  // A full disk keeps what it has.
  if (!existsSync(file)) await writeFile(file, `${lines.join('\n')}\n`);
}

function slotsOf({ agents, gates }: { readonly agents: number; readonly gates: number }): string[] {
  return ['--agents', String(agents), '--gates', String(gates)];
}

function readStackFile(home: string): StackFile {
  return JSON.parse(readFileSync(join(home, 'stack.json'), 'utf8')) as StackFile;
}
