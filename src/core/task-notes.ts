/** What reaches a task in any stage without moving it: comments, edits, and the questions that block it. */

import { exchange, goOn, happen } from './task-moves.ts';
import type { PersonEvent, Surroundings, Task, TaskInputEvent } from './task-state.ts';
import type { TaskSpec } from './task-types.ts';

/** More questions than this block no task: the rest are told so by their own tasks. */
export const MAX_BLOCKERS = 50;

export function comment(
  task: Task,
  event: Extract<PersonEvent, { kind: 'comment' }>,
  surroundings: Surroundings,
): Task {
  const { text, actor } = event;
  const said = exchange(task, surroundings, { kind: 'comment', question: '', answer: text, actor });
  return happen(said, surroundings, { kind: 'commented', text, actor });
}

export function edit(task: Task, event: Extract<PersonEvent, { kind: 'edit' }>, surroundings: Surroundings): Task {
  const before = currentSpec(task, surroundings.spec);
  const edited = { title: event.title ?? before.title, body: event.body ?? before.body };
  return happen({ ...task, edited }, surroundings, { ...event, kind: 'edited' });
}

export function block(task: Task, event: Extract<TaskInputEvent, { kind: 'block' }>, surroundings: Surroundings): Task {
  const { by, text } = event;
  const known = task.blockers.some((blocker) => blocker.by === by) || task.blockers.length >= MAX_BLOCKERS;
  if (known) return task;
  return happen({ ...task, blockers: [...task.blockers, { by, text }] }, surroundings, { kind: 'blocked', by, text });
}

/** A question that blocks the task is over: with its answer, or without one. */
export function release(
  task: Task,
  event: Extract<TaskInputEvent, { kind: 'release' }>,
  surroundings: Surroundings,
): Task {
  const { by, text, actor } = event;
  const blocker = task.blockers.find((other) => other.by === by);
  if (blocker === undefined) return task;
  const blockers = task.blockers.filter((other) => other !== blocker);
  const said = exchange({ ...task, blockers }, surroundings, {
    kind: 'question',
    question: blocker.text,
    answer: text,
    actor,
  });
  return happen(said, surroundings, { kind: 'released', by, text, actor });
}

/** The last one released lets the task go on. */
export function releaseAndGoOn(
  task: Task,
  event: Extract<TaskInputEvent, { kind: 'release' }>,
  surroundings: Surroundings,
): Task {
  const released = release(task, event, surroundings);
  const { stage } = released;
  return stage.kind === 'blocked' && released.blockers.length === 0
    ? goOn(released, surroundings, stage.leadsTo)
    : released;
}

/** The submission as it now reads: what people have edited counts. */
export function currentSpec(task: Pick<Task, 'edited'>, spec: TaskSpec): TaskSpec {
  return task.edited === null ? spec : { ...spec, ...task.edited };
}
