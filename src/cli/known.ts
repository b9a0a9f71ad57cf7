/**
 * What is known of one task: by the workflow's own word, else by the ledger's record, else by what Temporal keeps of it.
 * A task that no worker has taken yet is queued, whatever its workflow would say.
 */

import { WorkflowNotFoundError, type WorkflowExecutionDescription } from '@temporalio/client';
import { UnreadablePayload } from '../codec/encryption-codec.ts';
import type { TaskId } from '../core/ids.ts';
import { isEnd, type TaskStateName, type TaskView } from '../core/task-types.ts';
import { detailQuery, type TaskDetail } from '../workflows/messages.ts';
import { Failed, UsageError } from './errors.ts';
import { emptyView } from '../core/task-view.ts';
import { brokenView } from './outcome.ts';
import { pendingPhaseOf, type PendingPhase } from './pending-phase.ts';
import { noTask } from './resolve-id.ts';
import type { Session } from './session.ts';
import { CALL_MS, type Temporal } from './temporal.ts';
import { tryLedger } from './try-ledger.ts';

const QUERY_MS = 1_500;

export interface Known {
  readonly view: TaskView;
  /** Null when the workflow did not answer. */
  readonly detail: TaskDetail | null;
  readonly from: 'workflow' | 'ledger' | 'temporal';
  /** Null when none is scheduled or runs. */
  readonly pending: PendingPhase | null;
}

/**
 * @throws UsageError when nobody knows the task, Failed when neither Temporal nor the ledger can be asked,
 *   UnreadablePayload when it is encrypted with a key that this machine does not have; UsageError too when a key of its
 *   host.yaml cannot be looked up
 */
export async function readKnown(session: Session, id: TaskId): Promise<Known> {
  const temporal = await session.temporal();
  const asking = new AbortController();
  const querying = queryDetail(temporal, id, asking.signal);
  const describing = describe(temporal, id);
  try {
    const recorded = await tryLedger(session, (ledger) => ledger.readTask(id));
    const described = await describing;
    const isOpen = described.kind === 'found' && described.description.status.name === 'RUNNING';
    // An ended task's record is final: its workflow would say the same, if a worker were there.
    if (recorded !== null && isEnd(recorded.state) && !isOpen)
      return { view: recorded, detail: null, from: 'ledger', pending: null };
    const detail = described.kind === 'found' ? await querying : null;
    // There is a worker, and it has answered: less than that would be shown for all that is known.
    if (detail instanceof UnreadablePayload || detail instanceof UsageError) throw detail;
    return settle(id, recorded, described, detail);
  } finally {
    asking.abort();
  }
}

/** The view alone. */
export async function requireKnown(session: Session, id: TaskId): Promise<TaskView> {
  return (await readKnown(session, id)).view;
}

/** What the lists know of a task, or else Temporal: its workflow, which needs a worker, is not asked. @throws as above */
export async function readListed(session: Session, id: TaskId): Promise<TaskView> {
  const recorded = await tryLedger(session, (ledger) => ledger.readTask(id));
  return recorded ?? (await settle(id, null, await describe(await session.temporal(), id), null)).view;
}

type Described =
  | {
      readonly kind: 'found';
      readonly description: WorkflowExecutionDescription;
      readonly pending: PendingPhase | null;
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly error: unknown };

async function settle(
  id: TaskId,
  recorded: TaskView | null,
  described: Described,
  detail: TaskDetail | null,
): Promise<Known> {
  const pending = described.kind === 'found' ? described.pending : null;
  if (detail !== null) {
    const said = newest(detail.view, recorded);
    // A closed workflow still answers: by where it was when it was ended from outside.
    const view = described.kind === 'found' ? amend(said, described.description) : said;
    return { view, detail, from: 'workflow', pending };
  }
  if (recorded !== null) {
    const view = described.kind === 'found' ? amend(recorded, described.description) : recorded;
    return { view, detail: null, from: 'ledger', pending };
  }
  if (described.kind === 'none') throw new UsageError(noTask(id));
  if (described.kind === 'failed') throw described.error;
  return { view: await viewOfDescription(id, described.description), detail: null, from: 'temporal', pending };
}

/** The workflow says running as soon as an attempt is scheduled; the ledger knows whether one has begun. */
function newest(said: TaskView, recorded: TaskView | null): TaskView {
  if (recorded === null) return said;
  if (recorded.sequence > said.sequence) return recorded;
  if (said.state !== 'running' || recorded.attempt !== said.attempt) return said;
  const waitingFor = recorded.waitingFor?.kind === 'host' ? recorded.waitingFor : said.waitingFor;
  return { ...said, waitingFor, state: recorded.state === 'queued' ? 'queued' : said.state };
}

/** A record that does not know of the end, of a workflow that was ended from outside. */
function amend(recorded: TaskView, description: WorkflowExecutionDescription): TaskView {
  const status = description.status.name;
  if (status !== 'TERMINATED' && status !== 'TIMED_OUT') return recorded;
  return brokenView(recorded.id, recorded, `its workflow was ended from outside (${status.toLowerCase()})`);
}

async function queryDetail(
  temporal: Temporal,
  id: TaskId,
  signal: AbortSignal,
): Promise<TaskDetail | UnreadablePayload | UsageError | null> {
  try {
    return await temporal.limited(QUERY_MS, signal, () => temporal.task(id).query(detailQuery));
  } catch (error) {
    // A key of this machine that cannot be had is wrong usage.
    if (error instanceof UnreadablePayload || error instanceof UsageError) return error;
    // No worker, or none that knows the query: the ledger and the description say what they know.
    return null;
  }
}

async function describe(temporal: Temporal, id: TaskId): Promise<Described> {
  try {
    const description = await temporal.within(CALL_MS, () => temporal.task(id).describe());
    const pending = await pendingPhaseOf(description, temporal.client.options.loadedDataConverter);
    return { kind: 'found', description, pending };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'none' };
    if (error instanceof Failed) return { kind: 'failed', error };
    throw error;
  }
}

const STATE_OF_STATUS: Readonly<Record<string, TaskStateName>> = {
  COMPLETED: 'landed',
  FAILED: 'failed',
  CANCELLED: 'canceled',
  TERMINATED: 'failed',
  TIMED_OUT: 'failed',
};

/** What the start of the workflow tells: enough for a task that nobody has taken yet. */
async function viewOfDescription(id: TaskId, description: WorkflowExecutionDescription): Promise<TaskView> {
  const keyword = (name: string): string => {
    const value = description.searchAttributes[name]?.[0];
    return typeof value === 'string' ? value : '';
  };
  const ended = STATE_OF_STATUS[description.status.name];
  const told = keyword('TaskState') as TaskStateName;
  return {
    ...emptyView(id),
    title: (await description.staticSummary()) ?? '',
    project: keyword('Project') as TaskView['project'],
    agent: keyword('Agent'),
    owner: keyword('Owner'),
    state: ended === undefined || isEnd(told) ? told || 'queued' : ended,
    createdAt: description.startTime.toISOString(),
    endedAt: description.closeTime?.toISOString() ?? null,
  };
}
