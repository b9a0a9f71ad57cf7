/**
 * The SDK's workers of this process: one for workflows and short activities, and those for agents and gates, which come
 * and go as the host is drained.
 *
 * It owns whether they are to end, and why they did. Kept true: one that fails takes the others along, since half a
 * worker helps nobody.
 */

import {
  Worker,
  type NativeConnection,
  type WorkerDeploymentOptions,
  type WorkerOptions as SdkWorkerOptions,
} from '@temporalio/worker';
import { gatePollerName } from '../activities/gate-slots.ts';
import type { Activities } from '../activities/types.ts';
import { DEPLOYMENT } from '../core/builds.ts';
import { QUICKEST_BEAT_MS } from '../core/gate-run.ts';
import type { Slots } from '../core/hosts.ts';
import { TASK_QUEUES } from '../workflows/messages.ts';
import { workerConverter, workflowsFor, type PayloadOptions, type Workflows } from './payloads.ts';
import { PhaseWorkers, type SlotKind } from './phase-workers.ts';
import { SlotPool } from './slot-pool.ts';
import { createWorkflowWorker, type OnWedged } from './workflow-worker.ts';

export interface PollersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** By which the pollers are told apart. */
  readonly identity: string;
  readonly agents: number;
  readonly gates: number;
  /** How many more gate runs may be taken, as it is now: these wait for a slot. */
  readonly gatesAhead: () => number;
  readonly graceMs: number;
  /** Workflows' tasks come by this build; null: by none. */
  readonly build: string | null;
  readonly workflows: Workflows;
  readonly payloads: PayloadOptions;
  readonly onWedged: OnWedged;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** Parked tasks must cost nothing: an evicted one is woken from its history in some ten milliseconds. */
const MAX_CACHED_WORKFLOWS = 300;
/** A worker that is not gone this long after its grace is ended all the same. */
const FORCE_AFTER_MS = 10_000;

/** That running phases are to end: known to them before those who run them are there. */
export class Draining {
  isAsked = false;
  phases: Pick<PhaseWorkers, 'isDraining'> | null = null;

  get isOn(): boolean {
    return this.isAsked || this.phases?.isDraining === true;
  }
}

export class Pollers {
  readonly #draining: Draining;
  readonly #engine: Worker;
  readonly #phases: PhaseWorkers;
  readonly #failures: unknown[] = [];
  #phasesEnded: Promise<void> | null = null;

  private constructor(options: PollersOptions, engine: Worker, activities: PhaseActivities, draining: Draining) {
    const { agents, gates, gatesAhead, log } = options;
    const onEnded = (error: unknown): void => {
      if (error !== null) this.#failures.push(error);
      this.stop();
    };
    const pools = { agents: new SlotPool(agents), gates: new SlotPool(gates, gatesAhead) };
    const createFor = (kind: SlotKind, queue: string): Promise<Worker> =>
      createForQueue(options, activities, { phases: this.#phases, pool: pools[kind], kind, queue });
    const create = (): Promise<readonly Worker[]> =>
      Promise.all([
        ...(agents === 0 ? [] : [createFor('agents', TASK_QUEUES.agents)]),
        ...(gates === 0 ? [] : [createFor('gates', TASK_QUEUES.gates)]),
      ]);
    this.#engine = engine;
    this.#draining = draining;
    this.#phases = new PhaseWorkers({ create, createFor, agents, gates, onEnded, log });
    draining.phases = this.#phases;
  }

  static async create(options: PollersOptions, activities: Activities, draining: Draining): Promise<Pollers> {
    const { runPhase, runGate, ...short } = activities;
    const forWorkflows: SdkWorkerOptions = {
      ...commonOf(options),
      taskQueue: TASK_QUEUES.tasks,
      activities: short,
      maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
      workflowBundle: await workflowsFor(options.payloads, options.workflows),
      ...(options.build === null ? {} : { workerDeploymentOptions: versioned(options.build) }),
    };
    const engine = await createWorkflowWorker(forWorkflows, options.onWedged);
    return new Pollers(options, engine, { runPhase, runGate }, draining);
  }

  slots(): { readonly agents: Slots; readonly gates: Slots } {
    return this.#phases.slots();
  }

  /** Begins to take phases and gate runs. */
  open(): Promise<void> {
    return this.#phases.open();
  }

  setDrained(drained: boolean): void {
    this.#phases.setDrained(drained);
  }

  /** Takes phases or gate runs of one more queue, out of the same slots. */
  serve(kind: SlotKind, queue: string): void {
    this.#phases.serve(kind, queue);
  }

  /** Stops polling, gives running phases their grace, then cancels them. */
  stop(): void {
    this.#draining.isAsked = true;
    if (this.#engine.getState() === 'RUNNING') this.#engine.shutdown();
    this.#phasesEnded ??= this.#phases.stop();
  }

  /** Resolves when all have ended, with what failed first. */
  async run(): Promise<readonly unknown[]> {
    await this.#engine.run().catch((error: unknown) => this.#failures.push(error));
    this.stop();
    await this.#phasesEnded;
    return this.#failures;
  }
}

/**
 * For workflows alone, and every type the same (docs/operating.md says why): a phase or a gate run is taken by whoever has a slot, and
 * each version replays the histories of those before (N11), so that what waits for weeks needs no worker of its own build.
 */
function versioned(buildId: string): WorkerDeploymentOptions {
  return {
    version: { deploymentName: DEPLOYMENT, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'AUTO_UPGRADE',
  };
}

type PhaseActivities = Pick<Activities, 'runPhase' | 'runGate'>;

function commonOf({ connection, namespace, identity, graceMs, payloads }: PollersOptions) {
  return {
    connection,
    namespace,
    identity,
    dataConverter: workerConverter(payloads),
    shutdownGraceTime: graceMs,
    shutdownForceTime: graceMs + FORCE_AFTER_MS,
    // What a dead worker had in its cache is another's after this long.
    stickyQueueScheduleToStartTimeout: '3 s',
    maxHeartbeatThrottleInterval: '1 s',
    defaultHeartbeatThrottleInterval: '1 s',
  } satisfies Partial<SdkWorkerOptions>;
}

interface Polled {
  readonly phases: PhaseWorkers;
  /** The slots that its queues share. */
  readonly pool: SlotPool;
  readonly kind: SlotKind;
  readonly queue: string;
}

function createForQueue(
  options: PollersOptions,
  { runPhase, runGate }: PhaseActivities,
  { phases, pool, kind, queue }: Polled,
): Promise<Worker> {
  const common = { ...commonOf(options), taskQueue: queue, ...sharedSlots(pool, queue) };
  if (kind === 'agents') return Worker.create({ ...common, activities: { runPhase: phases.counted(kind, runPhase) } });
  return Worker.create({
    ...common,
    // How many gates run here is known by the poller's name: so wide is the chain of candidates.
    identity: gatePollerName(options.identity, options.gates),
    activities: { runGate: phases.counted(kind, runGate) },
    // A run that is given up is to hear of it at once.
    maxHeartbeatThrottleInterval: QUICKEST_BEAT_MS,
  });
}

function sharedSlots(pool: SlotPool, queue: string): Pick<SdkWorkerOptions, 'tuner'> {
  // These poll for activities alone; the others have to be there.
  const none = { type: 'fixed-size', numSlots: 2 } as const;
  return {
    tuner: {
      activityTaskSlotSupplier: pool.supplier(queue),
      workflowTaskSlotSupplier: none,
      localActivityTaskSlotSupplier: none,
      nexusTaskSlotSupplier: none,
    },
  };
}
