/**
 * Those in line that are verified before they may become candidates: each merged with main as it then is, and gated.
 *
 * A check belongs to one that waits, and goes when that one does. What it finds changes only the line: who passed may
 * become a candidate, who conflicts with main or is red goes back (queue-verify.ts), and of the rest the chain finds out.
 */

import type { ObjectId } from './ids.ts';
import { answer, MAX_REASON_CHARS, tellHeld } from './queue-answers.ts';
import type { Check } from './queue-check-types.ts';
import { gateKey, queueItemKey } from './queue-keys.ts';
import { goesAhead, without } from './queue-line.ts';
import type { QueueClock, Wanted } from './queue-exchange.ts';
import type { Queue, Waiting } from './queue-state.ts';
import type { Candidate, GateVerdict, LandingReply } from './queue-types.ts';
import { backoffMs, HOLD_BACKOFF } from './retry.ts';
import { oneLine } from './text.ts';
import type { Held } from './task-types.ts';

/** Whether it may become a candidate only when it is green by itself. Who goes ahead of all does so at once. */
export function mustBeVerified(
  queue: Pick<Queue, 'verify'>,
  waiting: Pick<Waiting, 'verified' | 'lift' | 'priority'>,
): boolean {
  return queue.verify && !waiting.verified && !goesAhead(waiting);
}

export function checkOf({ checks }: Queue, wanted: Wanted): Check | null {
  const key = queueItemKey(wanted);
  return checks.find(({ item }) => queueItemKey(item) === key) ?? null;
}

export function candidateOfCheck({ stage }: Check): Candidate | null {
  return stage.kind === 'candidate' || stage.kind === 'red' ? stage.candidate : null;
}

/** Runs that checks wait for, or will. */
export function keysOfChecks({ checks }: Queue): readonly string[] {
  return checks.flatMap(({ stage }) => (stage.kind === 'candidate' ? [gateKey(stage.candidate)] : []));
}

export function replaceCheck(queue: Queue, check: Check, next: Check): Queue {
  return { ...queue, checks: queue.checks.map((other) => (other === check ? next : other)) };
}

function withoutCheck(queue: Queue, check: Check): Queue {
  return { ...queue, checks: queue.checks.filter((other) => other !== check) };
}

/** What was found of one that is answered otherwise says nothing more. */
export function withoutCheckOf(queue: Queue, wanted: Wanted): Queue {
  const check = checkOf(queue, wanted);
  return check === null ? queue : withoutCheck(queue, check);
}

/** From now on it may become a candidate. */
export function pass(queue: Queue, check: Check): Queue {
  const key = queueItemKey(check.item);
  const line = queue.line.map((waiting) => (queueItemKey(waiting) === key ? { ...waiting, verified: true } : waiting));
  const passed: Queue = { ...withoutCheck(queue, check), line };
  return check.heldText === null ? passed : tellHeld(passed, [check.item], null);
}

/** Takes it out of the line with an answer; null: without a word, since its task has ended. */
export function leaveLine(queue: Queue, check: Check, reply: LandingReply | null): Queue {
  const left: Queue = { ...withoutCheck(queue, check), line: without(queue.line, check.item) };
  return reply === null ? left : answer(left, check.item, reply);
}

export function holdCheck(queue: Queue, check: Check, why: Held['kind'], reason: string, clock: QueueClock): Queue {
  const text = oneLine(reason, MAX_REASON_CHARS);
  const holds = check.holds + 1;
  const held: Held = { kind: why, text, sinceMs: clock.nowMs };
  const untilMs = clock.nowMs + backoffMs(HOLD_BACKOFF, holds, clock.random);
  const holding = replaceCheck(queue, check, {
    ...check,
    stage: { kind: 'held', held, untilMs },
    holds,
    heldText: text,
  });
  return check.heldText === text ? holding : tellHeld(holding, [check.item], held);
}

export function restartCheck(check: Check, sinceMs: number): Check {
  return { ...check, stage: { kind: 'building', sinceMs } };
}

/** What the end of a run says of the checks that wait for it. */
export function endChecks(queue: Queue, key: string, verdict: GateVerdict, clock: QueueClock): Queue {
  const waiting = queue.checks.flatMap((check) => {
    const { stage } = check;
    return stage.kind === 'candidate' && gateKey(stage.candidate) === key ? [{ check, stage }] : [];
  });
  return waiting.reduce((next, { check, stage: { candidate } }) => {
    switch (verdict.kind) {
      case 'green':
        return pass(next, check);
      case 'red': {
        const stage = { kind: 'red', candidate, red: verdict, sinceMs: clock.nowMs } as const;
        return replaceCheck(next, check, { ...check, stage });
      }
      case 'none':
        return holdCheck(next, check, 'gate', `the gate could not be run to its end: ${verdict.reason}`, clock);
    }
  }, queue);
}

/** Whether the main that it was merged with is known to be green: then a red one is so by itself. */
export function isOnGreen({ main }: Queue, commit: ObjectId): boolean {
  return main?.commit === commit && (main.standing === 'green' || main.standing === 'confirmed');
}
