/** How long an ask waits: its reminders, its escalation, its end. Pure; the workflow's timer wakes for {@link nextDueMs}. */

import { MAX_REMINDERS, type Ask, type Patience, type Question } from './ask-types.ts';

/** The project's patience, with what the question has of its own. */
export function patienceOf(project: Patience, question: Pick<Question, 'patience'> | null): Patience {
  return { ...project, ...question?.patience };
}

export type Due =
  | { readonly kind: 'expire' }
  | { readonly kind: 'escalate'; readonly to: string }
  /** The number of this reminder: those that nobody could send in time are left out. */
  | { readonly kind: 'remind'; readonly count: number };

/** What is due of an ask by now, the most far-reaching first; null: nothing yet. */
export function dueOf(ask: Ask, nowMs: number): Due | null {
  const { askedAtMs, escalated, reminders, patience } = ask;
  const { expire, escalate, remindMs } = patience;
  const waitedMs = nowMs - askedAtMs;
  if (expire !== null && waitedMs >= expire.afterMs) return { kind: 'expire' };
  if (escalate !== null && !escalated && waitedMs >= escalate.afterMs) return { kind: 'escalate', to: escalate.to };
  const count = remindMs === null ? 0 : Math.min(MAX_REMINDERS, Math.floor(waitedMs / remindMs));
  return count > reminders ? { kind: 'remind', count } : null;
}

/** When something is due next, in milliseconds since the epoch; null: never. */
export function nextDueMs(asks: readonly Ask[]): number | null {
  const times = asks.flatMap(dueTimes);
  return times.length === 0 ? null : Math.min(...times);
}

function dueTimes(ask: Ask): readonly number[] {
  const { askedAtMs, escalated, reminders, patience } = ask;
  const { expire, escalate, remindMs } = patience;
  return [
    ...(expire === null ? [] : [askedAtMs + expire.afterMs]),
    ...(escalate === null || escalated ? [] : [askedAtMs + escalate.afterMs]),
    ...(remindMs === null || reminders >= MAX_REMINDERS ? [] : [askedAtMs + remindMs * (reminders + 1)]),
  ];
}

/** When an ask is over without a reply; null: never. */
export function expiresAtMs({ askedAtMs, patience: { expire } }: Ask): number | null {
  return expire === null ? null : askedAtMs + expire.afterMs;
}

/** The answer that stands when nobody gave one; null: the task gives up. */
export function answerWhenOver(ask: Ask): string | null {
  return ask.kind === 'question' && ask.patience.expire?.outcome === 'default' ? ask.question.default : null;
}
