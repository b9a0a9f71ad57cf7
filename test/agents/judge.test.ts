import { describe, expect, it } from '@jest/globals';

import { judgeAttempt, judgeCommand, type AttemptFacts } from '../../src/agents/judge.ts';
import type { AgentReading, AttemptExit, Judgement, ReportFile } from '../../src/agents/types.ts';
import type { FailureKind } from '../../src/core/failure.ts';
import type { ExitResult } from '../../src/process/types.ts';
import { workOf } from '../support/work.ts';
import { exited } from './facts.ts';

const SILENT: AgentReading = { session: null, usage: null, end: null };
const DONE = report('{"status":"done","summary":"Added it."}');

function report(text: string): ReportFile {
  return { kind: 'text', text };
}

function finalText(text: string): AgentReading {
  return { ...SILENT, end: { kind: 'done', text } };
}

function judge(changes: Partial<AttemptFacts>): Judgement {
  return judgeAttempt({
    agent: 'mine',
    phase: 'execute',
    exit: exited(0, 'the end of the output'),
    reading: SILENT,
    hasTerminalEvent: false,
    report: DONE,
    ...changes,
  });
}

function failureOf(judgement: Judgement): { kind: FailureKind; message: string; next: string; evidence?: string } {
  if (judgement.kind !== 'failed') throw new Error(`was ${judgement.kind}`);
  return judgement.failure;
}

function withoutFiles(text: string): Partial<AttemptFacts> {
  return { phase: 'plan', hasTerminalEvent: true, reading: finalText(text), report: { kind: 'missing' } };
}

describe('judging an attempt', () => {
  it('takes an exit with 0 and a valid report for done', () => {
    expect(judge({})).toEqual({ kind: 'done', summary: 'Added it.', document: null, proposals: [] });
  });

  it('hands questions and proposals on', () => {
    expect(judge({ report: report('{"status":"question","question":"Which?"}') })).toEqual({
      kind: 'question',
      questions: [{ text: 'Which?', choices: [], default: null, patience: {} }],
    });
    expect(judge({ report: report('{"status":"proposal","proposal":"So?"}') })).toEqual({
      kind: 'proposal',
      proposal: { kind: 'effect', title: 'So?', body: 'So?', items: [] },
    });
  });

  it('hands on what somebody should do besides', () => {
    const text = '{"status":"done","summary":"x","proposals":[{"title":"Another"},{"title":"A third","body":"More."}]}';
    expect(judge({ report: report(text) })).toMatchObject({
      kind: 'done',
      proposals: [
        { title: 'Another', body: '' },
        { title: 'A third', body: 'More.' },
      ],
    });
  });

  it.each<[string, Partial<AttemptFacts>, FailureKind, RegExp]>([
    ['exit 0 with nothing', { report: { kind: 'missing' } }, 'no-report', /agent mine ended without a report/],
    ['a report that is no JSON', { report: report('ok') }, 'bad-report', /no JSON/],
    ['an unreadable report', { report: { kind: 'unreadable', reason: 'is a folder' } }, 'bad-report', /is a folder/],
    ['a done report with another exit', { exit: exited(3) }, 'agent-failed', /exited with 3/],
    [
      'another exit without a report',
      { exit: exited(3), report: { kind: 'missing' } },
      'agent-failed',
      /exited with 3/,
    ],
    ['a failed report', { report: report('{"status":"failed","reason":"No."}') }, 'agent-failed', /gave up: No\./],
    [
      'a failed report with another exit',
      { exit: exited(1), report: report('{"status":"failed","reason":"No."}') },
      'agent-failed',
      /gave up: No\./,
    ],
    ['no terminal event', { hasTerminalEvent: true }, 'agent-failed', /without its final result/],
  ])('fails %s', (_name, changes, kind, message) => {
    const failure = failureOf(judge(changes));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toMatch(message);
    expect(failure.next).not.toBe('');
  });

  it.each<[AttemptExit, FailureKind]>([
    [{ kind: 'signaled', signal: 'SIGKILL', tail: 't', durationMs: 1 }, 'agent-killed'],
    [{ kind: 'idle-timeout', tail: 't', durationMs: 1 }, 'idle-timeout'],
    [{ kind: 'total-timeout', tail: 't', durationMs: 1 }, 'total-timeout'],
    [{ kind: 'aborted', tail: 't', durationMs: 1 }, 'canceled'],
    [{ kind: 'missing', message: 'no program x', tail: 't', durationMs: 1 }, 'agent-missing'],
    [{ kind: 'no-space', message: 'full', tail: 't', durationMs: 1 }, 'no-space'],
    [
      { kind: 'over-limit', limit: 'too-much-memory', message: 'it took 9 MiB', tail: 't', durationMs: 1 },
      'too-much-memory',
    ],
  ])('names the end %j, whatever the report says', (exit, kind) => {
    expect(failureOf(judge({ exit }))).toMatchObject({ kind, evidence: 't' });
    expect(failureOf(judgeCommand('make', exit)).kind).toBe(kind);
  });

  it('lets what the agent said of itself explain the end', () => {
    const reading: AgentReading = {
      ...SILENT,
      end: { kind: 'failed', failure: { kind: 'agent-limited', message: 'm', next: 'n', resetsAtMs: 9 } },
    };
    const exit: AttemptExit = { kind: 'idle-timeout', tail: 't', durationMs: 1 };
    expect(failureOf(judge({ reading, exit, hasTerminalEvent: true }))).toEqual({
      kind: 'agent-limited',
      message: 'm',
      next: 'n',
      resetsAtMs: 9,
      evidence: 't',
    });
  });

  it.each(['too-many-processes', 'too-much-memory', 'too-much-written'] as const)(
    'does not take what the agent said of its account for why it was ended for %s',
    (limit) => {
      const failure = { kind: 'agent-limited', message: 'm', next: 'n', resetsAtMs: 9 } as const;
      const reading: AgentReading = { ...SILENT, end: { kind: 'failed', failure } };
      const exit: AttemptExit = { kind: 'over-limit', limit, message: 'too much', tail: 't', durationMs: 1 };
      const judged = failureOf(judge({ reading, exit, hasTerminalEvent: true }));
      expect(judged).toMatchObject({ kind: limit, message: expect.stringContaining('too much'), evidence: 't' });
      expect(judged).not.toHaveProperty('resetsAtMs');
    },
  );

  it('bounds the evidence', () => {
    const failure = failureOf(judge({ exit: exited(1, 'x'.repeat(20_000)) }));
    expect(failure.evidence?.length).toBeLessThanOrEqual(8_192);
  });

  it('takes what the process room returns', () => {
    const result: ExitResult = { kind: 'exited', code: 0, tail: '', outputBytes: 0, truncated: false, durationMs: 1 };
    expect(judge({ exit: result }).kind).toBe('done');
  });
});

describe('an agent that cannot write files', () => {
  it('has its final text taken for the document, and its first paragraph for the summary', () => {
    expect(judge(withoutFiles('# Plan\n\nAdd the flag.\n\n1. Parse.'))).toEqual({
      kind: 'done',
      summary: 'Add the flag.',
      document: { name: 'plan.md', text: '# Plan\n\nAdd the flag.\n\n1. Parse.\n' },
      proposals: [],
    });
    expect(judge({ ...withoutFiles('Read it.'), phase: 'understand' })).toMatchObject({
      document: { name: 'understanding.md' },
    });
  });

  it('may ask by a block at the end of its text', () => {
    const text = 'I cannot tell.\n\n```report\n{"status":"question","question":"Which one?"}\n```\n';
    expect(judge(withoutFiles(text))).toMatchObject({ kind: 'question', questions: [{ text: 'Which one?' }] });
  });

  it('may propose by a block at the end of its text', () => {
    const proposal = '{"status":"proposal","proposal":{"kind":"plan","title":"Two steps","body":"One, two"}}';
    expect(judge(withoutFiles(`My plan.\n\n\`\`\`report\n${proposal}\n\`\`\``))).toMatchObject({
      kind: 'proposal',
      proposal: { kind: 'plan', body: 'One, two' },
    });
  });

  it('has a done block taken for the summary alone', () => {
    const text = 'The plan.\n\n```json report\n{"status":"done","summary":"Short."}\n```';
    expect(judge(withoutFiles(text))).toEqual({
      kind: 'done',
      summary: 'Short.',
      document: { name: 'plan.md', text: 'The plan.\n' },
      proposals: [],
    });
  });

  it('is read by the last of its blocks', () => {
    const text =
      'As in\n```report\n{"status":"…"}\n```\nthis is it:\n```report\n{"status":"failed","reason":"No."}\n```';
    expect(failureOf(judge(withoutFiles(text))).message).toContain('No.');
  });

  it('is read in no time however many blocks it begins', async () => {
    const text = '\n```report\n'.repeat(90_000);
    const work = await workOf(() => expect(judge(withoutFiles(text))).toMatchObject({ kind: 'done' }));
    expect(work).toBeLessThan(5_000);
  });

  it('is told when that block cannot be read', () => {
    expect(failureOf(judge(withoutFiles('x\n```report\n{"status":"maybe"}\n```'))).kind).toBe('bad-report');
  });

  it('still fails without any text, and where files can be written', () => {
    expect(failureOf(judge(withoutFiles('  '))).kind).toBe('no-report');
    expect(failureOf(judge({ ...withoutFiles('All done.'), phase: 'execute' })).kind).toBe('no-report');
  });

  it('is believed by its report first', () => {
    expect(judge({ ...withoutFiles('text'), report: DONE })).toMatchObject({ summary: 'Added it.', document: null });
  });
});

describe('judging a shell command', () => {
  it('needs no report', () => {
    expect(judgeCommand('npm run fix\nmore', exited(0))).toEqual({
      kind: 'done',
      summary: 'Ran: npm run fix',
      document: null,
      proposals: [],
    });
  });

  it('names the exit code and shows the end of the output', () => {
    expect(failureOf(judgeCommand('npm run fix', exited(127, 'not found')))).toMatchObject({
      kind: 'command-failed',
      message: 'npm run fix exited with 127',
      evidence: 'not found',
    });
  });
});
