/** How long an ask waits: its reminders, its escalation, its end. Pure; the workflow's timer wakes for {@link nextDueMs}. */

import { MAX_REMINDERS, type Ask, type Patience, type Question } from './ask-types.ts';

/** The project's patience, with what the question has of its own. */
export function patienceOf(project: Patience, question: Pick<Question, 'patience'> | null): Patience {
  return { ...project, ...question?.patience };
}

export type Due = 'expire' | 'escalate' | 'remind';

/** What is due of an ask by now, the most far-reaching first; null: nothing yet. */
export function dueOf(ask: Ask, nowMs: number): Due | null {
  for (const due of ['expire', 'escalate', 'remind'] as const) {
    const atMs = AT[due](ask);
    if (atMs !== null && nowMs >= atMs) return due;
  }
  return null;
}

/** When something is due next, in milliseconds since the epoch; null: never. */
export function nextDueMs(asks: readonly Ask[]): number | null {
  const times = asks.flatMap((ask) => Object.values(AT).map((at) => at(ask))).filter((atMs) => atMs !== null);
  return times.length === 0 ? null : Math.min(...times);
}

/** When an ask is over without a reply; null: never. */
export function expiresAtMs(ask: Ask): number | null {
  return AT.expire(ask);
}

/** The answer that stands when nobody gave one; null: the task gives up. */
export function answerWhenOver(ask: Ask): string | null {
  return ask.kind === 'question' && ask.patience.expire?.outcome === 'default' ? ask.question.default : null;
}

const AT: Readonly<Record<Due, (ask: Ask) => number | null>> = {
  expire: ({ askedAtMs, patience: { expire } }) => (expire === null ? null : askedAtMs + expire.afterMs),
  escalate: ({ askedAtMs, escalated, patience: { escalate } }) =>
    escalate === null || escalated ? null : askedAtMs + escalate.afterMs,
  remind: ({ askedAtMs, reminders, patience: { remindMs } }) =>
    remindMs === null || reminders >= MAX_REMINDERS ? null : askedAtMs + remindMs * (reminders + 1),
};
