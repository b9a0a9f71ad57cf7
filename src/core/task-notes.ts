/**
 * What reaches a task in any stage without moving it: comments, edits, the questions that block it, refusals, and what
 * was confirmed.
 */

import { askAnew } from './asking.ts';
import { isSameConflict } from './radar.ts';
import { exchange, goOn, happen } from './task-moves.ts';
import type { PersonEvent, Refusal, Surroundings, Task, TaskInputEvent } from './task-state.ts';
import type { TaskSpec } from './task-types.ts';
import { oneLine } from './text.ts';

/** More questions than this block no task: the rest are told so by their own tasks. */
export const MAX_BLOCKERS = 50;
const MAX_REFUSED = 5;

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
  return happen(edited(task, event, surroundings), surroundings, { ...event, kind: 'edited' });
}

/** An edit of what is asked about under a version, which is over with it. */
export function editAsked(
  task: Task,
  event: Extract<PersonEvent, { kind: 'edit' }>,
  surroundings: Surroundings,
  replaces: number,
): Task {
  return happen(edited(task, event, surroundings), surroundings, { ...event, kind: 'edited', replaces });
}

function edited(task: Task, { title, body }: Extract<PersonEvent, { kind: 'edit' }>, { spec }: Surroundings): Task {
  const before = currentSpec(task, spec);
  return { ...task, edited: { title: title ?? before.title, body: body ?? before.body } };
}

export function block(task: Task, event: Extract<TaskInputEvent, { kind: 'block' }>, surroundings: Surroundings): Task {
  const { by } = event;
  const text = oneLine(event.text);
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
  if (blocker === undefined) return hearAtOnce(task, event, surroundings);
  const blockers = task.blockers.filter((other) => other !== blocker);
  const said = exchange({ ...task, blockers }, surroundings, {
    kind: 'question',
    question: blocker.text,
    answer: text,
    actor,
  });
  return happen(said, surroundings, { kind: 'released', by, text, actor });
}

/** One that was answered before it could block brings what was asked along; of any other that does not block nothing is said. */
function hearAtOnce(task: Task, event: Extract<TaskInputEvent, { kind: 'release' }>, surroundings: Surroundings): Task {
  const { by, text, actor } = event;
  if (event.question === undefined) return task;
  const question = oneLine(event.question);
  const isSaid = task.exchanges.some(
    (said) => said.question === question && said.answer === text && said.actor === actor,
  );
  if (isSaid) return task;
  const asked = happen(task, surroundings, { kind: 'blocked', by, text: question });
  const said = exchange(asked, surroundings, { kind: 'question', question, answer: text, actor });
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

/** What the radar says of the work that is stored; of other work, or what is known already, it says nothing. */
export function noteConflict(
  task: Task,
  { head, conflict }: Extract<TaskInputEvent, { kind: 'conflict' }>,
  surroundings: Surroundings,
): Task {
  if (task.checkpoint?.head !== head || isSameConflict(task.conflict, conflict)) return task;
  const { kind } = task.stage;
  const waits = kind === 'asking' || kind === 'blocked' || kind === 'parked';
  return happen({ ...task, conflict }, surroundings, { kind: 'conflict-seen', conflict, waits });
}

/** The submission as it now reads: what people have edited counts. */
export function currentSpec(task: Pick<Task, 'edited'>, spec: TaskSpec): TaskSpec {
  return task.edited === null ? spec : { ...spec, ...task.edited };
}

/** A note on the record that a message was refused; nothing else changes. */
export function noteRefusal(task: Task, surroundings: Surroundings, refusal: Omit<Refusal, 'atMs'>): Task {
  const refused = [...task.refused, { ...refusal, atMs: surroundings.nowMs }].slice(-MAX_REFUSED);
  return happen({ ...task, refused }, surroundings, { kind: 'refused', ...refusal });
}

/**
 * The task once it is known that the ledger is further: what it has not confirmed comes after that, and what is open is
 * asked anew, since its version may have been settled before (N7).
 */
export function overtake(task: Task, ledgerAt: number, surroundings: Surroundings): Task {
  const [first = { sequence: task.sequence + 1 }] = task.unrecorded;
  const by = ledgerAt + 1 - first.sequence;
  if (by <= 0) return task;
  const unrecorded = task.unrecorded.map((event) => ({ ...event, sequence: event.sequence + by }));
  // Each ask was an event: no version is above the number of events.
  const asks = Math.max(task.asks, ledgerAt);
  return askAnew({ ...task, asks, sequence: task.sequence + by, unrecorded }, surroundings);
}

/** The task once the ledger has confirmed everything up to a sequence. */
export function confirmRecorded(task: Task, upTo: number): Task {
  const unrecorded = task.unrecorded.filter((event) => event.sequence > upTo);
  return unrecorded.length === task.unrecorded.length ? task : { ...task, unrecorded };
}

/** The task once the tasks that were to be made of it have been. */
export function confirmMade(task: Task, surroundings: Surroundings, made: Task['toMake']): Task {
  const toMake = task.toMake.filter((one) => !made.some(({ id }) => id === one.id));
  const tasks = made.map(({ id }) => id);
  return happen({ ...task, toMake }, surroundings, { kind: 'proposed-tasks-made', tasks });
}
