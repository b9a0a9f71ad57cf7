/**
 * What an attempt came to. Success is a terminal event without an error, where the agent has one, and a report that
 * validates, and an exit with 0; never the exit code alone. The engine checks the worktree afterwards.
 */

import { MAX_EVIDENCE_CHARS, tailOf, type Failure, type FailureKind } from '../core/failure.ts';
import type { Phase } from '../core/task-types.ts';
import { oneLine } from '../core/text.ts';
import { parseReport } from './report.ts';
import type { AgentReading, AgentReport, AttemptExit, Judgement, ReportFile } from './types.ts';

type AgentReportDone = Extract<AgentReport, { status: 'done' }>;

const MAX_SUMMARY_CHARS = 2_000;

/** What each reading phase leaves in the task folder. */
const DOCUMENT_OF: Partial<Readonly<Record<Phase, string>>> = { understand: 'understanding.md', plan: 'plan.md' };

export interface AttemptFacts {
  /** The agent's name in tasks.yaml. */
  readonly agent: string;
  readonly phase: Phase;
  readonly exit: AttemptExit;
  readonly reading: AgentReading;
  readonly hasTerminalEvent: boolean;
  readonly report: ReportFile;
}

/** Judges an agent's attempt. */
export function judgeAttempt(facts: AttemptFacts): Judgement {
  const { agent, exit, reading } = facts;
  // A limit of the account or a missing sign-in explains whatever end followed from it; what it took of this host is no such end.
  if (reading.end?.kind === 'failed' && exit.kind !== 'over-limit')
    return failed(withEvidence(reading.end.failure, exit));
  const early = earlyEnd(`agent ${agent}`, exit);
  if (early !== null) return failed(early);
  if (facts.hasTerminalEvent && reading.end === null) {
    return failed(failure('agent-failed', exit, `agent ${agent} ended without its final result`, READ_LOG));
  }
  const report = reportOf(facts);
  if (exit.kind === 'exited' && exit.code !== 0) return failed(exitFailure(agent, exit.code, exit, report));
  if (report.kind === 'stands-in') return report.judgement;
  if (report.kind === 'unusable') return failed(failure(report.failure, exit, report.message, report.next));
  return judgeReport(agent, report.report, exit);
}

/** Judges a shell task's attempt: it needs no report. */
export function judgeCommand(run: string, exit: AttemptExit): Judgement {
  const name = oneLine(run, 120);
  const early = earlyEnd(`command ${name}`, exit);
  if (early !== null) return failed(early);
  if (exit.kind === 'exited' && exit.code === 0)
    return { kind: 'done', summary: `Ran: ${name}`, document: null, proposals: [] };
  const how = exit.kind === 'exited' ? `exited with ${exit.code}` : `ended by ${exit.kind}`;
  return failed(failure('command-failed', exit, `${name} ${how}`, 'look at its output (tasks logs), then retry'));
}

const LIMITS = 'see what it did (tasks logs); raise the limit in host.yaml (limits:) if it is right; then retry';
const READ_LOG = 'read the log of this attempt (tasks logs), then retry';

type FoundReport =
  | { readonly kind: 'report'; readonly report: AgentReport }
  | { readonly kind: 'stands-in'; readonly judgement: Judgement }
  | { readonly kind: 'unusable'; readonly failure: FailureKind; readonly message: string; readonly next: string };

function reportOf(facts: AttemptFacts): FoundReport {
  const { agent, report, reading, phase } = facts;
  switch (report.kind) {
    case 'unreadable':
      return badReport(agent, `report.json: ${report.reason}`);
    case 'text': {
      const parsed = parseReport(report.text);
      return parsed.kind === 'ok' ? { kind: 'report', report: parsed.value } : badReport(agent, parsed.message);
    }
    case 'missing': {
      const text = reading.end?.kind === 'done' ? reading.end.text.trim() : '';
      const name = DOCUMENT_OF[phase];
      if (name !== undefined && text !== '') return fromText(agent, name, text);
      return {
        kind: 'unusable',
        failure: 'no-report',
        message: `agent ${agent} ended without a report`,
        next: 'make it write report.json into the task folder (TASKS_REPORT_FILE); docs/write-your-own-agent.md says how',
      };
    }
  }
}

/** An agent that cannot write files says everything in its final text; a block at its end may be a report. */
function fromText(agent: string, name: string, text: string): FoundReport {
  const found = blockAtEnd(text);
  if (found === null) return { kind: 'stands-in', judgement: documentOf(name, text, summaryOf(text)) };
  const parsed = parseReport(found.block);
  if (parsed.kind === 'invalid') return badReport(agent, parsed.message);
  if (parsed.value.status !== 'done') return { kind: 'report', report: parsed.value };
  const { summary, proposals } = parsed.value;
  const { before } = found;
  return { kind: 'stands-in', judgement: documentOf(name, before === '' ? summary : before, summary, proposals) };
}

const FENCE = '\n```';
const OPENING = /^```(?:json )?report[^\n]*\n/gm;

/** From its last opening on, so that a text of many takes no longer than others. */
function blockAtEnd(text: string): { readonly before: string; readonly block: string } | null {
  const whole = text.trimEnd();
  const open = whole.endsWith(FENCE) ? whole.slice(0, -FENCE.length) : '';
  const last = [...open.matchAll(OPENING)].at(-1);
  if (last === undefined) return null;
  return { before: open.slice(0, last.index).trim(), block: open.slice(last.index + last[0].length) };
}

function documentOf(
  name: string,
  text: string,
  summary: string,
  proposals: AgentReportDone['proposals'] = [],
): Judgement {
  return { kind: 'done', summary, document: { name, text: `${text}\n` }, proposals };
}

function summaryOf(text: string): string {
  const paragraph =
    text
      .replace(/^#+ .*$/gm, '')
      .trim()
      .split(/\n\s*\n/)[0] ?? '';
  const summary = paragraph === '' ? text : paragraph;
  return summary.length > MAX_SUMMARY_CHARS ? `${summary.slice(0, MAX_SUMMARY_CHARS - 1)}…` : summary;
}

function badReport(agent: string, message: string): FoundReport {
  return {
    kind: 'unusable',
    failure: 'bad-report',
    message: `agent ${agent} left a report that cannot be used: ${message}`,
    next: 'mend what the agent writes; schema/report.schema.json has the form',
  };
}

function judgeReport(agent: string, report: AgentReport, exit: AttemptExit): Judgement {
  switch (report.status) {
    case 'done':
      return { kind: 'done', summary: report.summary, document: null, proposals: report.proposals };
    case 'question':
      return { kind: 'question', questions: report.questions };
    case 'proposal':
      return { kind: 'proposal', proposal: report.proposal };
    case 'failed':
      return failed(reportedFailure(agent, report.reason, exit));
  }
}

function exitFailure(agent: string, code: number, exit: AttemptExit, report: FoundReport): Failure {
  if (report.kind === 'report' && report.report.status === 'failed') {
    return reportedFailure(agent, report.report.reason, exit);
  }
  return failure('agent-failed', exit, `agent ${agent} exited with ${code}`, READ_LOG);
}

function reportedFailure(agent: string, reason: string, exit: AttemptExit): Failure {
  const long = reason.length > 300 || reason.includes('\n');
  const evidence = long ? `${reason}\n\n${exit.tail}` : exit.tail;
  return failure(
    'agent-failed',
    { ...exit, tail: evidence },
    `agent ${agent} gave up: ${oneLine(reason, 300)}`,
    READ_LOG,
  );
}

/** The failure of a process that did not exit by itself. */
function earlyEnd(who: string, exit: AttemptExit): Failure | null {
  const seconds = Math.round(exit.durationMs / 1_000);
  switch (exit.kind) {
    case 'exited':
      return null;
    case 'signaled':
      return failure(
        'agent-killed',
        exit,
        `${who} was ended by ${exit.signal}`,
        'if the host was short of memory, lower its slots; then retry',
      );
    case 'idle-timeout':
      return failure(
        'idle-timeout',
        exit,
        `${who} stalled: it printed nothing for too long and was ended after ${seconds} s`,
        'make it print while it works, or raise the idle time-out in tasks.yaml, then retry',
      );
    case 'total-timeout':
      return failure(
        'total-timeout',
        exit,
        `${who} took too long and was ended after ${seconds} s`,
        'split the task, or raise the total time-out in tasks.yaml, then retry',
      );
    case 'aborted':
      return failure('canceled', exit, `${who} was ended on request`, 'retry the task to go on');
    case 'missing':
      return failure('agent-missing', exit, exit.message, 'install it on this host, or correct tasks.yaml, then retry');
    case 'no-space':
      return failure('no-space', exit, exit.message, 'make room on this host, then retry');
    case 'over-limit':
      return failure(exit.limit, exit, `${who} was ended: ${exit.message}`, LIMITS);
  }
}

function failed(failure: Failure): Judgement {
  return { kind: 'failed', failure };
}

function failure(kind: FailureKind, exit: AttemptExit, message: string, next: string): Failure {
  return withEvidence({ kind, message, next }, exit);
}

function withEvidence(failure: Failure, exit: AttemptExit): Failure {
  const evidence = tailOf(exit.tail.trim(), MAX_EVIDENCE_CHARS - 8);
  return evidence === '' ? failure : { ...failure, evidence };
}
