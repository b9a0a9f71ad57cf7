/** The composition root: builds the adapters, registers the activities and workflows, and drains on shutdown. */

import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { createActivities, type PhasePlaces } from '../activities/create-activities.ts';
import { landingByPush, type LandingAdapter } from '../activities/landing-adapter.ts';
import { Near } from '../activities/near.ts';
import { OnlyGates } from '../activities/only-gates.ts';
import { Running } from '../activities/running.ts';
import { Turns } from '../activities/turns.ts';
import type { Activities } from '../activities/types.ts';
import { DEFAULT_LIMITS, type Dependencies, type Limits } from '../activities/dependencies.ts';
import { openPortLeases, type PortLeases } from '../local/port-leases.ts';
import type { TaskId } from '../core/ids.ts';
import type { PortPlan } from '../core/ports.ts';
import { messageOf } from '../core/thrown.ts';
import type { GitRoom } from '../git/types.ts';
import { openLedger, type Ledger } from '../ledger/ledger.ts';
import { openSpool } from '../ledger/spool.ts';
import { createNotifyRoom } from '../notify/room.ts';
import { UNVERSIONED } from '../core/builds.ts';
import { Background, freeBytesOf, type WorkspaceLimits } from './background.ts';
import { LabelQueues } from './label-queues.ts';
import { connect } from './connect.ts';
import { BuildRouting } from './build-routing.ts';
import { keepMigrated } from './ledger-schema.ts';
import { endOldQueues } from './old-queues.ts';
import type { PayloadOptions, Workflows } from './payloads.ts';
import { Draining, Pollers } from './pollers.ts';
import { Presence } from './presence.ts';
import { replayBy } from './replay.ts';
import { openRooms } from './rooms.ts';
import type { OnWedged } from './workflow-worker.ts';

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
  /** The process of the command line that waits for this one, in the same control group; null or left out: none does. */
  readonly startedBy?: number | null;
  /** What this worker has that tasks may require. */
  readonly labels: readonly string[];
  readonly version: string;
  /** What tells its code from others' of the same version. */
  readonly build: string;
  /** Whether workflows' tasks go to workers by their build. */
  readonly versioning: boolean;
  /** How often this worker reports itself to the ledger, in milliseconds; 10 seconds when it is left out. */
  readonly presenceMs?: number;
  /** How often it looks for what labels tasks require, in milliseconds; 10 seconds when it is left out. */
  readonly labelsMs?: number;
  /** How often it looks whether the current build is run, in milliseconds; 30 seconds when it is left out. */
  readonly buildsMs?: number;
  /** How long running phases may go on after a drain begins, in milliseconds. */
  readonly graceMs: number;
  /** The workflows' bundle: a file that the build made, or its text. */
  readonly workflows: Workflows;
  /** How what Temporal keeps is written and read. */
  readonly payloads: PayloadOptions;
  readonly limits?: Partial<Limits>;
  /** What this host's workspaces may be together; no limit, and kept for a week, when it is left out. */
  readonly workspaces?: WorkspaceLimits;
  /** Where this host has checkouts, by the projects' names. */
  readonly checkouts?: Readonly<Record<string, string>>;
  /** The ports that workspaces lease; when it is left out, as without a host.yaml. */
  readonly ports?: PortPlan;
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
  /** The built program that ends uncontained processes when this process is killed; null: the next worker does. */
  readonly processGuard: string | null;
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

/** How long a worker that stops waits for the ledger. */
const SPOOL_DRAIN_MS = 5_000;
const PRESENCE_MS = 10_000;
const LABELS_MS = 10_000;
const PORTS: PortPlan = { base: 20_000, each: 10, ranges: 1_000 };
const WORKSPACES: WorkspaceLimits = { count: Infinity, bytes: Infinity, keptMs: 7 * 24 * 60 * 60_000 };
const BUILDS_MS = 30_000;

export async function startWorker(options: StartWorkerOptions): Promise<RunningWorker> {
  const { log, labels, versioning } = options;
  const parts = await openParts(options);
  const { client, background } = parts;
  const made: Made = { ...parts, draining: new Draining(), onRequired: () => undefined };
  const serving: Pick<Pollers, 'serve'> = { serve: () => undefined };
  const onlyGates = new OnlyGates(client, options);
  const mayStay = async (): Promise<boolean> => !made.draining.isOn && (await onlyGates.look());
  const activities = makeActivities(options, made, {
    turns: new Turns(),
    running: new Running(Math.max(1, options.agents)),
    runningGates: new Running(Math.max(1, options.gates), { mayStay }),
    onlyGates,
    near: new Near({ client, hostId: options.hostId, serve: (queue) => serving.serve('agents', queue) }),
  });
  await endQueuesOfOlder(client, log);
  const identity = `${options.hostId}@${process.pid}`;
  const build = versioning ? options.build : null;
  const { namespace, agents, gates, graceMs, workflows, payloads } = options;
  const onWedged: OnWedged = (runId, by) => background.onWedged(runId, by);
  // One more is made ready while the others run, where no other worker could begin it meanwhile.
  const gatesAhead = (): number => (onlyGates.isOnly ? 1 : 0);
  const polling = {
    namespace,
    identity,
    agents,
    gates,
    gatesAhead,
    graceMs,
    workflows,
    payloads,
    build,
    onWedged,
    log,
  };
  const pollers = await Pollers.create({ ...polling, connection: parts.native }, activities, made.draining);
  const presence = await report(options, parts.ledger, pollers, background);
  const labelsMs = options.labelsMs ?? LABELS_MS;
  serving.serve = (kind, queue) => pollers.serve(kind, queue);
  const labelQueues = new LabelQueues({ client, labels, serve: serving.serve, everyMs: labelsMs, log });
  made.onRequired = (requires) => labelQueues.onRequired(requires);
  labelQueues.start();
  const own = build ?? UNVERSIONED;
  const routing = new BuildRouting({ client, own, identity, everyMs: options.buildsMs ?? BUILDS_MS, log });
  routing.start();
  background.start();
  return { drain: () => pollers.stop(), stopped: settle(pollers.run()) };

  async function settle(running: Promise<readonly unknown[]>): Promise<void> {
    const failures = await running;
    await Promise.all([labelQueues.stop(), routing.stop()]);
    await presence.stop();
    await background.stop();
    await parts.close();
    if (failures.length > 0) throw failures[0];
  }
}

interface Parts extends Pick<Dependencies, 'git' | 'spool' | 'client' | 'limits'> {
  readonly ledger: Ledger;
  readonly processRoom: Dependencies['process'];
  readonly native: NativeConnection;
  readonly background: Background;
  readonly ports: PortLeases;
  /** When nothing uses them any more: what is spooled is given a moment to be written. */
  close(): Promise<void>;
}

async function openParts(options: StartWorkerOptions): Promise<Parts> {
  const { home, log } = options;
  const ledger = openLedger({ url: options.databaseUrl, applicationName: 'tasks-worker', maxConnections: 8 });
  const stopMigrating = await keepMigrated(ledger, log);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const rooms = await openRooms(options, limits);
  const spool = await openSpool({ folder: `${home}/spool`, ledger, intervalMs: 250, log });
  const temporal = await connect(options);
  const { git, processRoom } = rooms;
  const { client, native } = temporal;
  const ports = openPortLeases(home, options.ports ?? PORTS);
  const workspaces = options.workspaces ?? WORKSPACES;
  const replay = replayBy(options.payloads, options.workflows);
  const background = new Background({ client, git, ledger, home, ports, workspaces, limits, replay, log });
  const close = async (): Promise<void> => {
    stopMigrating();
    await spool.drain(SPOOL_DRAIN_MS);
    await rooms.close();
    await ledger.close();
    await temporal.close();
  };
  return { git, processRoom, ledger, spool, client, native, limits, background, ports, close };
}

interface Made extends Parts {
  readonly draining: Draining;
  /** Told of the labels that a recorded task or a gate that is started requires. */
  onRequired: (requires: readonly string[]) => void;
}

function makeActivities(options: StartWorkerOptions, made: Made, places: PhasePlaces): Activities {
  const { home, log } = options;
  const { git, processRoom, ledger, spool, client, limits, background, draining, ports } = made;
  return createActivities(
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
      onWaiting: () => background.onWaiting(),
      onRecorded: (view) => {
        made.onRequired(view.requires ?? []);
        background.onRecorded(view);
      },
      gates: options.gates,
      labels: options.labels,
      onRequired: (requires) => made.onRequired(requires),
      ports,
      checkoutOf: (project) => checkoutIn(options.checkouts ?? {}, project),
      onEnded: (_target, taskId) => background.onEnded(taskId as TaskId),
      isDraining: () => draining.isOn,
      limits,
      notices: {
        nowMs: Date.now,
        ...options.notices,
        room: createNotifyRoom({ timeoutMs: limits.noticeMs, environment: options.personalEnvironment }),
      },
      log,
    },
    places,
  );
}

function checkoutIn(checkouts: Readonly<Record<string, string>>, project: string): string | null {
  return Object.hasOwn(checkouts, project) ? (checkouts[project] ?? null) : null;
}

async function endQueuesOfOlder(client: Client, log: Dependencies['log']): Promise<void> {
  try {
    const ended = await endOldQueues(client);
    if (ended.length > 0) log('ended the queues of an older version', { ended });
  } catch (error) {
    log('the queues of an older version could not be looked for', { reason: messageOf(error) });
  }
}

/** Reports this worker from now on, and begins to take phases and gate runs, unless its host is drained. */
async function report(
  options: StartWorkerOptions,
  ledger: Ledger,
  pollers: Pollers,
  background: Background,
): Promise<Presence> {
  const { hostId, home, version, build, labels, log } = options;
  let isUp = false;
  let drainedAtStart = false;
  const presence = new Presence({
    ledger,
    worker: { host: hostId, worker: String(process.pid), version, build, labels },
    slots: () => pollers.slots(),
    freeBytes: () => freeBytesOf(home),
    workspaces: () => background.workspaces(),
    onDrained: (drained) => (isUp ? pollers.setDrained(drained) : (drainedAtStart = drained)),
    everyMs: options.presenceMs ?? PRESENCE_MS,
    log,
  });
  await presence.start();
  isUp = true;
  if (drainedAtStart) log('this host is drained: it takes no phases and no gate runs', {});
  else await pollers.open();
  return presence;
}
