/**
 * What tasks are told.
 *
 * Kept true here: an item leaves the queue only with an answer to its task, unless that was ended from outside (N1); each hand-off has one answer, and gets
 * that one again when it comes again (N2).
 */

import { newestWithin } from './bounds.ts';
import type { ProjectName, TaskId } from './ids.ts';
import type { QueueClock } from './queue-exchange.ts';
import type { Answered, Entry, Halt, Queue, Waiting } from './queue-state.ts';
import type { LandingReply, QueueItem } from './queue-types.ts';
import { backoffMs, HOLD_BACKOFF } from './retry.ts';
import type { Held } from './task-types.ts';
import { oneLine } from './text.ts';

/** Answers that are kept for hand-offs that come again: more than can be under way at a time. */
export const MAX_ANSWERED = 100;
const MAX_ANSWERED_CHARS = 100_000;
export const MAX_REASON_CHARS = 500;
/** Each is a signal. */
export const MAX_TOLD_IN_LINE = 200;

/** The one place where a hand-off is answered for good. */
export function answer(
  queue: Queue,
  { taskId, head }: { readonly taskId: TaskId; readonly head: Answered['head'] },
  reply: LandingReply,
): Queue {
  const answered = [...queue.answered, { taskId, head, reply }];
  return {
    ...queue,
    replies: [...queue.replies, { taskId, reply }],
    answered: newestWithin(answered, MAX_ANSWERED, MAX_ANSWERED_CHARS),
  };
}

export function answerTo(queue: Queue, taskId: TaskId, handoff: number): Answered | null {
  return queue.answered.findLast((other) => other.taskId === taskId && other.reply.handoff === handoff) ?? null;
}

export function tellAgain(queue: Queue, { taskId, reply }: Answered): Queue {
  const underWay = queue.replies.some(
    (other) => other.taskId === taskId && other.reply.kind === reply.kind && other.reply.handoff === reply.handoff,
  );
  return underWay ? queue : { ...queue, replies: [...queue.replies, { taskId, reply }] };
}

/** Answers an entry's task and takes it out of the chain. */
export function finish(queue: Queue, entry: Entry, reply: LandingReply): Queue {
  return answer(leave(queue, entry), entry.item, reply);
}

/** Takes an entry out of the chain without a word to its task, which has been ended from outside. */
export function leave(queue: Queue, entry: Entry): Queue {
  const chain = queue.chain.filter((other) => other !== entry);
  const turn = queue.turn?.taskId === entry.item.taskId ? null : queue.turn;
  return { ...queue, chain, turn };
}

export function replaceEntry(queue: Queue, entry: Entry, next: Entry): Queue {
  return { ...queue, chain: queue.chain.map((other) => (other === entry ? next : other)) };
}

/** Lets an entry wait a while, longer each time; its task is told when the reason is new, not at every try. */
export function hold(queue: Queue, entry: Entry, why: Held['kind'], reason: string, clock: QueueClock): Queue {
  const text = oneLine(reason, MAX_REASON_CHARS);
  const holds = entry.holds + 1;
  const held: Held = { kind: why, text, sinceMs: clock.nowMs };
  const untilMs = clock.nowMs + backoffMs(HOLD_BACKOFF, holds, clock.random);
  const next: Entry = { ...entry, stage: { kind: 'held', held, untilMs }, holds, heldText: text };
  const holding = replaceEntry(queue, entry, next);
  return entry.heldText === text ? holding : tellHeld(holding, [entry.item], held);
}

/** By which a halted queue goes on. */
export function resumeCommand(project: ProjectName | undefined): string {
  return project === undefined ? 'tasks queue resume' : `tasks queue resume --project ${project}`;
}

/** Tells all of the chain why nothing lands; once a reason. */
export function tellChain(queue: Queue, reason: string, sinceMs: number): Queue {
  const text = oneLine(reason, MAX_REASON_CHARS);
  const unaware = queue.chain.filter((entry) => entry.heldText !== text);
  const chain = queue.chain.map((entry) => ({ ...entry, heldText: text }));
  return tellHeld(
    { ...queue, chain },
    unaware.map(({ item }) => item),
    heldBy({ text, sinceMs }),
  );
}

/** Halts the queue, and tells all of the chain why. A person's pause is kept below. */
export function haltFor(queue: Queue, kind: Halt['kind'], text: string, { nowMs }: QueueClock): Queue {
  const pause = queue.halt?.kind === 'person' ? queue.halt : queue.halt?.pause;
  const halt: Halt = { kind, text, sinceMs: nowMs, ...(pause === undefined ? {} : { pause }) };
  return tellChain({ ...queue, halt }, text, nowMs);
}

/** Why nothing lands, as tasks are told: a person, or whoever mends main, has to look. */
export function heldBy({ text, sinceMs }: { readonly text: string; readonly sinceMs: number }): Held {
  return { kind: 'gate', text: oneLine(text, MAX_REASON_CHARS), sinceMs };
}

/** Tells those that were held that they go on. */
export function tellGoingOn(queue: Queue, which: (entry: Entry) => boolean): Queue {
  const told = queue.chain.filter((entry) => entry.heldText !== null && which(entry));
  if (told.length === 0) return queue;
  const chain = queue.chain.map((entry) => (told.includes(entry) ? { ...entry, heldText: null } : entry));
  return tellHeld(
    { ...queue, chain },
    told.map(({ item }) => item),
    null,
  );
}

/**
 * Tells all that were held that they go on: of those in line the first ones, the others when they come near, or ask. While main
 * is red nobody does, and the chain is told that.
 */
export function tellAllGoingOn(queue: Queue): Queue {
  const { redMain, toldOnce } = queue;
  if (toldOnce === true && redMain !== null) return tellChain(queue, redMain.text, redMain.sinceMs);
  const told = tellGoingOn(queue, () => true);
  if (toldOnce !== true) return told;
  const isChecked = ({ taskId }: Waiting): boolean => queue.checks.some(({ item }) => item.taskId === taskId);
  const unaware = told.line
    .filter((waiting) => waiting.heldText !== null && !isChecked(waiting))
    .slice(0, MAX_TOLD_IN_LINE);
  if (unaware.length === 0) return told;
  const line = told.line.map((waiting) => (unaware.includes(waiting) ? { ...waiting, heldText: null } : waiting));
  return tellHeld({ ...told, line }, unaware, null);
}

export function tellHeld(
  queue: Queue,
  items: readonly Pick<QueueItem, 'taskId' | 'attempt'>[],
  held: Held | null,
): Queue {
  const told = items.map(
    ({ taskId, attempt }) => ({ taskId, reply: { kind: 'held', handoff: attempt, held } }) as const,
  );
  return { ...queue, replies: [...queue.replies, ...told] };
}
