/**
 * The queue's whole life, as a pure function of its state and what happens to it. Strictly serial: one item at a time
 * goes from `build` to `land`, the others wait in the order of their arrival.
 *
 * ```
 *            enqueued                 candidate              green               landed
 *   (idle) ──────────▶ building ────────────────▶ gating ─────────────▶ landing ────────▶ reply, next item
 *                       │ ▲  ▲                     │  │                  │  │  │
 *                       │ │  └────────── main moved: build again ────────┘  │  │
 *                       │ │                        │  └─ none (host's fault): run again, at most three times
 *                       │ └── due ── holding ◀─────┴──── held ─────────────┘  │
 *                       ▼                ▲                                      ▼
 *            reply: conflict, nothing    └─ held                             stopped (main is not what was tested)
 * ```
 *
 * Kept true here: only a candidate with a green verdict for its tree and its gate reaches `landing` (N3); an item
 * leaves the queue only with a reply to its task (N1); each hand-off is answered once (N2); an item whose landing may
 * be under way is never withdrawn.
 */

import { backoffMs, HOLD_BACKOFF } from './retry.ts';
import type { TaskId } from './ids.ts';
import type {
  BuildResult,
  Candidate,
  GateVerdict,
  LandingReply,
  LandResult,
  QueueItem,
  QueueRow,
  QueueView,
  Target,
} from './queue-types.ts';
import type { Held, Landing } from './task-types.ts';

export type QueueStep =
  | { readonly kind: 'idle' }
  | { readonly kind: 'building'; readonly sinceMs: number }
  | { readonly kind: 'gating'; readonly candidate: Candidate; readonly run: number; readonly sinceMs: number }
  | { readonly kind: 'landing'; readonly candidate: Candidate; readonly sinceMs: number }
  | { readonly kind: 'holding'; readonly held: Held; readonly tries: number; readonly untilMs: number }
  | { readonly kind: 'stopped'; readonly text: string; readonly sinceMs: number };

export interface AddressedReply {
  readonly taskId: TaskId;
  readonly reply: LandingReply;
}

export interface Queue {
  /** The first one is the one that the step is about. */
  readonly items: readonly QueueItem[];
  readonly step: QueueStep;
  /** What the workflow still has to tell tasks. */
  readonly replies: readonly AddressedReply[];
  /** Holds in a row of the present item, for the back-off. */
  readonly holds: number;
  /** Why the present item's task was last told that it is held; null when it was not, or was told that it goes on. */
  readonly heldText: string | null;
  /** Trees seen green lately, as `<tree>/<gate hash>`, newest last: the ledger's memory when the ledger is down. */
  readonly green: readonly string[];
  readonly landed: number;
}

export type QueueEvent =
  | { readonly kind: 'enqueued'; readonly item: QueueItem }
  | { readonly kind: 'withdraw'; readonly taskId: TaskId; readonly handoff: number }
  | { readonly kind: 'built'; readonly result: BuildResult }
  | { readonly kind: 'gated'; readonly verdict: GateVerdict }
  | { readonly kind: 'pushed'; readonly result: LandResult }
  | { readonly kind: 'due' }
  | { readonly kind: 'told'; readonly count: number };

export interface QueueClock {
  readonly nowMs: number;
  readonly random: number;
}

export const MAX_GREEN = 50;
/** Runs of one gate that may end for the host's reasons before the queue holds and says so. */
export const MAX_GATE_RUNS = 3;

export const EMPTY_QUEUE: Queue = {
  items: [],
  step: { kind: 'idle' },
  replies: [],
  holds: 0,
  heldText: null,
  green: [],
  landed: 0,
};

export function nextQueue(queue: Queue, event: QueueEvent, clock: QueueClock): Queue {
  switch (event.kind) {
    case 'enqueued':
      return enqueue(queue, event.item, clock);
    case 'withdraw':
      return withdraw(queue, event.taskId, event.handoff, clock);
    case 'built':
      return queue.step.kind === 'building' ? afterBuild(queue, event.result, clock) : queue;
    case 'gated':
      return queue.step.kind === 'gating' ? afterGate(queue, event.verdict, queue.step, clock) : queue;
    case 'pushed':
      return queue.step.kind === 'landing' ? afterPush(queue, event.result, clock) : queue;
    case 'due':
      return queue.step.kind === 'holding' && clock.nowMs >= queue.step.untilMs ? build(queue, clock) : queue;
    case 'told':
      return { ...queue, replies: queue.replies.slice(event.count) };
  }
}

function enqueue(queue: Queue, item: QueueItem, clock: QueueClock): Queue {
  const known = queue.items.find((other) => other.taskId === item.taskId);
  if (known !== undefined && known.attempt >= item.attempt) return queue;
  // A newer hand-off of the same task replaces one that still waits; the one under way is answered first.
  const waiting = queue.items.filter((other, index) => other.taskId !== item.taskId || isUnderWay(queue, index));
  const grown: Queue = { ...queue, items: [...waiting, item] };
  return grown.step.kind === 'idle' ? build(grown, clock) : grown;
}

function withdraw(queue: Queue, taskId: TaskId, handoff: number, clock: QueueClock): Queue {
  const index = queue.items.findIndex((item) => item.taskId === taskId);
  const told: AddressedReply = { taskId, reply: { kind: 'withdrawn', handoff } };
  if (index < 0) {
    // Its answer is under way already, or it never came: in both cases nothing of it will land from now on.
    return queue.replies.some((other) => other.taskId === taskId)
      ? queue
      : { ...queue, replies: [...queue.replies, told] };
  }
  if (index === 0 && (queue.step.kind === 'landing' || queue.step.kind === 'stopped')) return queue;
  const items = queue.items.filter((item) => item.taskId !== taskId);
  const without: Queue = { ...queue, items, replies: [...queue.replies, told] };
  return index === 0 ? build({ ...without, holds: 0, heldText: null }, clock) : without;
}

function isUnderWay(queue: Queue, index: number): boolean {
  return index === 0 && queue.step.kind !== 'idle';
}

function afterBuild(queue: Queue, result: BuildResult, clock: QueueClock): Queue {
  switch (result.kind) {
    case 'candidate': {
      const { candidate } = result;
      const known = result.knownGreen || queue.green.includes(greenKey(candidate));
      if (known) return { ...queue, step: { kind: 'landing', candidate, sinceMs: clock.nowMs } };
      return { ...tellGoingOn(queue), step: { kind: 'gating', candidate, run: 1, sinceMs: clock.nowMs } };
    }
    case 'landed':
      return afterLanding(queue, result.landing, clock);
    case 'nothing-to-land':
      return finish(queue, clock, (handoff) => ({ kind: 'nothing-to-land', handoff }));
    case 'conflict':
      return finish(queue, clock, (handoff) => ({ kind: 'returned', handoff, request: result.request }));
    case 'refused':
      return finish(queue, clock, (handoff) => ({ kind: 'refused', handoff, failure: result.failure }));
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
      const green = [...queue.green, greenKey(candidate)].slice(-MAX_GREEN);
      return { ...queue, green, step: { kind: 'landing', candidate, sinceMs: clock.nowMs } };
    }
    case 'red':
      return finish(queue, clock, (handoff) => ({
        kind: 'returned',
        handoff,
        request: {
          kind: 'red',
          main: candidate.main,
          text: verdict.text,
          files: [],
          failedCommand: verdict.failedCommand,
          evidence: verdict.logTail,
          landedSince: [],
        },
      }));
    case 'none':
      if (step.run < MAX_GATE_RUNS) {
        return { ...queue, step: { kind: 'gating', candidate, run: step.run + 1, sinceMs: clock.nowMs } };
      }
      return hold(queue, 'gate', `the gate could not be run to its end ${step.run} times: ${verdict.reason}`, clock);
  }
}

function afterPush(queue: Queue, result: LandResult, clock: QueueClock): Queue {
  switch (result.kind) {
    case 'landed':
      return afterLanding(queue, result.landing, clock);
    case 'moved':
      return build(queue, clock);
    case 'mismatch':
      return { ...queue, step: { kind: 'stopped', text: result.text, sinceMs: clock.nowMs } };
    case 'refused':
      return finish(queue, clock, (handoff) => ({ kind: 'refused', handoff, failure: result.failure }));
    case 'held':
      return hold(queue, result.why, result.text, clock);
  }
}

function afterLanding(queue: Queue, landing: Landing, clock: QueueClock): Queue {
  return finish({ ...queue, landed: queue.landed + 1 }, clock, (handoff) => ({ kind: 'landed', handoff, landing }));
}

function finish(queue: Queue, clock: QueueClock, reply: (handoff: number) => LandingReply): Queue {
  const [item, ...rest] = queue.items;
  if (item === undefined) return { ...queue, step: { kind: 'idle' } };
  const told: AddressedReply = { taskId: item.taskId, reply: reply(item.attempt) };
  return build({ ...queue, items: rest, replies: [...queue.replies, told], holds: 0, heldText: null }, clock);
}

function build(queue: Queue, clock: QueueClock): Queue {
  return { ...queue, step: queue.items.length === 0 ? { kind: 'idle' } : { kind: 'building', sinceMs: clock.nowMs } };
}

function hold(queue: Queue, why: Held['kind'], text: string, clock: QueueClock): Queue {
  const [item] = queue.items;
  const tries = queue.holds + 1;
  const held: Held = { kind: why, text, sinceMs: clock.nowMs };
  const untilMs = clock.nowMs + backoffMs(HOLD_BACKOFF, tries, clock.random);
  const step: QueueStep = { kind: 'holding', held, tries, untilMs };
  if (item === undefined) return { ...queue, step: { kind: 'idle' } };
  // The task is told when the reason is new, not at every try.
  const told: readonly AddressedReply[] =
    queue.heldText === text ? [] : [{ taskId: item.taskId, reply: { kind: 'held', handoff: item.attempt, held } }];
  return { ...queue, step, holds: tries, heldText: text, replies: [...queue.replies, ...told] };
}

function tellGoingOn(queue: Queue): Queue {
  const [item] = queue.items;
  if (item === undefined || queue.heldText === null) return queue;
  const told: AddressedReply = { taskId: item.taskId, reply: { kind: 'held', handoff: item.attempt, held: null } };
  return { ...queue, heldText: null, replies: [...queue.replies, told] };
}

function greenKey(candidate: Candidate): string {
  return `${candidate.tree}/${candidate.gate.hash}`;
}

export function queueViewOf(queue: Queue, target: Target): QueueView {
  const rows = queue.items.map((item, index): QueueRow => {
    const { step } = queue;
    const first = index === 0;
    const candidate = first && (step.kind === 'gating' || step.kind === 'landing') ? step.candidate : null;
    return {
      position: index + 1,
      id: item.taskId,
      title: item.title,
      state: first ? rowState(step) : 'queued',
      base: candidate?.main ?? null,
      tree: candidate?.tree ?? null,
      verdict: first && step.kind === 'landing' ? 'green' : null,
      waitingFor: first && step.kind === 'holding' ? step.held.text : null,
      since: new Date(first && 'sinceMs' in step ? step.sinceMs : item.enqueuedAtMs).toISOString(),
    };
  });
  return {
    ...target,
    landed: queue.landed,
    rows,
    stopped: queue.step.kind === 'stopped' ? queue.step.text : null,
  };
}

function rowState(step: QueueStep): QueueRow['state'] {
  switch (step.kind) {
    case 'idle':
      return 'queued';
    case 'building':
    case 'gating':
    case 'landing':
      return step.kind;
    case 'holding':
    case 'stopped':
      return 'held';
  }
}
