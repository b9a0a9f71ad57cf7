/**
 * Sets queues back whose workflow cannot go on, because what it did last does not follow from its history.
 *
 * The SDK can bring that about: on a host that is overloaded a workflow's task times out while it waits for a local activity, is
 * given out again, and what was decided by the one is told for the other. From then on each replay fails, and nothing lands. Set
 * back, the queue does its last step anew: what was signaled since comes again, and what has landed is found by its commit (N1, N2).
 *
 * Kept true: only what a replay by this worker disproves is set back; of several workers that see it one does.
 */

import { Worker } from '@temporalio/worker';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { messageOf } from '../core/thrown.ts';
import { WORKFLOW_TYPES } from '../workflows/messages.ts';
import { workerConverter, workflowsFor, type PayloadOptions, type Workflows } from './payloads.ts';
import { Rounds } from './rounds.ts';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];
/** Why a history does not follow from the workflows of this worker; null: it does. */
export type Replay = (history: History, workflowId: string) => Promise<string | null>;

/** So often a workflow's task has been given out in vain before its history is looked at. */
const MANY_TRIES = 2;
/** By one worker: what is wedged again and again is for people. */
const MOST_SET_BACK = 10;
const QUEUES = `WorkflowType = '${WORKFLOW_TYPES.integration}' AND ExecutionStatus = 'Running'`;

export interface WedgedQueuesOptions {
  readonly client: Client;
  readonly replay: Replay;
  readonly everyMs: number;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class WedgedQueues {
  readonly #options: WedgedQueuesOptions;
  readonly #rounds: Rounds;
  /** How often this worker has set each back. */
  readonly #times = new Map<string, number>();

  constructor(options: WedgedQueuesOptions) {
    this.#options = options;
    this.#rounds = new Rounds(async () => {
      await this.#look().catch((error: unknown) => this.#failed(error, {}));
      return options.everyMs;
    });
  }

  start(): void {
    this.#rounds.start(this.#options.everyMs);
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #look(): Promise<void> {
    for await (const { workflowId, runId } of this.#options.client.workflow.list({ query: QUEUES })) {
      if (this.#rounds.stopped) return;
      await this.#lookAt(workflowId, runId).catch((error: unknown) => this.#failed(error, { workflowId }));
    }
  }

  #failed(error: unknown, about: Readonly<Record<string, unknown>>): void {
    this.#options.log('queues that cannot go on are looked for again', { ...about, reason: messageOf(error) });
  }

  async #lookAt(workflowId: string, runId: string): Promise<void> {
    const { client, replay, log } = this.#options;
    const handle = client.workflow.getHandle(workflowId, runId);
    if (!(await isTriedInVain(handle))) return;
    const history = await handle.fetchHistory();
    const [first, ...others] = wasDone(history);
    if (first === undefined) return;
    const reason = await replay(history, workflowId);
    if (reason === null) return;
    const times = (this.#times.get(workflowId) ?? 0) + 1;
    if (times > MOST_SET_BACK) {
      const next = 'terminate its workflow: its tasks hand themselves off again within ten minutes';
      log('a queue cannot go on, and was set back in vain', { workflowId, reason, next });
      return;
    }
    this.#times.set(workflowId, times);
    const follows = async (before: HistoryEvent): Promise<boolean> => {
      const events = (history.events ?? []).filter(({ eventId }) => Number(eventId) < Number(before.eventId));
      return (await replay({ events }, workflowId)) === null;
    };
    const { eventId } = await lastBeforeWhich(follows, [first, ...others]);
    // Meanwhile another worker may have seen it.
    if (!(await isTriedInVain(handle))) return;
    await client.workflowService.resetWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId, runId },
      workflowTaskFinishEventId: eventId ?? null,
      reason: 'what it did last did not follow from its history',
      // Of several that ask for the same, one has its way.
      requestId: `${runId}/${String(eventId)}`,
    });
    log('a queue that could not go on was set back', { workflowId, event: String(eventId), reason });
  }
}

async function isTriedInVain(handle: WorkflowHandle): Promise<boolean> {
  const { status, raw } = await handle.describe();
  return status.name === 'RUNNING' && (raw.pendingWorkflowTask?.attempt ?? 0) >= MANY_TRIES;
}

/** The events at which a worker had done a workflow's task: what it commanded comes after each. */
function wasDone({ events }: History): readonly HistoryEvent[] {
  return (events ?? []).filter(({ workflowTaskCompletedEventAttributes: done }) => (done ?? null) !== null);
}

/** The last of these before which all follows. Before the first of all nothing was commanded. */
async function lastBeforeWhich(
  follows: (before: HistoryEvent) => Promise<boolean>,
  [first, ...others]: readonly [HistoryEvent, ...HistoryEvent[]],
): Promise<HistoryEvent> {
  let good = first;
  let open: readonly HistoryEvent[] = others;
  for (;;) {
    const half = Math.floor(open.length / 2);
    const middle = open[half];
    if (middle === undefined) return good;
    const isGood = await follows(middle);
    if (isGood) good = middle;
    open = isGood ? open.slice(half + 1) : open.slice(0, half);
  }
}

/** By the workflows and the codec of this worker. */
export function replayBy(payloads: PayloadOptions, workflows: Workflows): Replay {
  return async (history, workflowId) => {
    try {
      const workflowBundle = await workflowsFor(payloads, workflows);
      await Worker.runReplayHistory({ workflowBundle, dataConverter: workerConverter(payloads) }, history, workflowId);
      return null;
    } catch (error) {
      // By its name: activities and workers have nothing else of the workflows' package.
      if (error instanceof Error && error.name === 'DeterminismViolationError') return error.message;
      throw error;
    }
  };
}
