/** Tasks as text: the list, the inbox and what `submit` and `wait` say. Pure. */

import { waitsForPerson, type TaskStateName, type TaskView, type WaitingKind } from '../../core/task-types.ts';
import { labelKey } from '../../core/labels.ts';
import { replyCommands } from '../../core/reply-commands.ts';
import { oneLine } from '../../core/text.ts';
import type { Column } from './columns.ts';
import type { Palette } from './palette.ts';
import { table, type Cell } from './table.ts';
import { ago } from './time.ts';

/** A state in its colour. */
export function paintState(state: TaskStateName, palette: Palette): (text: string) => string {
  switch (state) {
    case 'queued':
      return palette.dim;
    case 'running':
    case 'landing':
      return palette.cyan;
    case 'waiting':
      return palette.yellow;
    case 'landed':
    case 'unchanged':
      return palette.green;
    case 'failed':
    case 'rejected':
      return palette.red;
    case 'canceled':
      return palette.magenta;
  }
}

/** The state with its phase, or with what it waits for. */
export function stateText(view: TaskView): string {
  if (view.state === 'waiting' && view.waitingFor !== null) return `waiting (${view.waitingFor.kind})`;
  if (view.state === 'landing' && view.waitingFor !== null) return `landing (${view.waitingFor.kind})`;
  if (view.waitingFor?.kind === 'host') return `queued (needs ${labelKey(view.requires ?? [])})`;
  if (isSentBackInVain(view)) return 'unchanged (sent back)';
  if (view.state === 'running' && view.phase !== null) return `running (${view.phase})`;
  return view.state;
}

/** Landing sent its changes back, and its next run made none: what it had done is not on main. */
export function isSentBackInVain({ state, revisions }: Pick<TaskView, 'state' | 'revisions'>): boolean {
  return state === 'unchanged' && revisions > 0;
}

export interface Screen {
  readonly palette: Palette;
  /** Null: not a terminal, nothing is cut. */
  readonly columns: number | null;
  readonly nowMs: number;
}

/** One line a task, newest first as they come, with a heading. */
export function renderList(views: readonly TaskView[], screen: Screen): string[] {
  const { palette } = screen;
  const heading = ['ID', 'STATE', 'PROJECT', 'AGE', 'TITLE'].map((text): Cell => ({ text, paint: palette.dim }));
  const rows = views.map((view): Cell[] => [
    { text: view.id },
    { text: stateText(view), paint: paintState(view.state, palette) },
    { text: view.project },
    { text: ago(view.createdAt, screen.nowMs), paint: palette.dim },
    { text: oneLine(view.title) },
  ]);
  return table([heading, ...rows], screen.columns, LAYOUT);
}

const LAYOUT: readonly Column[] = [{}, { min: 10 }, { drop: 1 }, { drop: 2 }, { first: true, min: 12 }];

/** The command by which a person replies to what a task waits for; null when it waits for nobody. */
export function replyCommand(view: Pick<TaskView, 'id' | 'waitingFor'>): string | null {
  const { waitingFor } = view;
  if (waitingFor === null || !waitsForPerson(waitingFor.kind)) return null;
  switch (waitingFor.kind) {
    case 'question':
    case 'proposal':
    case 'attempts':
    case 'revisions':
      return replyCommands(view.id, waitingFor)[0] ?? null;
    // Replied to in the repository, not here; the text says how.
    case 'blocked':
    case 'checkout':
    case 'gate':
    case 'engine':
    case 'host':
    case 'origin':
    case 'retry':
    case 'limit':
      return null;
  }
}

/** What a task waits for, as words behind "waits for". */
export function waitWords(kind: WaitingKind): string {
  switch (kind) {
    case 'attempts':
      return 'a person, its attempts are used up';
    case 'revisions':
      return 'a person, its revisions are used up';
    case 'question':
      return 'an answer';
    case 'proposal':
      return 'a decision';
    case 'blocked':
      return 'the answer to another question';
    case 'checkout':
      return 'the checkout';
    case 'gate':
      return 'its gate';
    case 'origin':
      return 'its origin';
    case 'engine':
      return 'the engine';
    case 'host':
      return 'a host';
    case 'retry':
      return 'its next try';
    case 'limit':
      return 'a limit';
  }
}

/** Who waits for a person, why, and the command that replies: one line. */
export function waitsLine(view: TaskView): string {
  const { waitingFor } = view;
  if (waitingFor === null) return `${view.id} ${view.state}`;
  const reply = replyCommand(view);
  const text = oneLine(waitingFor.text, 300);
  const how = reply === null || text.includes(reply) ? '' : ` — reply with: ${reply}`;
  const more = waitingFor.open - 1;
  const others = more < 1 ? '' : ` (${more} more ${more === 1 ? 'is' : 'are'} open: tasks show ${view.id})`;
  return `${view.id} waits for ${waitWords(waitingFor.kind)}: ${text}${how}${others}`;
}

/** How a task ended, or where it is: one line. */
export function outcomeLine(view: TaskView, palette: Palette): string {
  const state = paintState(view.state, palette)(view.state);
  const what =
    view.commit === null
      ? view.failure === null
        ? answerOf(view)
        : `  ${view.failure.kind}: ${oneLine(view.failure.message, 300)}`
      : `  as ${view.commit.slice(0, 12)}`;
  return `${view.id}  ${state}  ${oneLine(view.title)}${what}`;
}

/** A question that was submitted as one ends with its answer. */
function answerOf(view: TaskView): string {
  const { id, type, state, summary } = view;
  if (isSentBackInVain(view))
    return `  nothing of it landed: it was sent back, and then changed nothing; see tasks show ${id}`;
  return type === 'question' && state === 'unchanged' && summary !== null ? `  answer: ${oneLine(summary, 500)}` : '';
}
