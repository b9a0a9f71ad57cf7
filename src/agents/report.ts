/** report.json: what an agent leaves to say how its attempt went. Its JSON Schema is made from the one here. */

import { z } from 'zod';

import { quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { byteLength, MAX_TITLE_CHARS, printable } from '../core/text.ts';
import type { AgentReport } from './types.ts';

export const MAX_REPORT_BYTES = 64 * 1024;

const MAX_SUMMARY_CHARS = 8_000;
const MAX_TEXT_CHARS = 32_000;
const STATUSES = ['done', 'question', 'proposal', 'failed'] as const;

const written = (maxChars: number, description: string): z.ZodString =>
  z.string().regex(/\S/, 'is empty; write something').max(maxChars).describe(description);

const REPORT = z
  .discriminatedUnion('status', [
    z.object({
      status: z.literal('done'),
      summary: written(MAX_SUMMARY_CHARS, 'What was done, for people and for the message of the commit.'),
    }),
    z.object({
      status: z.literal('question'),
      question: written(MAX_TEXT_CHARS, 'What a person has to answer before the phase can go on.'),
    }),
    z.object({
      status: z.literal('proposal'),
      proposal: z.union([
        written(MAX_TEXT_CHARS, 'What a person has to approve.'),
        z.object({
          kind: written(MAX_TITLE_CHARS, 'Such as plan or dependency.'),
          title: written(MAX_TITLE_CHARS, 'One line.'),
          body: written(MAX_TEXT_CHARS, 'The proposal itself.'),
        }),
      ]),
    }),
    z.object({
      status: z.literal('failed'),
      reason: written(MAX_TEXT_CHARS, 'Why the phase could not be done.'),
    }),
  ])
  .meta({
    title: 'Report of an agent',
    description: 'Left by an agent as report.json in the task folder. Unknown keys are ignored.',
  });

/** Reads the text of a report.json; the error is one line. */
export function parseReport(text: string): Parsed<AgentReport> {
  const bytes = byteLength(text);
  if (bytes > MAX_REPORT_BYTES) {
    return fail(`report.json: is ${bytes} bytes, the limit is ${MAX_REPORT_BYTES}; put long material into outputs/`);
  }
  if (text.trim() === '') return fail('report.json: is empty; write at least {"status":"done","summary":"…"}');
  let data: unknown;
  try {
    data = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return fail(`report.json: is no JSON, it begins ${quote(text.trim().slice(0, 40))}; write one JSON object`);
  }
  const parsed = REPORT.safeParse(data);
  return parsed.success ? ok(plain(parsed.data)) : fail(`report.json: ${firstTrouble(parsed.error, data)}`);
}

/** The JSON Schema that editors and agents' authors get. */
export function reportJsonSchema(): unknown {
  return z.toJSONSchema(REPORT, { io: 'input', target: 'draft-2020-12' });
}

function plain(report: z.infer<typeof REPORT>): AgentReport {
  switch (report.status) {
    case 'done':
      return { status: 'done', summary: clean(report.summary) };
    case 'question':
      return { status: 'question', question: clean(report.question) };
    case 'failed':
      return { status: 'failed', reason: clean(report.reason) };
    case 'proposal': {
      const { proposal } = report;
      if (typeof proposal === 'string') return { status: 'proposal', proposal: clean(proposal) };
      return { status: 'proposal', proposal: clean(`${proposal.title} (${proposal.kind})\n\n${proposal.body}`) };
    }
  }
}

function clean(text: string): string {
  return printable(text).trim();
}

function firstTrouble(error: z.ZodError, data: unknown): string {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return 'is no JSON object; write at least {"status":"done","summary":"…"}';
  }
  const status = 'status' in data ? data.status : undefined;
  if (!STATUSES.some((known) => known === status)) {
    const found = typeof status === 'string' ? `is ${quote(status)}` : 'is missing';
    return `status: ${found}; use one of ${STATUSES.join(', ')}`;
  }
  const issue = error.issues[0];
  const path = issue?.path.map(String).join('.') ?? '';
  return `${path === '' ? 'report' : path}: ${explain(issue, path, data)}`;
}

function explain(issue: z.core.$ZodIssue | undefined, path: string, data: object): string {
  if (path in data) {
    if (issue?.code === 'too_big') return `has more than ${String(issue.maximum)} characters; shorten it`;
    if (issue?.code === 'invalid_union') return 'must be a text, or {kind, title, body} with texts that are not empty';
    if (issue?.code === 'invalid_type') return 'must be a text';
    return issue?.message ?? 'is wrong';
  }
  return path.includes('.') ? (issue?.message ?? 'is wrong') : 'is missing; give a text';
}
