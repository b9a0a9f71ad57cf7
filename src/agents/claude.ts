/**
 * Claude Code, headless: `claude -p` with one JSON object a line on standard output.
 *
 * In the phases that only read it may write the task folder alone; where it leaves no document there its final text is
 * the phase's. A line that means nothing to the reader is passed over: newer versions add kinds of lines.
 */

import { createHash } from 'node:crypto';

import type { Failure } from '../core/failure.ts';
import type { AgentDefinition } from '../core/project.ts';
import type { Phase, Usage } from '../core/task-types.ts';
import { oneLine } from '../core/text.ts';
import { createClaudeProgress } from './claude-progress.ts';
import { classifyClaudeText, exhausted, limited, notSignedIn } from './claude-trouble.ts';
import { phaseEnvironment } from './placeholders.ts';
import type { AgentCommand, AgentReading, LineReader, PhaseFiles } from './types.ts';

const READS: ReadonlySet<Phase> = new Set(['understand', 'plan']);

/**
 * Nobody is there to be asked, so what it would ask about is refused: in `acceptEdits` nearly every shell command, the
 * tests' among them. In a sandbox it may do what the sandbox lets it do (code.claude.com/docs/en/permission-modes). The
 * `plan` mode is for a person: it ends in a tool that asks for approval (anthropics/claude-code, issue 3894).
 */
function permissions({ phase, taskDir }: PhaseFiles, confined: boolean): readonly string[] {
  // Two slashes: from the root; a rule for Edit holds for whatever writes a file (code.claude.com/docs/en/permissions).
  if (READS.has(phase)) return ['--permission-mode', 'default', '--allowedTools', `Edit(/${taskDir}/**)`];
  return ['--permission-mode', confined ? 'bypassPermissions' : 'acceptEdits'];
}

/** Tools that wait for a person; the report is what asks. */
const ASKING = 'AskUserQuestion,EnterPlanMode';

/** Resumes the session when there is one, else begins one under an id that the task and the attempt give. */
export function claudeCommand(
  definition: Extract<AgentDefinition, { kind: 'claude' }>,
  files: PhaseFiles,
  session: string | null,
  confined: boolean,
): AgentCommand {
  // Standard input is closed, and an argument has a size limit: the prompt itself stays in its file.
  const prompt = `Read the file ${files.promptFile} first and do exactly what it says.`;
  const resume = session === null || session === '' ? ['--session-id', sessionIdOf(files)] : ['--resume', session];
  return {
    argv: [
      'claude',
      '-p',
      prompt,
      '--output-format',
      'stream-json',
      '--verbose',
      ...permissions(files, confined),
      '--disallowedTools',
      ASKING,
      ...resume,
      ...(definition.model === null ? [] : ['--model', definition.model]),
      ...definition.args,
      // Last, since it takes any number of folders.
      '--add-dir',
      files.taskDir,
    ],
    // As root it bypasses nothing but where it is told of a sandbox (anthropics/claude-code, issue 3490).
    env: { ...phaseEnvironment(files), ...(confined ? { IS_SANDBOX: '1' } : {}) },
  };
}

/** Where Claude Code keeps a session, from its home: in a folder that is named by the working directory. */
export function claudeTranscript(cwd: string, session: string): string {
  return `.claude/projects/${cwd.replace(/[^A-Za-z0-9]/g, '-')}/${session}.jsonl`;
}

const MAX_TEXT_CHARS = 256 * 1024;
/** What is taken for a session's id: it becomes an argument of the next command, and goes into the task's history. */
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * Reads the lines of `--output-format stream-json`.
 *
 * @param resumed the session that was resumed: some versions then print an id that cannot be resumed in its turn, while
 *   the first one always can
 */
export function createClaudeReader(resumed: string | null = null): LineReader {
  let session: string | null = resumed;
  // Some versions leave the final text out of the result of a resumed session: the last message has it.
  let lastText = '';
  let usage: Usage | null = null;
  let result: AgentReading['end'] = null;
  // What was announced on the way, and not overcome since; it counts where the result does not say why it failed.
  let announced: Failure | null = null;
  // The last one of which is known when it resets.
  let limit: Failure | null = null;
  const progress = createClaudeProgress();

  /** A limit is mostly said again, and then without the time. */
  const withReset = (said: Failure | null): Failure | null => {
    if (said?.kind !== 'agent-limited') return said;
    if (said.resetsAtMs !== undefined) limit = said;
    return limit ?? said;
  };

  const take = (line: Fields): void => {
    const named = line['session_id'];
    if (resumed === null && typeof named === 'string' && SESSION_ID.test(named)) session = named;
    switch (line['type']) {
      case 'rate_limit_event':
        announced = withReset(rateLimitOf(line)) ?? announced;
        return;
      case 'assistant':
        announced = withReset(assistantTrouble(line)) ?? (isWork(line) ? null : announced);
        progress.take(line['message']);
        lastText = textOfMessage(line['message']).slice(0, MAX_TEXT_CHARS) || lastText;
        return;
      case 'result':
        usage = usageOf(line);
        result = endOf(line, (text) => withReset(classifyClaudeText(text)) ?? announced, lastText);
        if (isSessionGone(line)) session = '';
        return;
      default:
    }
  };

  return {
    read(line) {
      const fields = parseLine(line);
      if (fields !== null) return take(fields);
      const plain = oneLine(line, 500);
      if (/^No conversation found with session ID/i.test(plain)) session = '';
      announced = withReset(classifyClaudeText(plain)) ?? announced;
    },
    get progress() {
      return progress.now;
    },
    get reading() {
      return { session, usage, end: result ?? (announced === null ? null : { kind: 'failed', failure: announced }) };
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parseLine(line: string): Fields | null {
  // Some terminals' escape sequences precede the first object.
  const from = line.indexOf('{');
  if (from < 0) return null;
  try {
    const data: unknown = JSON.parse(line.slice(from));
    return isFields(data) ? data : null;
  } catch {
    return null;
  }
}

function isFields(data: unknown): data is Fields {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

function rateLimitOf(line: Fields): Failure | null {
  const info = line['rate_limit_info'];
  if (!isFields(info) || info['status'] !== 'rejected') return null;
  return limited('a limit of the account was reached', numberOf(info['resetsAt']) || null);
}

function assistantTrouble(line: Fields): Failure | null {
  switch (line['error']) {
    case 'authentication_failed':
      return notSignedIn('it is not signed in');
    case 'billing_error':
      return exhausted(oneLine(textOfMessage(line['message']), 200) || 'the account has no credit');
    case 'rate_limit':
      return classifyClaudeText(textOfMessage(line['message'])) ?? limited('a limit of the account was reached', null);
    default:
      return null;
  }
}

function textOfMessage(message: unknown): string {
  const content: unknown = isFields(message) ? message['content'] : null;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => (isFields(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('\n');
}

/** That it goes on: it was answered, whatever it was refused before. */
function isWork(line: Fields): boolean {
  const message = line['message'];
  const content = isFields(message) && Array.isArray(message['content']) ? message['content'] : [];
  if (content.some((part: unknown) => isFields(part) && part['type'] === 'tool_use')) return true;
  const text = textOfMessage(message);
  return text.trim() !== '' && classifyClaudeText(text) === null;
}

function endOf(line: Fields, troubleIn: (text: string) => Failure | null, lastText: string): AgentReading['end'] {
  const text = typeof line['result'] === 'string' ? line['result'] : errorsOf(line);
  const isError = line['is_error'] === true || line['subtype'] !== 'success';
  if (!isError && !/^Claude AI usage limit reached\|\d+/.test(text)) return { kind: 'done', text: text || lastText };
  return { kind: 'failed', failure: troubleIn(text) ?? resultFailure(line, text) };
}

function resultFailure(line: Fields, text: string): Failure {
  const said = oneLine(text, 300);
  if (line['subtype'] === 'error_max_turns') {
    return {
      kind: 'agent-failed',
      message: `claude used up its turns${said === '' ? '' : `: ${said}`}`,
      next: 'split the task, or raise --max-turns in the args of this agent in tasks.yaml, then retry',
    };
  }
  if (line['subtype'] === 'error_max_budget_usd') return exhausted(said || 'the budget of one run (--max-budget-usd)');
  const subtype = typeof line['subtype'] === 'string' ? oneLine(line['subtype'], 60) : 'no subtype';
  return {
    kind: 'agent-failed',
    message: `claude ended with an error (${subtype})${said === '' ? '' : `: ${said}`}`,
    next: 'read the log of this attempt (tasks logs), then retry',
  };
}

function errorsOf(line: Fields): string {
  const errors = line['errors'];
  return Array.isArray(errors) ? errors.filter((each) => typeof each === 'string').join('\n') : '';
}

function isSessionGone(line: Fields): boolean {
  const text = typeof line['result'] === 'string' ? line['result'] : errorsOf(line);
  return line['subtype'] !== 'success' && /No conversation found with session ID/i.test(text);
}

function usageOf(line: Fields): Usage {
  const usage = isFields(line['usage']) ? line['usage'] : {};
  const cached = numberOf(usage['cache_creation_input_tokens']) + numberOf(usage['cache_read_input_tokens']);
  return {
    inputTokens: tokensOf(numberOf(usage['input_tokens']) + cached),
    outputTokens: tokensOf(numberOf(usage['output_tokens'])),
    costUsd: numberOf(line['total_cost_usd']),
  };
}

function tokensOf(count: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.trunc(count));
}

/** Not so large that sums of it could not be counted. */
function numberOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? Math.min(Number.MAX_SAFE_INTEGER, value) : 0;
}

/** A UUID (version 8) that names the attempt, so that starting it again begins the same session. */
function sessionIdOf(files: PhaseFiles): string {
  const hash = createHash('sha256').update(`${files.taskId}/${files.attempt}`).digest('hex');
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `a${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}
