/**
 * The rules by which those in line are verified, where the project says `verify`: with the gate slots that the chain
 * leaves free, from the front of the line on.
 *
 * ```
 *   in line ─── a slot is free ───────────────────────────▶ building
 *
 *   building ──┬─ candidate on main ──────────────────────▶ candidate
 *              ├─ its tree is known as green ─────────────▶ passed
 *              ├─ conflict with main ─────────────────────▶ answer
 *              ├─ its task was ended from outside ────────▶ gone, without a word
 *              ├─ held ───────────────────────────────────▶ held ──── due ────▶ building
 *              └─ landed, nothing to land, refused ───────▶ passed: the chain finds the same, and says so
 *
 *   candidate ─┬─ green ──────────────────────────────────▶ passed
 *              ├─ red, twice on the same tree ────────────▶ red
 *              └─ the gate could not be run ──────────────▶ held
 *
 *   red ───────┬─ main, as it was merged with, is green ──▶ answer
 *              └─ main was another, or was red meanwhile ─▶ building
 * ```
 */

import { queueItemKey } from './queue-keys.ts';
import {
  checkOf,
  holdCheck,
  isOnGreen,
  keysOfChecks,
  leaveLine,
  mustBeVerified,
  pass,
  replaceCheck,
  restartCheck,
} from './queue-checks.ts';
import type { Check } from './queue-check-types.ts';
import { withOutcome } from './queue-batch.ts';
import { isAllowed, isUndecided, linksOf, widthOf } from './queue-chain.ts';
import { insert, MAX_DETAILED } from './queue-line.ts';
import type { QueueClock, QueueCommand, QueueFact } from './queue-exchange.ts';
import type { Entry, Queue, Waiting } from './queue-state.ts';
import { giveTurn, isMainCleared, returnedRed, signatureOf, turnOf, waitsForTurn } from './queue-verdicts.ts';

/** Those of a project that has just asked for it leave the chain, but for the first, which is merged with main alone. */
export function sendBackUnverified(queue: Queue): Queue {
  const early = queue.chain.filter(
    ({ waited, stage, doubt }, at) =>
      at > 0 && stage.kind !== 'landing' && doubt === 'none' && mustBeVerified(queue, waited),
  );
  if (early.length === 0) return queue;
  const line = early.reduce(
    (next, { item, waited, heldText }) => insert(next, { ...waited, item, heldText }),
    queue.line,
  );
  return { ...queue, line, chain: queue.chain.filter((entry) => !early.includes(entry)) };
}

/** A check goes with the one in line that it is about. */
export function dropChecks(queue: Queue): Queue {
  if (queue.checks.length === 0) return queue;
  const checks = queue.checks.filter(({ item }) => {
    const waiting = queue.line.find(({ taskId, attempt }) => taskId === item.taskId && attempt === item.attempt);
    return waiting !== undefined && mustBeVerified(queue, waiting);
  });
  return checks.length === queue.checks.length ? queue : { ...queue, checks };
}

export function goOnWithChecks(queue: Queue, { nowMs }: QueueClock): Queue {
  const isDue = ({ stage }: Check): boolean => stage.kind === 'held' && nowMs >= stage.untilMs;
  if (queue.halt !== null || !queue.checks.some(isDue)) return queue;
  return { ...queue, checks: queue.checks.map((check) => (isDue(check) ? restartCheck(check, nowMs) : check)) };
}

/** Begins with the next in line while the chain leaves slots. */
export function startCheck(queue: Queue, { nowMs }: QueueClock): Queue {
  if (!queue.verify || queue.halt !== null || queue.redMain !== null || queue.turn !== null) return queue;
  const busy = queue.checks.filter(({ stage }) => stage.kind === 'building' || stage.kind === 'candidate').length;
  const held = queue.checks.length - busy;
  const free = widthOf(queue) - busy - linksOf(queue).filter(isUndecided).length;
  if (free <= 0 || held >= MAX_DETAILED) return queue;
  const next = queue.line.slice(0, MAX_DETAILED).find((waiting) => isNext(queue, waiting));
  if (next?.item == null) return queue;
  const stage = { kind: 'building', sinceMs: nowMs } as const;
  const check: Check = { item: next.item, stage, isOnGreen: false, holds: 0, heldText: next.heldText };
  return { ...queue, checks: [...queue.checks, check] };
}

function isNext(queue: Queue, waiting: Waiting): boolean {
  return (
    waiting.item !== null &&
    mustBeVerified(queue, waiting) &&
    isAllowed(queue, waiting) &&
    checkOf(queue, waiting) === null &&
    // An older hand-off of the same task may be on its way to main.
    !queue.chain.some(({ item }: Entry) => item.taskId === waiting.taskId)
  );
}

/** Sends back the first whose own fault a red check is; has those gated anew of which that cannot be told. */
export function judgeChecks(queue: Queue, clock: QueueClock): Queue {
  if (queue.halt !== null || queue.redMain !== null) return queue;
  for (const check of queue.checks) {
    if (check.stage.kind !== 'red') continue;
    const { candidate, red } = check.stage;
    if (!check.isOnGreen && queue.main?.commit !== candidate.main) {
      return replaceCheck(queue, check, restartCheck(check, clock.nowMs));
    }
    if (!isMainCleared(queue, red)) continue;
    if (waitsForTurn(queue, check, clock.nowMs)) return dropCheck(queue, check);
    const turnUntilMs = turnOf(queue, check, clock.nowMs);
    const sent = leaveLine(queue, check, returnedRed(check.item, candidate, red, '', turnUntilMs));
    const turned = giveTurn(sent, check.item.taskId, turnUntilMs);
    return { ...turned, lastRed: signatureOf(red), outcomes: withOutcome(turned.outcomes, 'red') };
  }
  return queue;
}

/** It is begun anew when checks are again. */
function dropCheck(queue: Queue, check: Check): Queue {
  return { ...queue, checks: queue.checks.filter((other) => other !== check) };
}

/** Whether a red check can be judged only once main was gated. */
export function checksNeedMain(queue: Queue): boolean {
  return queue.checks.some(({ stage }) => stage.kind === 'red' && !isMainCleared(queue, stage.red));
}

/** Runs for checks, as many as there is room for. */
export function checkKeysToGate(queue: Queue, free: number): readonly string[] {
  if (free <= 0 || queue.redMain !== null || queue.turn !== null) return [];
  const known = new Set([...queue.runs.map(({ key }) => key), ...queue.green]);
  return [...new Set(keysOfChecks(queue))].filter((key) => !known.has(key)).slice(0, free);
}

export function checkBuilds(queue: Queue, free: number): readonly QueueCommand[] {
  if (queue.halt !== null) return [];
  return queue.checks
    .filter(({ stage }) => stage.kind === 'building')
    .map(({ item }, at): QueueCommand => ({
      kind: 'build',
      key: `verify/${queueItemKey(item)}`,
      item,
      parent: null,
      known: queue.main?.commit ?? null,
      gate: at < free,
      below: [],
    }));
}

/** What came of building a check's candidate, but for its gate run. */
export function afterCheckBuilt(
  queue: Queue,
  check: Check,
  { answer: { result } }: Extract<QueueFact, { kind: 'built' }>,
  clock: QueueClock,
): Queue {
  const handoff = check.item.attempt;
  switch (result.kind) {
    case 'candidate': {
      const { candidate } = result;
      const stage = { kind: 'candidate', candidate, sinceMs: clock.nowMs } as const;
      return replaceCheck(queue, check, { ...check, stage, isOnGreen: isOnGreen(queue, candidate.main) });
    }
    case 'conflict': {
      if (waitsForTurn(queue, check, clock.nowMs)) return dropCheck(queue, check);
      const turnUntilMs = turnOf(queue, check, clock.nowMs);
      const sent = leaveLine(queue, check, { kind: 'returned', handoff, request: result.request, turnUntilMs });
      return giveTurn(sent, check.item.taskId, turnUntilMs);
    }
    case 'held':
      return holdCheck(queue, check, result.why, result.text, clock);
    case 'ended':
      return leaveLine(queue, check, null);
    case 'landed':
    case 'nothing-to-land':
    case 'refused':
    case 'behind':
      return pass(queue, check);
  }
}
