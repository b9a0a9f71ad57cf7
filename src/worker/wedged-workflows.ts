/**
 * Sets workflows back that cannot go on, because what they did last does not follow from their history.
 *
 * The SDK can bring that about: on a host that is overloaded a workflow's task times out while it waits for a local activity, is
 * given out again, and what was decided by the one is told for the other. From then on each replay fails: a queue lands nothing, a
 * task stands still without a word. Set back, it does its last step anew. What it was sent since comes again; what has landed is
 * found by its commit, and attempts go on above those that were there (N1, N2).
 *
 * It owns which runs this worker could not go on with: it is told of each try, so that nobody has to look through all that are open.
 * Kept true: only what a replay by this worker disproves is set back; of several workers that see it one does.
 */

import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { messageOf } from '../core/thrown.ts';
import { WORKFLOW_TYPES } from '../workflows/messages.ts';
import { askAgain, SET_BACK } from './lost-cancel.ts';
import type { History, HistoryEvent, Replay } from './replay.ts';
import { Rounds } from './rounds.ts';

/** So often a workflow's task has been given out in vain before its history is looked at. */
const MANY_TRIES = 2;
/**
 * And so often, some twenty minutes, where another build has written what does not follow: a newer one may be there, or come back
 * after a downgrade, and go on with it.
 */
const MANY_TRIES_OF_ANOTHER = 12;
/** By one worker: what is wedged again and again is for people. */
const MOST_SET_BACK = 10;

export interface WedgedWorkflowsOptions {
  readonly client: Client;
  readonly replay: Replay;
  readonly everyMs: number;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class WedgedWorkflows {
  readonly #options: WedgedWorkflowsOptions;
  readonly #rounds: Rounds;
  /** Runs that this worker could not go on with, each with its build. */
  readonly #heard = new Map<string, string>();
  /** How often this worker has set each back. */
  readonly #times = new Map<string, number>();

  constructor(options: WedgedWorkflowsOptions) {
    this.#options = options;
    this.#rounds = new Rounds(async () => {
      await this.#look();
      return options.everyMs;
    });
  }

  start(): void {
    this.#rounds.start(this.#options.everyMs);
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Of a run that is left as it is there is another word with its next try. */
  heard(runId: string, build: string): void {
    this.#heard.set(runId, build);
  }

  async #look(): Promise<void> {
    for (const [runId, build] of this.#heard) {
      if (this.#rounds.stopped) return;
      try {
        await this.#lookAt(runId, build);
        this.#heard.delete(runId);
      } catch (error) {
        this.#options.log('a workflow that does not go on is looked at again', { runId, reason: messageOf(error) });
      }
    }
  }

  async #lookAt(runId: string, build: string): Promise<void> {
    const { replay, log } = this.#options;
    const handle = await this.#handleOf(runId);
    if (handle === null) return;
    const seen = await handle.describe();
    if (triesInVain(seen) < MANY_TRIES) return;
    const history = await handle.fetchHistory();
    const [first, ...others] = wasDone(history);
    if (first === undefined) return;
    const { workflowId } = handle;
    const reason = await replay(history, workflowId);
    if (reason === null) return;
    const follows = async (before: HistoryEvent): Promise<boolean> => {
      const events = (history.events ?? []).filter(({ eventId }) => Number(eventId) < Number(before.eventId));
      return (await replay({ events }, workflowId)) === null;
    };
    const last = await lastBeforeWhich(follows, [first, ...others]);
    const now = await handle.describe();
    const tries = triesInVain(now);
    // Meanwhile another worker may have seen it.
    if (tries < MANY_TRIES) return;
    const facts = { workflowId, event: String(last.eventId), reason };
    if (tries < MANY_TRIES_OF_ANOTHER && !wasWrittenBy(build, last)) {
      log(`a ${nameOf(now)} cannot go on here: the build that has written its history is waited for`, facts);
      return;
    }
    if (!this.#mayBeSetBack(now, reason)) return;
    await this.#setBack(handle, runId, last.eventId ?? null);
    log(`a ${nameOf(now)} that could not go on was set back`, facts);
  }

  async #handleOf(runId: string): Promise<WorkflowHandle | null> {
    const { workflow } = this.#options.client;
    for await (const { workflowId } of workflow.list({ query: `RunId = '${runId}'`, pageSize: 1 }))
      return workflow.getHandle(workflowId, runId);
    return null;
  }

  #mayBeSetBack(seen: WorkflowExecutionDescription, reason: string): boolean {
    const { workflowId, type } = seen;
    const times = (this.#times.get(workflowId) ?? 0) + 1;
    if (times > MOST_SET_BACK) {
      const next = NEXT[type] ?? 'terminate its workflow';
      this.#options.log(`a ${nameOf(seen)} cannot go on, and was set back in vain`, { workflowId, reason, next });
      return false;
    }
    this.#times.set(workflowId, times);
    return true;
  }

  async #setBack(handle: WorkflowHandle, runId: string, eventId: HistoryEvent['eventId']): Promise<void> {
    const { client } = this.#options;
    const { workflowId } = handle;
    await client.workflowService.resetWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId, runId },
      workflowTaskFinishEventId: eventId ?? null,
      reason: SET_BACK,
      // Of several that ask for the same, one has its way.
      requestId: `${runId}/${String(eventId)}`,
    });
    await askAgain(client, workflowId, runId);
  }
}

const NAMES: Readonly<Record<string, string>> = {
  [WORKFLOW_TYPES.integration]: 'queue',
  [WORKFLOW_TYPES.gate]: 'gate run',
};
const NEXT: Readonly<Record<string, string>> = {
  [WORKFLOW_TYPES.integration]: 'terminate its workflow: its tasks hand themselves off again within ten minutes',
  [WORKFLOW_TYPES.task]: 'reset its workflow to an earlier event, or terminate it and submit the task again',
  [WORKFLOW_TYPES.gate]: 'terminate its workflow: its queue begins the run again',
};

function nameOf({ type }: Pick<WorkflowExecutionDescription, 'type'>): string {
  return NAMES[type] ?? type;
}

/** How often its task was given out since it last went on; 0: it is closed. */
function triesInVain({ status, raw }: WorkflowExecutionDescription): number {
  return status.name === 'RUNNING' ? (raw.pendingWorkflowTask?.attempt ?? 0) : 0;
}

/** The events at which a worker had done a workflow's task: what it commanded comes after each. */
function wasDone({ events }: History): readonly HistoryEvent[] {
  return (events ?? []).filter(({ workflowTaskCompletedEventAttributes: done }) => (done ?? null) !== null);
}

function wasWrittenBy(build: string, { workflowTaskCompletedEventAttributes: done }: HistoryEvent): boolean {
  return done?.deploymentVersion?.buildId === build || done?.workerVersion?.buildId === build;
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
