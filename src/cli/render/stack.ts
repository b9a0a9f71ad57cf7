/** The embedded stack as text: what happens to it, what of it runs, and the live view. Pure. */

import type { StoppedPart } from '../../local/stack.ts';
import type { StackRecord } from '../../local/stack-record.ts';
import type { StackEvent } from '../../local/supervisor-types.ts';
import { isEnd, TASK_STATES, type TaskView } from '../../core/task-types.ts';
import { metLimit } from '../../core/met-limit.ts';
import { oneLine } from '../../core/text.ts';
import type { Palette } from './palette.ts';
import { cutTo, fit, table, type Cell } from './table.ts';
import { paintState, replyCommand, stateText, waitWords, type Screen } from './tasks.ts';
import { duration } from './time.ts';

const MIB = 1024 * 1024;

/** One line of what happened; null for what nobody needs to read. */
export function stackEventLine(event: StackEvent, palette: Palette): string | null {
  switch (event.kind) {
    case 'progress':
      return `${event.text}${amount(event.done, event.total)}`;
    case 'cleared':
      return palette.dim(`cleared up what an earlier stack left: ${stoppedWords(event.parts)}`);
    case 'starting':
      return palette.dim(`starting ${event.part}`);
    case 'running':
      return `${event.part} runs${event.pid === null ? '' : ` (process ${event.pid})`}, after ${event.afterMs} ms`;
    case 'failed':
      return palette.red(
        `${event.part} failed: ${oneLine(event.failure.message, 500)}; ${oneLine(event.failure.next, 300)}`,
      );
    case 'died':
      return palette.yellow(`${event.part} died: ${oneLine(event.how, 300)}`);
    case 'restarting':
      return palette.yellow(`${event.part} starts again in ${event.inMs} ms (restart ${event.restarts})`);
    case 'ready':
      return palette.green(`ready after ${event.afterMs} ms`);
    case 'stopping':
      return palette.dim(`stopping ${event.part}`);
    case 'stopped':
      return palette.dim(`stopped ${event.part}`);
  }
}

export function stoppedWords(parts: readonly StoppedPart[]): string {
  return parts.map((part) => (part === 'unrecorded' ? 'processes that no record names' : part)).join(', ');
}

function amount(done: number | undefined, total: number | undefined): string {
  if (done === undefined) return '';
  const part = (done / MIB).toFixed(1);
  if (total === undefined || total === 0) return ` (${part} MiB)`;
  return ` (${part} of ${(total / MIB).toFixed(1)} MiB, ${Math.floor((100 * done) / total)} %)`;
}

/** What the next line must not hide. */
export function isLasting(event: StackEvent): boolean {
  return event.kind === 'failed' || event.kind === 'died' || (event.kind === 'progress' && event.lasting === true);
}

/** What is said of a stack; no password. */
export function describeStack(record: StackRecord) {
  const { temporal, postgres, worker } = record;
  return {
    temporal:
      temporal === null ? null : { address: temporal.address, namespace: temporal.namespace, uiUrl: temporal.uiUrl },
    postgres: postgres === null ? null : { address: addressOf(postgres.url) },
    worker: worker === null ? null : { pid: worker.pid },
  };
}

/** Host, port and database of a Postgres URL, without the password. */
export function addressOf(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `${host}${pathname}`;
  } catch {
    return 'as DATABASE_URL says';
  }
}

/** Where its servers answer, one line each. */
export function addresses(record: StackRecord): string[] {
  const { temporal, postgres } = record;
  return [
    ...(temporal === null ? [] : [`Temporal   ${temporal.address}, namespace ${temporal.namespace}`]),
    ...(temporal === null || temporal.uiUrl === null ? [] : [`Web UI     ${temporal.uiUrl}`]),
    ...(postgres === null ? [] : [`Postgres   ${addressOf(postgres.url)}`]),
  ];
}

/** Counts of tasks on one line, in the order of a task's life. */
export function countsLine(counts: Readonly<Record<string, number>>, palette: Palette): string {
  const parts = TASK_STATES.flatMap((state) => {
    const number = counts[state] ?? 0;
    return number === 0 ? [] : [paintState(state, palette)(`${number} ${state}`)];
  });
  return parts.length === 0 ? palette.dim('no tasks yet') : parts.join(palette.dim(' · '));
}

export interface LiveData {
  readonly temporal: string;
  readonly uiUrl: string | null;
  /** Null while the ledger cannot be read. */
  readonly tasks: {
    readonly counts: Readonly<Record<string, number>>;
    readonly active: readonly TaskView[];
    readonly inbox: readonly TaskView[];
  } | null;
  /** The last things that happened to the stack. */
  readonly events: readonly string[];
  readonly stopping: boolean;
}

/** The whole live view; each line fits the terminal, and all of them its height. */
export function renderLive(data: LiveData, screen: Screen, rows: number): string[] {
  const { palette } = screen;
  const columns = screen.columns ?? 80;
  const head = [
    `${palette.bold('Tributary')}  ${palette.dim('Temporal')} ${data.temporal}${data.uiUrl === null ? '' : `  ${palette.dim('Web UI')} ${data.uiUrl}`}`,
    data.tasks === null ? palette.dim('the ledger does not answer yet') : countsLine(data.tasks.counts, palette),
  ];
  const foot = [
    ...data.events.slice(-3).map((line) => palette.dim(cutTo(line, columns - 1))),
    palette.dim(
      data.stopping ? 'stopping: running phases get their grace; Ctrl-C again kills' : 'Ctrl-C stops everything',
    ),
  ];
  const room = Math.max(2, rows - head.length - foot.length - 4);
  const body = data.tasks === null ? [] : tasksPart(data.tasks, screen, room);
  const lines = [...head, '', ...body, '', ...foot].map((line) => fit(line, columns - 1));
  // A screen of a few rows would scroll, and what has scrolled away cannot be drawn over.
  return lines.slice(0, Math.max(1, rows - 1));
}

function waitedFor({ waitingFor }: TaskView): string {
  return waitingFor === null ? 'a person' : waitWords(waitingFor.kind);
}

/** What is at work first, as the state says it; of the same state as they come. */
const RANK: Readonly<Partial<Record<TaskView['state'], number>>> = { running: 0, landing: 1, waiting: 2 };

function rankOf({ state }: TaskView): number {
  return RANK[state] ?? 3;
}

function tasksPart({ counts, active, inbox }: NonNullable<LiveData['tasks']>, screen: Screen, room: number): string[] {
  const { palette, nowMs } = screen;
  const columns = screen.columns ?? 80;
  const waiting = inbox.slice(0, Math.max(1, Math.floor(room / 2)));
  // Who waits for a person is below.
  const asked = new Set(inbox.map(({ id }) => id));
  const others = active.filter(({ id }) => !asked.has(id)).toSorted((a, b) => rankOf(a) - rankOf(b));
  const rest = others.slice(0, Math.max(1, room - waiting.length));
  const rows = rest.map((view): Cell[] => [
    { text: view.id },
    { text: stateText(view), paint: paintState(view.state, palette) },
    { text: duration(nowMs - Date.parse(view.createdAt)), paint: palette.dim },
    { text: oneLine(view.title) },
  ]);
  const asks = waiting.map((view) =>
    palette.yellow(
      cutTo(`${view.id} waits for ${waitedFor(view)}: ${replyCommand(view) ?? `tasks show ${view.id}`}`, columns - 1),
    ),
  );
  // Of very many the lists have some alone.
  const open = TASK_STATES.reduce((sum, state) => (isEnd(state) ? sum : sum + (counts[state] ?? 0)), 0);
  const hidden = Math.max(0, open - rest.length - waiting.length);
  return [...table(rows, columns - 1), ...asks, ...(hidden > 0 ? [palette.dim(`and ${hidden} more`)] : [])];
}

/** What some starts in a row have said. */
const MAX_END_CHARS = 16_384;

/** What the end of a worker's log tells, to stand behind a statement: the limit that it met, or its last line; or nothing. */
export function lastWord(log: string): string {
  const end = log.slice(-MAX_END_CHARS);
  const limit = metLimit(end);
  if (limit !== null) return `: ${limit.what}; ${limit.next}`;
  const last = oneLine(end.trimEnd().split('\n').at(-1) ?? '', 500);
  return last === '' ? '' : `: ${last}`;
}
