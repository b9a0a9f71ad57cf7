/**
 * Why tasks in line do not land while their queue has stopped. The queue tells that at once to those in its chain and to who comes; one
 * that was in line before hears it when it asks, within ten minutes: to tell all could be thousands of signals. Pure.
 */

import { workflowIds } from './ids.ts';
import { MAX_REASON_CHARS } from './queue-answers.ts';
import type { QueueRow, QueueView } from './queue-types.ts';
import type { TaskView } from './task-types.ts';
import { oneLine } from './text.ts';

export type QueueName = Pick<QueueView, 'project' | 'branch'>;

/** Whether it may be one that its queue has not told yet. */
export function isUntold({ state, waitingFor }: Pick<TaskView, 'state' | 'waitingFor'>): boolean {
  return state === 'landing' && waitingFor === null;
}

/** Queues that seem to have stopped, each once: some of their tasks were told that nothing lands, or that they are held, and some nothing. */
export function queuesToAsk(views: readonly TaskView[]): readonly QueueName[] {
  const held = new Set(views.filter(isHeld).map(idOf));
  const names = views.filter(isUntold).map(({ project, branch }): QueueName => ({ project, branch }));
  return [...new Map(names.map((name) => [idOf(name), name])).values()].filter((name) => held.has(idOf(name)));
}

function isHeld({ state, waitingFor }: TaskView): boolean {
  return state === 'landing' && waitingFor?.kind === 'gate';
}

/** The views with what their queues say to those in line that they have not told. */
export function withStops(views: readonly TaskView[], queues: readonly QueueView[]): readonly TaskView[] {
  const stops = new Map(queues.map((queue) => [idOf(queue), stopOf(queue)]));
  return views.map((view) => {
    const stop = isUntold(view) ? (stops.get(idOf(view)) ?? null) : null;
    if (stop === null || !isStopped(stop, view)) return view;
    const { text, since } = stop;
    return { ...view, waitingFor: { kind: 'gate', text, since, version: null, proposal: null, for: null, open: 0 } };
  });
}

interface Stop {
  readonly text: string;
  readonly since: string;
  readonly rows: ReadonlyMap<string, QueueRow>;
  /** Whether there are more in line than there are rows. */
  readonly isCut: boolean;
}

/** Null also of a queue that does not say since when, which an older worker tells of. */
function stopOf({ stopped, stoppedSince, rows, more }: QueueView): Stop | null {
  if (stopped === null || stoppedSince == null) return null;
  const text = oneLine(stopped, MAX_REASON_CHARS);
  return { text, since: stoppedSince, rows: new Map(rows.map((row) => [row.id, row])), isCut: more > 0 };
}

/** A hotfix goes on while main is red; and one that is nowhere in the queue is on its way into it, or out. */
function isStopped({ rows, isCut }: Stop, { id }: TaskView): boolean {
  const row = rows.get(id);
  if (row === undefined) return isCut;
  return (row.state === 'queued' || row.state === 'verifying') && row.waitingFor !== null;
}

function idOf({ project, branch }: QueueName): string {
  return workflowIds.integration(project, branch);
}
