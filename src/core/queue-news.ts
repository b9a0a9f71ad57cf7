/**
 * What people are told of a queue: that it has stopped for a red main, a rewritten one or one that is not what was tested,
 * that it goes on, that the origin refuses what it lands, and its alarms. Pure: what was told is carried along.
 *
 * Kept true here: a stop is told once, and its end only when it was told; an alarm that lasts a minute is told once while it
 * lasts, and not again for half an hour; while landing has stopped, nothing else is told.
 */

import type { ObjectId } from './ids.ts';
import { resumeCommand } from './queue-answers.ts';
import type { Halt, Queue } from './queue-state.ts';
import type { QueueView, Target } from './queue-types.ts';
import { oneLine } from './text.ts';

/** What kind of word it is, by which it is known whether it still holds. */
export type QueueNewsKind = 'stopped' | 'resumed' | 'alarm' | 'refused';

export interface QueueNews {
  readonly kind: QueueNewsKind;
  /** Tells it from all others of its queue. */
  readonly name: string;
  readonly atMs: number;
  /** One line. */
  readonly title: string;
  readonly text: string;
  /** The literal commands to go on with. */
  readonly commands: readonly string[];
}

/** What was told already. */
export interface ToldOfQueue {
  /** The stop that was told and has not ended; null: none. */
  readonly stop: { readonly name: string; readonly sinceMs: number } | null;
  readonly alarms: readonly { readonly text: string; readonly sinceMs: number; readonly toldMs: number | null }[];
}

export interface QueueNewsRequest {
  readonly target: Target;
  /** The main that the queue knows: its tasks.yaml says whom to tell when main cannot be looked at; null: none is known. */
  readonly main: ObjectId | null;
  readonly news: QueueNews;
}

export const NOTHING_TOLD: ToldOfQueue = { stop: null, alarms: [] };
/** A gate of a second makes alarms of a few seconds. */
const ALARM_AFTER_MS = 60_000;
const ALARM_APART_MS = 30 * 60_000;
const MAX_ALARMS = 8;
/** A refused landing is told like an alarm: a protected branch refuses one task after another. */
const REFUSED = 'refused';

type Seen = Pick<Queue, 'halt' | 'redMain' | 'chain' | 'answered'>;

interface Context {
  readonly target: Target;
  readonly nowMs: number;
}

/** An alarm or a refusal that is heard now: it is told when it has lasted so long. */
interface Word {
  readonly text: string;
  readonly afterMs: number;
  readonly news: QueueNews;
}

/** What is to be told now, and what is told then. */
export function newsOf(
  told: ToldOfQueue,
  before: Seen,
  after: Seen,
  alarms: readonly string[],
  context: Context,
): { readonly told: ToldOfQueue; readonly news: readonly QueueNews[] } {
  const stop = stopOf(after);
  const news: QueueNews[] = [];
  if (stop !== null && stop.name !== told.stop?.name) news.push(stopped(stop, context));
  if (stop === null && told.stop !== null && after.halt === null) news.push(resumed(told.stop.sinceMs, context));
  // While a person has paused it, nothing goes on yet.
  const isOver = stop === null && after.halt === null;
  const refusal = refusalIn(before, after);
  const words: readonly Word[] = [
    ...alarms.map((text, at) => ({ text, afterMs: ALARM_AFTER_MS, news: alarm(text, at, context) })),
    ...(refusal === null ? [] : [{ text: REFUSED, afterMs: 0, news: refused(refusal, context) }]),
  ];
  const heard = isOver ? words : [];
  const known = knownAlarms(
    told.alarms,
    heard.map(({ text }) => text),
    context.nowMs,
  );
  const due = heard.filter(({ text, afterMs }) =>
    known.some((one) => one.text === text && one.toldMs === null && context.nowMs - one.sinceMs >= afterMs),
  );
  news.push(...due.map((word) => word.news));
  const next = stop ?? (isOver ? null : told.stop);
  return {
    told: {
      stop: next === null ? null : { name: next.name, sinceMs: next.sinceMs },
      alarms: known.map((one) => (due.some(({ text }) => text === one.text) ? { ...one, toldMs: context.nowMs } : one)),
    },
    news,
  };
}

/** Those that go on, those that are new, and those that are over but were told too lately to be told again. */
function knownAlarms(before: ToldOfQueue['alarms'], heard: readonly string[], nowMs: number): ToldOfQueue['alarms'] {
  const kept = before.filter(
    ({ text, toldMs }) => heard.includes(text) || (toldMs !== null && nowMs - toldMs < ALARM_APART_MS),
  );
  const fresh = heard.filter((text) => !kept.some((other) => other.text === text));
  return [...kept, ...fresh.map((text) => ({ text, sinceMs: nowMs, toldMs: null }))].slice(-MAX_ALARMS);
}

/** Why nobody needs to be told any more, by the queue as it is; null when somebody does. */
export function whyNewsSettled(kind: QueueNewsKind, { stopped: stop, alarms }: QueueView): string | null {
  switch (kind) {
    case 'stopped':
      return stop === null ? 'landing goes on' : null;
    case 'resumed':
      return stop === null ? null : 'it has stopped again';
    case 'alarm':
      return alarms.length === 0 ? 'it is over' : null;
    case 'refused':
      return null;
  }
}

interface Stop {
  readonly kind: Exclude<Halt['kind'], 'person'> | 'red';
  readonly name: string;
  readonly text: string;
  readonly sinceMs: number;
}

/** Who has paused it knows. */
function stopOf({ halt, redMain }: Seen): Stop | null {
  if (halt !== null) {
    const { kind, text, sinceMs } = halt;
    return kind === 'person' ? null : { kind, name: `${kind}-${sinceMs}`, text, sinceMs };
  }
  if (redMain === null) return null;
  return { kind: 'red', name: `red-${redMain.sinceMs}`, text: redMain.text, sinceMs: redMain.sinceMs };
}

const TO_DO: Readonly<Record<Stop['kind'], string>> = {
  red: 'Mend main with a commit of your own, or with a task of priority hotfix, which goes ahead. If the cause lay elsewhere and is gone, say resume: main is gated at once. No task is blamed meanwhile.',
  rewritten: 'Look whether main is as it should be. Nothing is done until somebody says resume.',
  protected: 'Let the account of the workers push to the branch, then say resume: the same candidate is tried again.',
  mismatch: 'Look at what is on main and who put it there. Nothing is done until somebody says resume.',
};

function stopped({ kind, name, text }: Stop, { target, nowMs }: Context): QueueNews {
  const { project } = target;
  const mend = kind === 'red' ? [`tasks submit --priority hotfix "mend ${target.branch}"`] : [];
  return {
    kind: 'stopped',
    name,
    atMs: nowMs,
    title: titleOf(`Landing has stopped: ${kind === 'red' ? 'main is red' : oneLine(text, 100)}`, target),
    text: `${text}\n${TO_DO[kind]}`,
    commands: [`tasks queue --project ${project}`, ...mend, resumeCommand(project)],
  };
}

function resumed(sinceMs: number, { target, nowMs }: Context): QueueNews {
  const minutes = Math.max(1, Math.round((nowMs - sinceMs) / 60_000));
  return {
    kind: 'resumed',
    name: `resumed-${nowMs}`,
    atMs: nowMs,
    title: titleOf('Landing goes on', target),
    text: `After about ${minutes} min landing on ${target.branch} goes on. Nothing has to be done.`,
    commands: [`tasks queue --project ${target.project}`],
  };
}

function alarm(text: string, index: number, { target, nowMs }: Context): QueueNews {
  return {
    kind: 'alarm',
    name: `alarm-${nowMs}-${index}`,
    atMs: nowMs,
    title: titleOf('Landing is slow', target),
    text: `${text}.\nLook what the first in line waits for, what its gate prints, and whether workers run\nthat have gate slots, and the labels that the project requires.`,
    commands: [`tasks queue --project ${target.project}`, 'tasks status'],
  };
}

function refused(text: string, { target, nowMs }: Context): QueueNews {
  return {
    kind: 'refused',
    name: `refused-${nowMs}`,
    atMs: nowMs,
    title: titleOf('The origin refuses what is landed', target),
    text: `${text}\nIs the branch protected? Tasks that are refused end as failed, and land after: tasks retry.`,
    commands: ['tasks doctor', `tasks queue --project ${target.project}`],
  };
}

function titleOf(head: string, { project, branch }: Target): string {
  return oneLine(`${head} (${project}, ${branch})`, 250);
}

/** What the origin said when it refused a push that the queue had under way; null when it did not. */
function refusalIn(before: Seen, after: Seen): string | null {
  if (before.answered === after.answered) return null;
  for (const { item, stage } of before.chain) {
    if (stage.kind !== 'landing') continue;
    const answer = after.answered.findLast(({ taskId }) => taskId === item.taskId);
    if (answer === undefined || before.answered.includes(answer) || answer.reply.kind !== 'refused') continue;
    const { message, next } = answer.reply.failure;
    return `${oneLine(message, 500)}\nNext: ${oneLine(next, 300)}`;
  }
  return null;
}
