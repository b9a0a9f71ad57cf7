/** The named points of a task's life at which its worker is killed, in their order, and how each is seen. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { TaskId } from '../../src/core/ids.ts';
import { workflowIds } from '../../src/core/ids.ts';
import type { LedgerReader } from '../../src/ledger/types.ts';
import { eventually } from '../support/eventually.ts';
import type { FaultProject } from './project.ts';
import { atOnce, BEGINNING, didLocally, untilEvent, wasSignaled, type HistoryEvent, type Moment } from './watching.ts';

/** A task under way. */
export interface Watched {
  readonly client: Client;
  readonly ledger: LedgerReader;
  readonly project: FaultProject;
  /** The home of its worker. */
  readonly home: string;
  readonly id: TaskId;
  /** Of its queue, before it was submitted. */
  readonly queueMoment: Moment;
}

export interface Point {
  readonly name: string;
  /** Where agent, gate or the origin's hook stops by itself; told before the task is submitted. */
  readonly stop?: string;
  /** Resolves there; left out: where it stops. */
  readonly reached?: (task: Watched) => Promise<void>;
  readonly title?: string;
  /** What a person does while no worker is there. */
  readonly meanwhile?: 'answers' | 'cancels';
  /** Why it does not come right yet: it is left out unless it is asked for by name, and said each time. */
  readonly open?: string;
}

const ASKED_LIMIT_MS = 60_000;

const stops = (name: string, stop: string): Point => ({ name, stop });

const sees = (name: string, path: string, isThere = true): Point => ({
  name,
  reached: async ({ home, project, id }) => {
    const folder = join(home, 'workspaces', project.name, id);
    if (!isThere) await atOnce('the workspace', () => existsSync(folder));
    await atOnce(name, () => existsSync(join(folder, path)) === isThere);
  },
});

const ofTask = (name: string, is: (event: HistoryEvent) => boolean): Point => ({
  name,
  reached: ({ client, id }) => untilEvent(client, workflowIds.task(id), BEGINNING, is),
});

const ofQueue = (name: string, is: (event: HistoryEvent) => boolean): Point => ({
  name,
  reached: ({ client, project, queueMoment }) =>
    untilEvent(client, `integration/${project.name}/main`, queueMoment, is),
});

export const POINTS: readonly Point[] = [
  { name: 'submitted', reached: () => Promise.resolve() },
  ofTask('phase scheduled', (event) => Boolean(event.activityTaskScheduledEventAttributes)),
  sees('workspace begun', ''),
  sees('worktree made', 'worktree/.git'),
  sees('prompt written', 'task/prompt.md'),
  stops('agent runs', 'agent-runs'),
  stops('agent has committed', 'agent-committed'),
  stops('agent has reported', 'agent-reported'),
  stops('before the store’s push', 'before-store'),
  stops('store’s refs locked', 'transaction-store'),
  stops('after the store’s push', 'after-store'),
  ofTask('phase ended', (event) => Boolean(event.activityTaskCompletedEventAttributes)),
  {
    name: 'asked, answered by signal',
    title: 'Asks (asks)',
    meanwhile: 'answers',
    reached: async (task) => {
      await untilAsked(task);
      const handle = task.client.workflow.getHandle(workflowIds.task(task.id));
      await eventually('it to rest', async () => !(await handle.describe()).raw.pendingWorkflowTask);
    },
  },
  {
    name: 'just asked, answered by signal',
    title: 'Asks (asks)',
    meanwhile: 'answers',
    reached: untilAsked,
  },
  { name: 'agent runs, canceled', stop: 'agent-runs', meanwhile: 'cancels' },
  ofQueue('handed off', wasSignaled('hand-off')),
  ofQueue('candidate built', didLocally('buildCandidate')),
  stops('gate runs', 'gate-runs'),
  ofQueue('verdict heard', wasSignaled('verdict')),
  stops('before the landing’s push', 'before-landing'),
  stops('landing’s refs locked', 'transaction-landing'),
  stops('after the landing’s push', 'after-landing'),
  ofTask('told that it landed', wasSignaled('landing-reply')),
  ofTask('ended', (event) => Boolean(event.workflowExecutionCompletedEventAttributes)),
  stops('before the refs are deleted', 'before-cleaning'),
  stops('refs to be deleted locked', 'transaction-cleaning'),
  stops('after the refs are deleted', 'after-cleaning'),
  sees('worktree removed', 'worktree', false),
];

/** As the ledger shows it to people. */
async function untilAsked({ ledger, id }: Watched): Promise<void> {
  await eventually(
    'the question',
    async () => (await ledger.readTask(id))?.waitingFor?.kind === 'question',
    ASKED_LIMIT_MS,
  );
}
