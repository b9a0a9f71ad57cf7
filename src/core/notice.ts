/** Decides what people are told of a task, from what happened to it and its rules. Pure. */

import type { AskView } from './ask-types.ts';
import { fail, ok, type Parsed } from './parsed.ts';
import { quote, workflowIds } from './ids.ts';
import { contentOf, type Tellable } from './notice-text.ts';
import type { Delivery, Notice } from './notice-types.ts';
import type { Happened, TaskEvent } from './task-events.ts';
import type { NoticeKind, NotifyRule, TaskView } from './task-types.ts';

/** What a notice is about, before it is known where the task's page is. */
export type Told = Omit<Notice, 'url'>;

/** What of all that happens people can be told, and as which of the events that rules name; null: nothing. */
function tellableOf(happened: Happened): { readonly kind: NoticeKind; readonly happened: Tellable } | null {
  switch (happened.kind) {
    case 'asked':
    case 'reminded':
    case 'escalated':
      return { kind: 'asks', happened };
    case 'parked':
      return { kind: 'parked', happened };
    case 'landed':
      return { kind: 'landed', happened };
    case 'ended':
      return happened.end === 'failed' ? { kind: 'failed', happened } : null;
    case 'attempt-ended':
      return happened.failure?.kind === 'idle-timeout' ? { kind: 'stalled', happened } : null;
    case 'held':
      return waitsForSomebody(happened) ? { kind: 'parked', happened } : null;
    case 'conflict-seen':
      return happened.conflict !== null && happened.waits ? { kind: 'conflicts', happened } : null;
    case 'submitted':
    case 'attempt-scheduled':
    case 'answered':
    case 'decided':
    case 'expired':
    case 'commented':
    case 'edited':
    case 'blocked':
    case 'released':
    case 'proposed-tasks-made':
    case 'retried':
    case 'refused':
    case 'handed-off':
    case 'returned':
    case 'cancel-requested':
      return null;
  }
}

/** A landing that only a person can free: the others pass by themselves. */
function waitsForSomebody({ held }: Extract<Happened, { kind: 'held' }>): boolean {
  return held?.kind === 'checkout' || held?.kind === 'gate';
}

/** What is to be told of events, oldest first: those of wanted kinds that no later event of them has settled. */
export function noticesOf(
  view: TaskView,
  events: readonly TaskEvent[],
  wanted: (kind: NoticeKind) => boolean,
): readonly Told[] {
  const told: Told[] = [];
  for (const [index, event] of events.entries()) {
    const tellable = tellableOf(event.happened);
    if (tellable === null || !wanted(tellable.kind) || isAskedWithPrevious(event, events[index - 1])) continue;
    const notice = tell(view, event, tellable, askedTogether(events, index));
    if (whySettled(notice, events) === null) told.push(notice);
  }
  return told;
}

/** The questions of one attempt are asked in one moment, and told in one notice. */
function isAskedWithPrevious(event: TaskEvent, previous: TaskEvent | undefined): boolean {
  return event.happened.kind === 'asked' && previous?.happened.kind === 'asked' && previous.at === event.at;
}

function askedTogether(events: readonly TaskEvent[], first: number): readonly AskView[] {
  const asks: AskView[] = [];
  for (let index = first; index < events.length; index += 1) {
    const event = events[index];
    if (event?.happened.kind !== 'asked' || event.at !== events[first]?.at) break;
    asks.push(event.happened.ask);
  }
  return asks;
}

function tell(
  view: TaskView,
  { sequence, at }: TaskEvent,
  { kind, happened }: { readonly kind: NoticeKind; readonly happened: Tellable },
  asks: readonly AskView[],
): Told {
  const { id, project } = view;
  return {
    id: workflowIds.notice(id, sequence),
    event: kind,
    project,
    task: id,
    at,
    sequence,
    ...contentOf(view, happened, asks),
  };
}

/**
 * Why nobody needs to be told any more, by what happened after: one line; null when somebody does. A reminder takes the
 * place of what it reminds of: both are told to the same targets.
 */
export function whySettled(
  notice: Pick<Notice, 'event' | 'sequence' | 'versions'>,
  events: readonly TaskEvent[],
): string | null {
  const later = events.filter(({ sequence }) => sequence > notice.sequence).map(({ happened }) => happened);
  const ended = later.find((happened) => happened.kind === 'ended');
  switch (notice.event) {
    case 'landed':
    // The queue itself is asked (queue-news.ts).
    case 'queue':
      return null;
    case 'failed':
      return later.some(({ kind }) => kind === 'retried') ? 'it was retried' : null;
    case 'stalled':
      return ended === undefined ? null : `the task ended: ${ended.end}`;
    case 'parked':
      if (later.some(({ kind }) => kind === 'retried')) return 'it was retried';
      if (later.some((happened) => happened.kind === 'held' && !waitsForSomebody(happened))) return 'it goes on';
      return ended === undefined ? null : `the task ended: ${ended.end}`;
    case 'conflicts':
      if (later.some(({ kind }) => kind === 'conflict-seen')) return 'there is newer word of it';
      if (later.some(({ kind }) => kind === 'handed-off')) return 'it is landing';
      return ended === undefined ? null : `the task ended: ${ended.end}`;
    case 'asks':
      if (ended !== undefined) return `the task ended: ${ended.end}`;
      return notice.versions.every((version) => later.some((happened) => isOver(happened, version)))
        ? 'a reply came, it was asked anew, or a later reminder tells of it'
        : null;
  }
}

const OVER: readonly Happened['kind'][] = ['answered', 'decided', 'expired', 'reminded', 'escalated'];

function isOver(happened: Happened, version: number): boolean {
  if (happened.kind === 'edited') return happened.replaces === version;
  return OVER.includes(happened.kind) && 'version' in happened && happened.version === version;
}

/** Where a notice goes: each target once, at the earliest time that a rule has for it. */
export function deliveriesOf(
  kind: NoticeKind,
  rules: readonly NotifyRule[],
  endOfQuietMs: (quiet: NonNullable<NotifyRule['quiet']>) => number | null,
): readonly Delivery[] {
  const times = new Map<string, number | null>();
  for (const { to, events, quiet } of rules) {
    if (!events.includes(kind)) continue;
    const atMs = quiet === null ? null : endOfQuietMs(quiet);
    const known = times.get(to);
    times.set(to, known === undefined ? atMs : known === null || atMs === null ? null : Math.min(known, atMs));
  }
  return [...times].map(([to, notBeforeMs]) => ({ to, notBeforeMs }));
}

/** Whether a minute of the day lies within quiet hours, which may go over midnight. */
export function isQuiet({ fromMinute, toMinute }: NonNullable<NotifyRule['quiet']>, minute: number): boolean {
  return fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}

const QUIET = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

/** Quiet hours as people write them: `22:00-07:00`. */
export function parseQuiet(text: string): Parsed<NonNullable<NotifyRule['quiet']>> {
  const [, ...parts] = QUIET.exec(text) ?? [];
  const [fromHour, fromMinute, toHour, toMinute] = parts.map(Number);
  if (fromHour === undefined || fromMinute === undefined || toHour === undefined || toMinute === undefined) {
    return fail(`${quote(text)} are no quiet hours; write for example "22:00-07:00"`);
  }
  const quiet = { fromMinute: fromHour * 60 + fromMinute, toMinute: toHour * 60 + toMinute };
  return quiet.fromMinute === quiet.toMinute
    ? fail(`${quote(text)} begin when they end; write for example "22:00-07:00"`)
    : ok(quiet);
}
