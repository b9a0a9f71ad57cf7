/** The text that an agent is given for one attempt at one phase. */

import { tailOf, type Failure } from '../core/failure.ts';
import type { Exchange, LeftOut, MainConflict, Phase, RevisionRequest, TaskSpec } from '../core/task-types.ts';
import type { PhaseFiles } from './types.ts';

export interface PromptInput {
  readonly spec: TaskSpec;
  readonly phase: Phase;
  readonly attempt: number;
  readonly files: PhaseFiles;
  /** Whether people have edited the submission; the spec has their words. */
  readonly edited: boolean;
  /** What went between the task and people, oldest first. */
  readonly exchanges: readonly Exchange[];
  /** How many older ones are not among them, for want of room; null: all are there. */
  readonly leftOut: LeftOut | null;
  /** Why landing sent the work back; null but for revisions. */
  readonly request: RevisionRequest | null;
  /** That what is stored does not go together with main as it is by now. */
  readonly conflict: MainConflict | null;
  /** How the attempt before this one failed. */
  readonly lastFailure: Failure | null;
  /** Files in which the engine left conflict markers. */
  readonly conflicted: readonly string[];
  /** The attempt whose unfinished work is in the worktree; null: none is. */
  readonly unfinished: number | null;
  /** Names of what earlier phases left in the task folder, such as plan.md. */
  readonly notes: readonly string[];
  /** Those of them that a person has approved. */
  readonly approved: readonly string[];
}

const MAX_EVIDENCE_CHARS = 16 * 1024;

const JOB_OF: Readonly<Record<Phase, (files: PhaseFiles) => string>> = {
  understand: (files) =>
    `Understand the task: read the code that it touches and find out what has to change and what must not. Change nothing in the worktree. Leave what you found in ${files.taskDir}/understanding.md.`,
  plan: (files) =>
    `Plan the work: the steps, the files, the tests, the risks. Change nothing in the worktree. Leave the plan in ${files.taskDir}/plan.md.`,
  execute: (files) =>
    `Do the work in the worktree, with its tests, and run the project's own checks. Leave what people should know about it in ${files.taskDir}/result.md, and other products in ${files.taskDir}/outputs/.`,
  revise: (files) =>
    `Revise the work: main as it now is has been merged into your branch. Mend what is described below under "Why it came back", keep what has landed meanwhile, and run the project's own checks. Update ${files.taskDir}/result.md.`,
};

/** Builds the prompt of one attempt. */
export function buildPrompt(input: PromptInput): string {
  const sections = [
    task(input),
    job(input),
    unfinishedWork(input.unfinished),
    notHere(input.leftOut),
    answers(input.exchanges),
    decisions(input.exchanges),
    comments(input.exchanges),
    revision(input.request, input.conflicted),
    landedMeanwhile(input),
    lastFailure(input.lastFailure),
    report(input),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function task({ spec, edited }: PromptInput): string {
  return [
    `# ${spec.title}`,
    spec.body.trim(),
    edited ? 'People have edited this since it was submitted. What stands here is what holds now.' : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function job({ phase, attempt, files, notes, approved }: PromptInput): string {
  const known = notes
    .filter((note) => note !== '')
    .map(
      (note) =>
        `- ${files.taskDir}/${note}${approved.includes(note) ? ' (approved by a person: it holds as it stands)' : ''}`,
    );
  return [
    `## Your job now: ${phase}`,
    JOB_OF[phase](files),
    [
      `- Worktree: ${files.worktree} (branch ${files.branch}; stay on it)`,
      `- Task folder: ${files.taskDir} (outside the worktree)`,
      `- Task ${files.taskId}, attempt ${attempt}`,
    ].join('\n'),
    known.length === 0 ? '' : `Read first what earlier phases left:\n${known.join('\n')}`,
    'You need not commit: what you leave in the worktree is committed for you. Do not push, do not switch branches, and do not rewrite commits. Nobody can answer while you run.',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function unfinishedWork(attempt: number | null): string {
  if (attempt === null) return '';
  return [
    '## You go on from unfinished work',
    `Attempt ${attempt} was cut off while it worked, with its host. What it had stored last is in your worktree: its commits on your branch, the rest uncommitted. It may be some minutes older than where that attempt was, and half done: look at it first (\`git log\`, \`git status\`, \`git diff HEAD\`), keep what is right, and go on. What it has done outside the worktree, it may have done: see before you do it again.`,
  ].join('\n\n');
}

/** Whoever does not know that something was said cannot ask for it. */
function notHere(leftOut: LeftOut | null): string {
  if (leftOut === null) return '';
  const { question, decision, comment } = leftOut;
  const counted = [
    [question, 'answer'],
    [decision, 'decision'],
    [comment, 'comment'],
  ] as const;
  const what = counted.flatMap(([count, name]) => (count === 0 ? [] : [`${count} ${name}${count === 1 ? '' : 's'}`]));
  const total = question + decision + comment;
  return [
    '## What is left out here',
    `People have said more than there is room for: the oldest of it is left out (${what.join(', ')}), and what follows is the rest. ${total === 1 ? 'It' : 'They'} counted when ${total === 1 ? 'it was' : 'they were'} said, and earlier attempts of yours have read ${total === 1 ? 'it' : 'them'}: look at what they left in the worktree and the task folder, and ask when you need to know.${decision === 0 ? '' : ' What such a decision approved is to be proposed again.'}`,
  ].join('\n\n');
}

function answers(all: readonly Exchange[]): string {
  const texts = all
    .filter(({ kind }) => kind === 'question')
    .map(({ question, answer, actor }) => `**You asked:** ${question}\n\n**${actor} answered:** ${answer}`);
  return texts.length === 0 ? '' : ['## Answers to your earlier questions', ...texts].join('\n\n');
}

function decisions(all: readonly Exchange[]): string {
  const texts = all
    .filter(({ kind }) => kind === 'decision')
    .map(
      ({ question, answer, actor, atMs }) =>
        `**You proposed:** ${withWords(question, '\n\n')}\n\n**${actor} decided at ${new Date(atMs).toISOString()}:** ${withWords(answer, '\n')}`,
    );
  if (texts.length === 0) return '';
  return [
    '## Decisions about what you proposed',
    'What was approved may be done now: exactly as it was approved, once, and nothing beyond it. Write into result.md what you have carried out; what an earlier attempt of yours has carried out is not done again. Where changes are wanted, make them and propose again. What is not approved here is not approved.',
    ...texts,
  ].join('\n\n');
}

/** The first line as it is, what follows it as words that are to be taken to the letter. */
function withWords(text: string, separator: string): string {
  const at = text.indexOf(separator);
  return at < 0 ? text : `${text.slice(0, at)}\n\n${fenced(text.slice(at + separator.length))}`;
}

function comments(all: readonly Exchange[]): string {
  const texts = all
    .filter(({ kind }) => kind === 'comment')
    .map(({ answer, actor }) => `**${actor} commented:** ${answer}`);
  return texts.length === 0 ? '' : ['## Comments of people, oldest first', ...texts].join('\n\n');
}

function revision(request: RevisionRequest | null, conflicted: readonly string[]): string {
  const parts: string[] = [];
  if (request !== null) {
    parts.push('## Why it came back', request.text);
    if (request.failedCommand !== null) parts.push(`The command that failed: ${code(request.failedCommand)}`);
    if (request.files.length > 0) parts.push(`Conflicting files:\n${list(request.files)}`);
    if (request.evidence.trim() !== '') parts.push(fenced(tailOf(request.evidence, MAX_EVIDENCE_CHARS)));
    if (request.landedSince.length > 0) {
      const landed = request.landedSince.map(({ commit, title }) => `${commit.slice(0, 12)} ${title}`);
      parts.push(`Landed since you began:\n${list(landed)}`);
    }
  }
  if (conflicted.length > 0) {
    parts.push(
      `## Conflict markers\n\nThese files hold conflict markers (<<<<<<<, =======, >>>>>>>). Resolve every one; work that still has them is refused:\n${list(conflicted)}`,
    );
  }
  return parts.join('\n\n');
}

/** Told while there is time: nothing has to be merged yet. A revision has main merged: it is told what for, and no more. */
function landedMeanwhile({ conflict, phase }: PromptInput): string {
  if (conflict === null) return '';
  const landed = conflict.landed.map(({ commit, title, summary }) => {
    const named = `${commit.slice(0, 12)} ${title}`;
    return summary === '' ? named : `${named}: ${summary}`;
  });
  const known = landed.length === 0 ? '' : `Landed on them since you began, and what it was for:\n${list(landed)}`;
  if (phase === 'revise') {
    const files = `Files of your work that others have changed meanwhile:\n${list(conflict.files)}`;
    return known === '' ? '' : ['## What landed meanwhile on your files', files, known].join('\n\n');
  }
  return [
    '## What landed meanwhile conflicts with your work',
    `Your work so far cannot be merged with main as it is by now (${conflict.main.slice(0, 12)}). It goes on from where it was, and main is merged when it lands: shape what you still do so that what landed keeps its purpose. Conflicting files:\n${list(conflict.files)}`,
    known,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function lastFailure(failure: Failure | null): string {
  if (failure === null) return '';
  const evidence = failure.evidence?.trim() ?? '';
  return [
    '## How the attempt before this one failed',
    `${failure.message} (${failure.kind})`,
    evidence === '' ? '' : fenced(evidence),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function report({ phase, files }: PromptInput): string {
  const lines = [
    '## How to end',
    `Before you end, write one JSON object to ${files.reportFile}:`,
    [
      '- done: `{"status":"done","summary":"what you did, in a few sentences"}`; work that somebody should do besides goes along as `"proposals":[{"title":"…","body":"…"}]` and holds nothing up',
      '- you need to know something that only a person can tell: `{"status":"question","question":"…","choices":["…","…"],"default":"…","deadline":"2d"}`, then end; you are started again with the answer. `choices`, `default` and `deadline` may be left out: after the deadline the default is taken, and without one the task fails. Several at once: `{"status":"question","questions":[{"question":"…"},{"question":"…"}]}`',
      '- you want something approved first: `{"status":"proposal","proposal":{"kind":"effect","title":"one line","body":"…"}}`, then end; you are started again with the decision',
      '- it cannot be done: `{"status":"failed","reason":"…"}`',
    ].join('\n'),
    PROPOSING,
  ];
  if (phase === 'understand' || phase === 'plan') {
    lines.push(
      'If you are not allowed to write files in this phase, let your final message be the document itself. To ask, to propose or to give up, end that message with the same JSON object in a fenced block that is marked `report`.',
    );
  }
  return lines.join('\n\n');
}

const PROPOSING = [
  'Some things are never done without an approval that stands in this prompt. Propose them, with the `kind`:',
  [
    '- `effect`: whatever cannot be taken back or reaches outside the worktree (a release, a deployment, a call that changes something elsewhere, data that is deleted, money that is spent). The body says exactly what will be done to what.',
    '- `message`: whatever is sent to people (a mail, a comment, a post). The body is the message itself, and to whom it goes.',
    '- `plan`: a plan that somebody should agree to first; the body is the plan.',
    '- `patch`: the change as it stands in the worktree, when somebody should look at it before it lands; the body says what to look at.',
    '- `tasks`: further tasks that should be made; `items` has them: `[{"title":"…","body":"…"}]`. Each is accepted, edited or dropped by itself.',
  ].join('\n'),
].join('\n');

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

function code(text: string): string {
  return text.includes('`') || text.includes('\n') ? `\n\n${fenced(text)}` : `\`${text}\``;
}

/** A fenced block whose fence is longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([fence]) => fence.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
