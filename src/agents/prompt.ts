/** The text that an agent is given for one attempt at one phase. */

import { tailOf, type Failure } from '../core/failure.ts';
import type { Exchange, Phase, RevisionRequest, TaskSpec } from '../core/task-types.ts';
import type { PhaseFiles } from './types.ts';

export interface PromptInput {
  readonly spec: TaskSpec;
  readonly phase: Phase;
  readonly attempt: number;
  readonly files: PhaseFiles;
  /** Earlier questions with their answers, oldest first. */
  readonly exchanges: readonly Exchange[];
  /** Why landing sent the work back; null but for revisions. */
  readonly request: RevisionRequest | null;
  /** How the attempt before this one failed. */
  readonly lastFailure: Failure | null;
  /** Files in which the engine left conflict markers. */
  readonly conflicted: readonly string[];
  /** Names of what earlier phases left in the task folder, such as plan.md. */
  readonly notes: readonly string[];
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
    exchanges(input.exchanges),
    revision(input.request, input.conflicted),
    lastFailure(input.lastFailure),
    report(input),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function task({ spec }: PromptInput): string {
  const body = spec.body.trim();
  return `# ${spec.title}${body === '' ? '' : `\n\n${body}`}`;
}

function job({ phase, attempt, files, notes }: PromptInput): string {
  const known = notes.filter((note) => note !== '').map((note) => `- ${files.taskDir}/${note}`);
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

function exchanges(all: readonly Exchange[]): string {
  if (all.length === 0) return '';
  const texts = all.map(
    ({ question, answer, actor }) => `**You asked:** ${question}\n\n**${actor} answered:** ${answer}`,
  );
  return ['## Answers to your earlier questions', ...texts].join('\n\n');
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
      '- done: `{"status":"done","summary":"what you did, in a few sentences"}`',
      '- you need to know something that only a person can tell: `{"status":"question","question":"…"}`, then end; you are started again with the answer',
      '- you want something approved first: `{"status":"proposal","proposal":"…"}`, then end',
      '- it cannot be done: `{"status":"failed","reason":"…"}`',
    ].join('\n'),
  ];
  if (phase === 'understand' || phase === 'plan') {
    lines.push(
      'If you are not allowed to write files in this phase, let your final message be the document itself. To ask or to give up, end that message with the same JSON object in a fenced block that is marked `report`.',
    );
  }
  return lines.join('\n\n');
}

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
