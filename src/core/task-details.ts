/** A task's current state for a person, as Markdown for the Temporal Web UI: at most 4,000 characters, what is most wanted first. */

import { askView } from './ask-view.ts';
import { commitLink } from './commit-link.ts';
import type { ObjectId } from './ids.ts';
import { replyCommands } from './reply-commands.ts';
import type { Task } from './task.ts';
import type { TaskSpec, TaskView, WaitingFor } from './task-types.ts';
import { viewOf } from './task-view.ts';
import { headOf, oneLine, printable } from './text.ts';

const MAX_CHARS = 4_000;
const MAX_QUOTED_CHARS = 1_200;
const MAX_CHOICES_CHARS = 400;
const MAX_REFUSALS = 3;

export function detailsOf(task: Task, spec: TaskSpec): string {
  const view = viewOf(task, spec);
  const parts = [
    `**${view.state}**${view.phase === null ? '' : ` · ${view.phase}`}${view.attempt === 0 ? '' : ` · attempt ${view.attempt}`}`,
    ...(view.waitingFor === null ? [] : waiting(view, view.waitingFor, task)),
    ...outcome(view),
    ...refusals(task),
  ];
  return headOf(parts.join('\n\n'), MAX_CHARS);
}

function waiting(view: TaskView, wait: WaitingFor, { stage }: Task): string[] {
  const whom = wait.for === null ? '' : ` from ${oneLine(wait.for, 60)}`;
  const what = wait.proposal === null ? wait.kind : `a decision about the ${wait.proposal}`;
  const [ask] = stage.kind === 'asking' ? stage.asks.map(askView) : [];
  const choices =
    ask === undefined || ask.choices.length === 0
      ? []
      : [`Choices: ${oneLine(ask.choices.map((one) => oneLine(one, 80)).join(' · '), MAX_CHOICES_CHARS)}`];
  const standard = ask?.default == null ? [] : [`Default: ${oneLine(ask.default, 200)}`];
  const until = ask?.expiresAt == null ? [] : [`Over at ${ask.expiresAt}`];
  const more = wait.open > 1 ? [`${wait.open - 1} more after it`] : [];
  const commands = replyCommands(view.id, wait).map((command) => `- \`${command}\``);
  return [
    `Waits for ${what}${whom} since ${wait.since}:`,
    quoted(wait.text),
    ...choices,
    ...standard,
    ...until,
    ...more,
    ...(commands.length === 0 ? [] : [`Reply with:\n\n${commands.join('\n')}`]),
  ];
}

function outcome({ id, attempt, origin, failure, commit, summary, checkpoint }: TaskView): string[] {
  return [
    ...(failure === null
      ? []
      : [`${failure.kind}: ${oneLine(failure.message, 500)}`, `Next: ${oneLine(failure.next, 300)}`]),
    ...(commit === null ? [] : [`Landed as ${linked(origin, commit)}`]),
    ...(commit !== null || checkpoint === null ? [] : [`Work so far: ${linked(origin, checkpoint.head)}`]),
    ...(summary === null ? [] : [`Summary: ${oneLine(summary, 300)}`]),
    ...(attempt === 0 ? [] : [`Evidence: \`tasks logs ${id}\`, \`tasks show ${id}\``]),
  ];
}

function linked(origin: string, commit: ObjectId): string {
  const link = commitLink(origin, commit);
  return link === null ? `\`${commit}\`` : `[\`${commit}\`](${link})`;
}

/** A refused signal has no sender who hears of it: it is shown here. */
function refusals({ refused }: Task): string[] {
  return refused
    .slice(-MAX_REFUSALS)
    .map(
      ({ message, reason, actor, atMs }) =>
        `Refused at ${new Date(atMs).toISOString()}: ${message} of ${oneLine(actor, 60)}: ${oneLine(reason, 200)}`,
    );
}

function quoted(text: string): string {
  const lines = printable(text)
    .trim()
    .split('\n')
    // Two spaces keep the end of a line, which Markdown would take for a space.
    .map((line) => (line === '' ? '>' : `> ${line}  `));
  return headOf(lines.join('\n'), MAX_QUOTED_CHARS);
}
