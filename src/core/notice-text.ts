/** The words of notices: what is asked or has happened, and the literal commands to go on with. Pure. */

import type { AskView } from './ask-types.ts';
import type { NoticeMessage } from './notice-types.ts';
import { replyCommands } from './reply-commands.ts';
import type { Happened } from './task-events.ts';
import type { TaskView, WaitingFor } from './task-types.ts';
import { headOf, oneLine, printable } from './text.ts';

const MAX_TITLE_CHARS = 250;
const MAX_TEXT_CHARS = 3_000;
/** Of the questions alone, shared among them: what follows each must not be cut off. */
const MAX_ASKED_CHARS = 1_800;
const MAX_CHOICES_CHARS = 600;
const MAX_COMMANDS = 12;

/** What people can be told of. */
export type Tellable = Extract<
  Happened,
  {
    kind:
      | 'asked'
      | 'reminded'
      | 'escalated'
      | 'attempt-ended'
      | 'parked'
      | 'held'
      | 'landed'
      | 'ended'
      | 'conflict-seen';
  }
>;

export interface NoticeContent extends Pick<NoticeMessage, 'title' | 'text' | 'commands'> {
  readonly versions: readonly number[];
}

interface Words {
  readonly head: string;
  readonly text: string;
  readonly commands: readonly string[];
  readonly versions?: readonly number[];
}

/** Title, text and commands of a notice; `asks` are what was asked in one moment with this. */
export function contentOf(view: TaskView, happened: Tellable, asks: readonly AskView[]): NoticeContent {
  const { head, text, commands, versions } = wordsOf(view, happened, asks);
  return {
    title: oneLine(`${head}: ${view.title} (${view.project})`, MAX_TITLE_CHARS),
    text: headOf(printable(text).trim(), MAX_TEXT_CHARS),
    commands: commands.slice(0, MAX_COMMANDS),
    versions: versions ?? [],
  };
}

function wordsOf(view: TaskView, happened: Tellable, asks: readonly AskView[]): Words {
  const { id } = view;
  switch (happened.kind) {
    case 'asked':
      return wordsOfAsks(id, asks);
    case 'reminded':
      return wordsOfReminder(view, happened, `Reminder ${happened.count}`);
    case 'escalated':
      return wordsOfReminder(view, happened, `For ${oneLine(happened.to, 60)}, since nobody replied`);
    case 'attempt-ended': {
      const { phase, attempt, failure } = happened;
      const text = [`${phase}, attempt ${attempt}: ${failure?.message ?? ''}`, view.waitingFor?.text ?? ''];
      return { head: 'Stalled', text: text.join('\n'), commands: [`tasks logs ${id}`] };
    }
    case 'parked': {
      const { why, text } = happened;
      return { head: 'Parked', text, commands: replyCommands(id, waitOf(why, text)) };
    }
    case 'held':
      return { head: 'Cannot land', text: happened.held?.text ?? '', commands: [`tasks show ${id}`] };
    case 'conflict-seen': {
      const { files = [], landed = [] } = happened.conflict ?? {};
      const named = landed.map(({ commit, title }) => `- ${commit.slice(0, 12)} ${oneLine(title, 120)}`);
      const text = [`What landed on ${view.branch} since conflicts in: ${files.join(', ')}`, ...named];
      text.push('Its next phase is told; nothing has to be done.');
      return {
        head: 'Conflicts with what landed',
        text: text.join('\n'),
        commands: [`tasks show ${id}`, 'tasks conflicts'],
      };
    }
    case 'landed': {
      const landed = `${happened.landing.commit.slice(0, 12)} is on ${view.branch}`;
      return { head: 'Landed', text: `${landed}\n${view.summary ?? ''}`, commands: [`tasks show ${id}`] };
    }
    case 'ended': {
      const { failure } = happened;
      const text = failure === null ? 'nothing says why' : `${failure.message}\nNext: ${failure.next}`;
      return { head: 'Failed', text, commands: [`tasks show ${id}`, `tasks retry ${id}`] };
    }
  }
}

function wordsOfAsks(id: string, asks: readonly AskView[]): Words {
  const [first] = asks;
  const what = first === undefined || first.kind === 'question' ? 'Question' : `Decide about the ${first.kind}`;
  return {
    head: asks.length > 1 ? `${asks.length} questions` : what,
    text: asks.map((ask, index) => textOfAsk(ask, index, asks.length)).join('\n\n'),
    // Of several questions each has its one command; a decision has one for each way to decide.
    commands: asks.flatMap((ask) => replyCommands(id, waitOfAsk(ask))),
    versions: asks.map(({ version }) => version),
  };
}

function textOfAsk(ask: AskView, index: number, count: number): string {
  const asked = ask.body === '' ? ask.text : `${ask.text}\n\n${ask.body}`;
  const choices = ask.choices.map((choice) => oneLine(choice, 80)).join(' · ');
  const lines = [
    ask.for === null ? '' : `For ${oneLine(ask.for, 60)}:`,
    `${count > 1 ? `${index + 1}. ` : ''}${headOf(asked, Math.floor(MAX_ASKED_CHARS / count))}`,
    ...ask.items.map(({ title }) => `- ${oneLine(title, 80)}`),
    choices === '' ? '' : `Choices: ${headOf(choices, MAX_CHOICES_CHARS)}`,
    ask.default === null ? '' : `Default: ${oneLine(ask.default)}`,
    ask.expiresAt === null ? '' : `Over at ${ask.expiresAt}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

/** What is asked goes along with a reminder, but for the first version's: then the view knows the oldest alone. */
function wordsOfReminder(
  view: TaskView,
  { version, ask }: { readonly version: number; readonly ask?: AskView },
  head: string,
): Words {
  const { id, waitingFor } = view;
  if (ask !== undefined) {
    const commands = [...replyCommands(id, waitOfAsk(ask)), `tasks show ${id}`];
    return { head, text: textOfAsk(ask, 0, 1), commands, versions: [version] };
  }
  const known = waitingFor?.version === version ? waitingFor : null;
  const text = known === null ? `question ${version} waits for a reply` : known.text;
  const wait = known ?? waitOf('question', text, version);
  return { head, text, commands: [...replyCommands(id, wait), `tasks show ${id}`], versions: [version] };
}

function waitOfAsk({ kind, text, version }: AskView): WaitingFor {
  if (kind === 'question') return waitOf('question', text, version);
  return { ...waitOf('proposal', text, version), proposal: kind };
}

function waitOf(kind: WaitingFor['kind'], text: string, version: number | null = null): WaitingFor {
  return { kind, text, since: '', version, proposal: null, for: null, open: 1 };
}

/** A notice for a target that takes plain text: what is asked, how to reply, where to look. */
export function plainText({ text, commands, url }: Pick<NoticeMessage, 'text' | 'commands' | 'url'>): string {
  return [text, commands.join('\n'), url ?? ''].filter((part) => part !== '').join('\n\n');
}
