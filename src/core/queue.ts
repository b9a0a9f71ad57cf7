/**
 * The queue's whole life, as a pure function of its state and what happens to it. Strictly serial: one item at a time
 * goes from `building` to `landing`, the others wait in the order of their arrival.
 *
 * ```
 *   idle ── enqueued ──▶ building
 *
 *   building ──┬─ candidate, its tree not known as green ───────▶ gating
 *              ├─ candidate, known as green ────────────────────▶ landing
 *              ├─ conflict, nothing to land, refused, landed ───▶ answer, next item
 *              ├─ its task was ended from outside ──────────────▶ next item
 *              └─ held ─────────────────────────────────────────▶ holding
 *
 *   gating ────┬─ green ────────────────────────────────────────▶ landing
 *              ├─ red ──────────────────────────────────────────▶ answer, next item
 *              ├─ none: the host's fault, at most three runs ───▶ gating
 *              └─ none, once more ──────────────────────────────▶ holding
 *
 *   landing ───┬─ landed, refused ──────────────────────────────▶ answer, next item
 *              ├─ main has moved ───────────────────────────────▶ building
 *              ├─ held ─────────────────────────────────────────▶ holding, in doubt whether it landed
 *              └─ main is not what was tested ──────────────────▶ stopped
 *
 *   holding ────── due ─────────────────────────────────────────▶ building
 *   next item: building, or idle when there is none
 * ```
 *
 * An item that is withdrawn leaves at any step at once, but for: `landing`, and `building` or `holding` in doubt, where
 * it leaves as soon as git has said that it is not on main; and `stopped`, where only a person can tell.
 *
 * Kept true here: only a candidate with a green verdict for its tree and its gate reaches `landing` (N3); an item
 * leaves the queue only with an answer to its task, unless that was ended from outside (N1); each hand-off has one answer, and gets that one again when it
 * comes again (N2); a task that was told `withdrawn` is not on main, and nothing of that hand-off will land.
 */

import { newestWithin } from './bounds.ts';
import { tailOf } from './failure.ts';
import type { TaskId } from './ids.ts';
import type { Answered, Doubt, Queue, QueueClock, QueueEvent, QueueStep } from './queue-state.ts';
import type { BuildResult, Candidate, GateVerdict, LandingReply, LandResult, QueueItem } from './queue-types.ts';
import { backoffMs, HOLD_BACKOFF } from './retry.ts';
import type { Held } from './task-types.ts';
import { oneLine } from './text.ts';

export { EMPTY_QUEUE } from './queue-state.ts';
export type { AddressedReply, Answered, Doubt, Queue, QueueClock, QueueEvent, QueueStep } from './queue-state.ts';
export { queueViewOf } from './queue-view.ts';

export const MAX_GREEN = 50;
/** Runs of one gate that may end for the host's reasons before the queue holds and says so. */
export const MAX_GATE_RUNS = 3;
/** Answers that are kept for hand-offs that come again: more than can be under way at a time. */
export const MAX_ANSWERED = 100;
const MAX_ANSWERED_CHARS = 100_000;
/** Items whose JSON is longer than this in all leave no room for more: their tasks hand off again later. */
export const MAX_ITEMS_CHARS = 300_000;
const MAX_REASON_CHARS = 500;
const MAX_LOG_CHARS = 16_384;

/** The queue after an event; the same object when the event means nothing in its step. */
export function nextQueue(queue: Queue, event: QueueEvent, clock: QueueClock): Queue {
  const { step } = queue;
  switch (event.kind) {
    case 'enqueued':
      return enqueue(queue, event.item, clock);
    case 'withdraw':
      return withdraw(queue, event.taskId, event.handoff, clock);
    case 'built':
      return step.kind === 'building' ? afterBuild(queue, event.result, clock) : queue;
    case 'gated':
      return step.kind === 'gating' ? afterGate(queue, event.verdict, step, clock) : queue;
    case 'pushed':
      return step.kind === 'landing' ? afterPush(queue, event.result, clock) : queue;
    case 'due':
      return step.kind === 'holding' && clock.nowMs >= step.untilMs ? build(queue, clock) : queue;
    case 'told':
      return event.count > 0 ? { ...queue, replies: queue.replies.slice(event.count) } : queue;
  }
}

function enqueue(queue: Queue, item: QueueItem, clock: QueueClock): Queue {
  const { taskId, attempt, head } = item;
  const ofTask = queue.items.filter((other) => other.taskId === taskId);
  if (ofTask.some((other) => other.attempt >= attempt)) return rename(queue, item);
  const before = answerTo(queue, taskId, attempt);
  if (before !== null && (before.head === null || before.head === head)) return tellAgain(queue, before);
  if (ofTask.length === 0 && queue.items.length > 0 && JSON.stringify(queue.items).length > MAX_ITEMS_CHARS)
    return queue;
  // A newer hand-off of the same task replaces one that still waits; the one under way is answered first.
  const replaced = ofTask.filter((other) => other !== queue.items[0]);
  const rest = queue.items.filter((other) => !replaced.includes(other));
  let grown: Queue = { ...queue, items: [...rest, item] };
  for (const other of replaced) grown = answer(grown, other, { kind: 'withdrawn', handoff: other.attempt });
  if (queue.step.kind === 'stopped') return tellHeld(grown, [item], stopOf(queue.step.text, queue.step.sinceMs));
  return queue.step.kind === 'idle' ? build(grown, clock) : grown;
}

/** The same hand-off again, under a title that was edited: one that is under way keeps its own. */
function rename(queue: Queue, item: QueueItem): Queue {
  const known = queue.items.find((other) => other.taskId === item.taskId && other.attempt === item.attempt);
  if (known === undefined || known === queue.items[0] || known.title === item.title) return queue;
  return { ...queue, items: queue.items.map((other) => (other === known ? { ...other, title: item.title } : other)) };
}

function withdraw(queue: Queue, taskId: TaskId, handoff: number, clock: QueueClock): Queue {
  const item = queue.items.find((other) => other.taskId === taskId && other.attempt === handoff);
  if (item === undefined) {
    // Answered already, or it never came; then it must not land when it comes yet.
    const before = answerTo(queue, taskId, handoff);
    if (before !== null) return tellAgain(queue, before);
    return answer(queue, { taskId, head: null }, { kind: 'withdrawn', handoff });
  }
  if (item === queue.items[0]) {
    const { step, doubt } = queue;
    if (step.kind === 'stopped' || doubt === 'withdraw') return queue;
    if (step.kind === 'landing') return { ...queue, doubt: 'withdraw' };
    if (doubt === 'pushed') {
      const asked: Queue = { ...queue, doubt: 'withdraw' };
      // Git is asked at once, not when the hold is over.
      return step.kind === 'holding' ? build(asked, clock) : asked;
    }
    return finish(queue, clock, { kind: 'withdrawn', handoff });
  }
  const items = queue.items.filter((other) => other !== item);
  return answer({ ...queue, items }, item, { kind: 'withdrawn', handoff });
}

function afterBuild(queue: Queue, result: BuildResult, clock: QueueClock): Queue {
  const handoff = queue.items[0]?.attempt ?? 0;
  switch (result.kind) {
    case 'candidate': {
      if (queue.doubt === 'withdraw') return finish(queue, clock, { kind: 'withdrawn', handoff });
      const { candidate } = result;
      const built: Queue = { ...queue, doubt: 'none' };
      const known = result.knownGreen || queue.green.includes(greenKey(candidate));
      if (known) return { ...built, step: { kind: 'landing', candidate, sinceMs: clock.nowMs } };
      return { ...tellGoingOn(built), step: { kind: 'gating', candidate, run: 1, sinceMs: clock.nowMs } };
    }
    case 'landed':
      return finish({ ...queue, landed: queue.landed + 1 }, clock, {
        kind: 'landed',
        handoff,
        landing: result.landing,
      });
    case 'nothing-to-land':
      return finish(queue, clock, { kind: 'nothing-to-land', handoff });
    case 'conflict':
      return finish(queue, clock, { kind: 'returned', handoff, request: result.request });
    case 'refused':
      return finish(queue, clock, { kind: 'refused', handoff, failure: result.failure });
    case 'ended':
      // Nobody waits for an answer; should the task be taken up again, the same hand-off is a new one.
      return next(queue, clock, queue.items.slice(1));
    case 'held':
      return hold(queue, result.why, result.text, clock);
  }
}

function afterGate(
  queue: Queue,
  verdict: GateVerdict,
  step: Extract<QueueStep, { kind: 'gating' }>,
  clock: QueueClock,
): Queue {
  const { candidate } = step;
  switch (verdict.kind) {
    case 'green': {
      const key = greenKey(candidate);
      const green = [...queue.green.filter((other) => other !== key), key].slice(-MAX_GREEN);
      return { ...queue, green, step: { kind: 'landing', candidate, sinceMs: clock.nowMs } };
    }
    case 'red':
      return finish(queue, clock, {
        kind: 'returned',
        handoff: queue.items[0]?.attempt ?? 0,
        request: {
          kind: 'red',
          main: candidate.main,
          text: oneLine(verdict.text, MAX_REASON_CHARS),
          files: [],
          failedCommand: verdict.failedCommand,
          evidence: tailOf(verdict.logTail, MAX_LOG_CHARS),
          landedSince: verdict.landedSince,
        },
      });
    case 'none':
      if (step.run < MAX_GATE_RUNS) {
        return { ...queue, step: { kind: 'gating', candidate, run: step.run + 1, sinceMs: clock.nowMs } };
      }
      return hold(queue, 'gate', `the gate could not be run to its end ${step.run} times: ${verdict.reason}`, clock);
  }
}

function afterPush(queue: Queue, result: LandResult, clock: QueueClock): Queue {
  const handoff = queue.items[0]?.attempt ?? 0;
  switch (result.kind) {
    case 'landed':
      return finish({ ...queue, landed: queue.landed + 1 }, clock, {
        kind: 'landed',
        handoff,
        landing: result.landing,
      });
    case 'moved':
      return queue.doubt === 'withdraw' ? finish(queue, clock, { kind: 'withdrawn', handoff }) : build(queue, clock);
    case 'mismatch': {
      const stop = stopOf(result.text, clock.nowMs);
      const stopped: Queue = { ...queue, step: { kind: 'stopped', text: stop.text, sinceMs: stop.sinceMs } };
      return tellHeld(stopped, queue.items, stop);
    }
    case 'refused':
      return finish(queue, clock, { kind: 'refused', handoff, failure: result.failure });
    case 'held': {
      const doubt: Doubt = queue.doubt === 'withdraw' ? 'withdraw' : 'pushed';
      return hold({ ...queue, doubt }, result.why, result.text, clock);
    }
  }
}

/** Answers the present item's task and goes on with the next one. */
function finish(queue: Queue, clock: QueueClock, reply: LandingReply): Queue {
  const [item, ...rest] = queue.items;
  const answered = item === undefined ? queue : answer(queue, item, reply);
  return next(answered, clock, rest);
}

function next(queue: Queue, clock: QueueClock, items: readonly QueueItem[]): Queue {
  return build({ ...queue, items, doubt: 'none', holds: 0, heldText: null }, clock);
}

function build(queue: Queue, clock: QueueClock): Queue {
  return { ...queue, step: queue.items.length === 0 ? { kind: 'idle' } : { kind: 'building', sinceMs: clock.nowMs } };
}

function hold(queue: Queue, why: Held['kind'], reason: string, clock: QueueClock): Queue {
  const text = oneLine(reason, MAX_REASON_CHARS);
  const tries = queue.holds + 1;
  const held: Held = { kind: why, text, sinceMs: clock.nowMs };
  const untilMs = clock.nowMs + backoffMs(HOLD_BACKOFF, tries, clock.random);
  const holding: Queue = { ...queue, step: { kind: 'holding', held, tries, untilMs }, holds: tries, heldText: text };
  // The task is told when the reason is new, not at every try.
  return queue.heldText === text ? holding : tellHeld(holding, queue.items.slice(0, 1), held);
}

function tellGoingOn(queue: Queue): Queue {
  return queue.heldText === null ? queue : tellHeld({ ...queue, heldText: null }, queue.items.slice(0, 1), null);
}

/** A stopped queue waits for a person, who looks at what the gate and main disagree about. */
function stopOf(text: string, sinceMs: number): Held {
  return { kind: 'gate', text: oneLine(text, MAX_REASON_CHARS), sinceMs };
}

function tellHeld(queue: Queue, items: readonly QueueItem[], held: Held | null): Queue {
  const told = items.map(
    ({ taskId, attempt }) => ({ taskId, reply: { kind: 'held', handoff: attempt, held } }) as const,
  );
  return { ...queue, replies: [...queue.replies, ...told] };
}

/** The one place where a hand-off is answered for good. */
function answer(queue: Queue, { taskId, head }: Pick<Answered, 'taskId' | 'head'>, reply: LandingReply): Queue {
  const answered = [...queue.answered, { taskId, head, reply }];
  return {
    ...queue,
    replies: [...queue.replies, { taskId, reply }],
    answered: newestWithin(answered, MAX_ANSWERED, MAX_ANSWERED_CHARS),
  };
}

function answerTo(queue: Queue, taskId: TaskId, handoff: number): Answered | null {
  return queue.answered.findLast((other) => other.taskId === taskId && other.reply.handoff === handoff) ?? null;
}

function tellAgain(queue: Queue, { taskId, reply }: Answered): Queue {
  const underWay = queue.replies.some(
    (other) => other.taskId === taskId && other.reply.kind === reply.kind && other.reply.handoff === reply.handoff,
  );
  return underWay ? queue : { ...queue, replies: [...queue.replies, { taskId, reply }] };
}

function greenKey(candidate: Candidate): string {
  return `${candidate.tree}/${candidate.gate.hash}`;
}
