/** The composition root: builds the adapters, registers the activities and workflows, and drains on shutdown. */

import { statfsSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions as SdkWorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/create-activities.ts';
import { landingByPush, type LandingAdapter } from '../activities/landing-adapter.ts';
import { Turns } from '../activities/turns.ts';
import { gatePollerName } from '../activities/gate-slots.ts';
import { DEFAULT_LIMITS, type Dependencies, type Limits } from '../activities/dependencies.ts';
import { temporalCalls } from '../local/temporal-calls.ts';
import type { TaskId } from '../core/ids.ts';
import type { SandboxMode } from '../core/project.ts';
import { messageOf } from '../core/thrown.ts';
import { createGitRoom } from '../git/room.ts';
import { startGitRunner } from '../git/runner.ts';
import type { GitRoom } from '../git/types.ts';
import { openLedger, type Ledger } from '../ledger/ledger.ts';
import { openSpool } from '../ledger/spool.ts';
import { LedgerUnavailable } from '../ledger/types.ts';
import { createNotifyRoom } from '../notify/room.ts';
import { createProcessRoom } from '../process/room.ts';
import type { SandboxState } from '../process/types.ts';
import { TASK_QUEUES } from '../workflows/messages.ts';
import { EndedFromOutside } from './ended-from-outside.ts';
import { Janitor } from './janitor.ts';
import { endOldQueues } from './old-queues.ts';
import { Radar } from './radar.ts';
import { Relief } from './relief.ts';
import { Upkeep } from './upkeep.ts';

export interface StartWorkerOptions extends Pick<
  Dependencies,
  'hostId' | 'home' | 'parseSettings' | 'readGate' | 'environment' | 'program' | 'confinement' | 'secretsFor' | 'log'
> {
  readonly address: string;
  readonly namespace: string;
  readonly apiKey: string | null;
  readonly tls: boolean;
  readonly databaseUrl: string;
  /** Agents that run at the same time. */
  readonly agents: number;
  /** Gate runs at the same time. */
  readonly gates: number;
  /** How long running phases may go on after a drain begins, in milliseconds. */
  readonly graceMs: number;
  /** The workflows' bundle: a file that the build made, or its text. */
  readonly workflows: { readonly codePath: string } | { readonly code: string };
  readonly limits?: Partial<Limits>;
  /** How candidates land; by push when it is left out. */
  readonly landing?: (git: GitRoom) => LandingAdapter;
  /** Who is told of what, and where targets and the Temporal Web UI are. */
  readonly notices: Omit<Dependencies['notices'], 'room' | 'nowMs'> & { readonly nowMs?: () => number };
  /** The environment of the worker's account: git reaches the origin with what it names (ssh agent, proxy, home). */
  readonly personalEnvironment: Readonly<Record<string, string>>;
  /** The built program that starts git's processes; null for this process itself. */
  readonly gitRunner: string | null;
  /** The built program that starts agents' and gates' processes; null for this process itself. */
  readonly processStarter: string | null;
  /** The built program that leads confined processes to the worker's proxy; null: they reach no hosts. */
  readonly networkBridge: string | null;
  /** False where the processes of agents are not to be contained. */
  readonly containment: boolean;
}

export interface RunningWorker {
  /** Ends when the worker has stopped; rejects when it failed. */
  readonly stopped: Promise<void>;
  /** Stops polling, gives running phases their grace, then cancels them. */
  drain(): void;
}

/** Parked tasks must cost nothing: an evicted one is woken from its history in some ten milliseconds. */
const MAX_CACHED_WORKFLOWS = 300;
/** A worker that is not gone this long after its grace is ended all the same. */
const FORCE_AFTER_MS = 10_000;
const MIGRATE_AGAIN_MS = 5_000;
/** Half of what a machine has at the least. */
const MAX_PROCESSES = 16_384;

export async function startWorker(options: StartWorkerOptions): Promise<RunningWorker> {
  const { address, namespace, home, log } = options;
  const ledger = openLedger({ url: options.databaseUrl, applicationName: 'tasks-worker', maxConnections: 8 });
  const stopMigrating = await keepMigrated(ledger, log);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const processRoom = await createProcessRoom({
    home,
    starter: options.processStarter,
    bridge: options.networkBridge,
    // Threads count, too: with twice as many no tree meets it before it meets its own limit.
    processes: Math.min(MAX_PROCESSES, 2 * limits.maxProcesses * (options.agents + options.gates)),
    ...(options.containment ? {} : { bwrapPath: null }),
  });
  const swept = await processRoom.sweepLeftovers();
  if (swept > 0) log('ended processes that a dead worker left', { swept });
  if (processRoom.containment.kind === 'process-group')
    log('agents run without a PID namespace', { why: processRoom.containment.why });
  warnOfSandbox(options.confinement.sandbox, processRoom.sandbox, log);
  const runner = options.gitRunner === null ? null : startGitRunner(options.gitRunner);
  const git = createGitRoom({
    home,
    worker: options.hostId,
    readMerges: (text) => {
      const read = options.readGate(text);
      return read.kind === 'ok' ? (read.merges ?? []) : [];
    },
    personal: { env: options.personalEnvironment },
    ...(runner === null ? {} : { collect: runner.collect }),
  });
  const spool = await openSpool({ folder: `${home}/spool`, ledger, intervalMs: 250, log });

  const reach = { address, tls: options.tls, ...(options.apiKey === null ? {} : { apiKey: options.apiKey }) };
  const connection = await Connection.connect({ ...reach, interceptors: temporalCalls() });
  const native = await NativeConnection.connect(reach);
  const client = new Client({ connection, namespace });
  const janitor = new Janitor({ client, git, home, log });
  const turns = new Turns();
  const relief = new Relief({ client, git, turns, log, isShort: () => freeBytesOf(home) < limits.shortBelowBytes });
  const radar = new Radar({ client, git, ledger, log, gatherMs: limits.radarMs });
  let draining = false;
  const activities = createActivities(
    {
      hostId: options.hostId,
      home,
      git,
      landing: options.landing?.(git) ?? landingByPush(git),
      process: processRoom,
      ledger,
      spool,
      client,
      parseSettings: options.parseSettings,
      readGate: options.readGate,
      environment: options.environment,
      program: options.program,
      confinement: options.confinement,
      secretsFor: options.secretsFor,
      onWaiting: () => relief.look(),
      onRecorded: (view) => radar.onRecorded(view),
      gates: options.gates,
      onEnded: (_target, taskId) => janitor.onEnded(taskId as TaskId),
      isDraining: () => draining,
      limits,
      notices: {
        nowMs: Date.now,
        ...options.notices,
        room: createNotifyRoom({ timeoutMs: limits.noticeMs, environment: options.personalEnvironment }),
      },
      log,
    },
    turns,
  );

  const identity = `${options.hostId}@${process.pid}`;
  const common = {
    connection: native,
    namespace,
    identity,
    shutdownGraceTime: options.graceMs,
    shutdownForceTime: options.graceMs + FORCE_AFTER_MS,
    // What a dead worker had in its cache is another's after this long.
    stickyQueueScheduleToStartTimeout: '3 s',
    maxHeartbeatThrottleInterval: '1 s',
    defaultHeartbeatThrottleInterval: '1 s',
  } satisfies Partial<SdkWorkerOptions>;
  const { runPhase, runGate, ...short } = activities;
  const slots = (taskQueue: string, count: number, registered: object, name = identity): Promise<Worker>[] =>
    count === 0
      ? []
      : [
          Worker.create({
            ...common,
            identity: name,
            taskQueue,
            activities: registered,
            maxConcurrentActivityTaskExecutions: count,
          }),
        ];
  try {
    const ended = await endOldQueues(client);
    if (ended.length > 0) log('ended the queues of an older version', { ended });
  } catch (error) {
    log('the queues of an older version could not be looked for', { reason: messageOf(error) });
  }
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.tasks,
      activities: short,
      maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
      workflowBundle: options.workflows,
    }),
    ...slots(TASK_QUEUES.agents, options.agents, { runPhase }),
    // How many gates run here is known by the poller's name: so wide is the chain of candidates.
    ...slots(TASK_QUEUES.gates, options.gates, { runGate }, gatePollerName(identity, options.gates)),
  ]);
  const stopAll = (): void => {
    draining = true;
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  janitor.start();
  relief.start();
  const upkeep = new Upkeep({ git, log });
  upkeep.start();
  const fromOutside = new EndedFromOutside({ client, ledger, log, everyMs: limits.outsideEveryMs });
  fromOutside.start();
  // One that fails takes the others along: half a worker helps nobody.
  const running = Promise.allSettled(workers.map((worker) => worker.run().finally(stopAll)));
  return { drain: stopAll, stopped: settle(running) };

  async function settle(ended: Promise<readonly PromiseSettledResult<void>[]>): Promise<void> {
    const results = await ended;
    stopMigrating();
    await Promise.all([janitor.stop(), relief.stop(), radar.stop(), fromOutside.stop(), upkeep.stop()]);
    await spool.drain(5_000);
    await processRoom.close();
    await runner?.close();
    await ledger.close();
    await native.close();
    await connection.close();
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }
}

/** Said once a start: without it agents reach what the worker's account does. */
function warnOfSandbox(mode: SandboxMode | null, state: SandboxState, log: Dependencies['log']): void {
  if (mode === 'off') log('agents run without a sandbox', { why: 'host.yaml has sandbox: off' });
  else if (state.kind === 'missing')
    log('agents run without a sandbox, or not at all where one is required', { why: state.why });
}

function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/**
 * Brings the ledger's schema up to date. A ledger that is down delays lists, never tasks: the worker starts without it
 * and migrates when it is back. A schema newer than this worker is refused.
 */
async function keepMigrated(ledger: Ledger, log: Dependencies['log']): Promise<() => void> {
  const migrate = async (): Promise<boolean> => {
    try {
      const result = await ledger.migrate();
      if (result.kind === 'refused') throw new Error(result.message);
      log('ledger ready', { version: result.version });
      return true;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      log('ledger unavailable', { reason: error.message });
      return false;
    }
  };
  if (await migrate()) return () => undefined;
  const timer = setInterval(() => {
    migrate().then(
      (done) => (done ? clearInterval(timer) : undefined),
      (error: unknown) => log('ledger refused', { reason: String(error) }),
    );
  }, MIGRATE_AGAIN_MS);
  return () => clearInterval(timer);
}
