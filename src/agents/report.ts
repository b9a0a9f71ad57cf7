/** report.json: what an agent leaves to say how its attempt went. Its JSON Schema is made from the one here. */

import { z } from 'zod';

import { quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { parseDuration } from '../core/duration.ts';
import type { ProposedTask, Question } from '../core/ask-types.ts';
import { messageOf } from '../core/thrown.ts';
import { byteLength, isRecord, MAX_TITLE_CHARS, oneLine, printable } from '../core/text.ts';
import type { AgentReport } from './types.ts';

export const MAX_REPORT_BYTES = 64 * 1024;

const MAX_SUMMARY_CHARS = 8_000;
const MAX_TEXT_CHARS = 32_000;
const MAX_CHOICES = 20;
const MAX_ITEMS = 20;
const MAX_WHY_CHARS = 200;
const EMPTY = 'is empty; write something';
const STATUSES = ['done', 'question', 'proposal', 'failed'] as const;

const written = (maxChars: number, description: string): z.ZodString =>
  z
    .string()
    .regex(/\S/, EMPTY)
    // Of what cannot be printed nothing is left.
    .refine((text) => clean(text) !== '', EMPTY)
    .max(maxChars)
    .describe(description);

const span = (description: string) =>
  z
    .string()
    .superRefine((text, context) => {
      const parsed = parseDuration(text);
      if (parsed.kind === 'invalid') context.addIssue({ code: 'custom', message: parsed.message });
    })
    .describe(description)
    .optional();

const ASKING = {
  question: written(MAX_TEXT_CHARS, 'What a person has to answer before the phase can go on.'),
  choices: z
    .array(written(MAX_TITLE_CHARS, 'A possible answer.'))
    .max(MAX_CHOICES)
    .describe('Possible answers; another text is taken too.')
    .optional(),
  default: written(MAX_TEXT_CHARS, 'The answer that stands when nobody gives one in time.').optional(),
  deadline: span('How long an answer is waited for, such as 2d; then the default is taken, or the task gives up.'),
  remind: span('A reminder after this long, and again, such as 4h.'),
};

const PROPOSED_TASK = z.object({
  title: written(MAX_TITLE_CHARS, 'One line.'),
  body: z.string().max(MAX_TEXT_CHARS).describe('More about it.').optional(),
});
const PROPOSED_TASKS = z.array(PROPOSED_TASK).max(MAX_ITEMS);

const REPORT = z
  .discriminatedUnion('status', [
    z.object({
      status: z.literal('done'),
      summary: written(MAX_SUMMARY_CHARS, 'What was done, for people and for the message of the commit.'),
      proposals: PROPOSED_TASKS.describe(
        'Further tasks that somebody should look at; none of them holds this one up.',
      ).optional(),
    }),
    z.object({
      status: z.literal('question'),
      ...ASKING,
      question: ASKING.question.optional(),
      questions: z
        .array(z.object(ASKING))
        .min(1)
        .max(MAX_ITEMS)
        .describe('Several questions at once, instead of question.')
        .optional(),
    }),
    z.object({
      status: z.literal('proposal'),
      proposal: z.union([
        written(MAX_TEXT_CHARS, 'What a person has to approve.'),
        z.object({
          kind: z
            .enum(['plan', 'patch', 'effect', 'message', 'tasks'])
            .describe(
              'What is to be approved: the plan, the change as it stands, something done outside, a message, or further tasks.',
            ),
          title: written(MAX_TITLE_CHARS, 'One line.'),
          body: written(MAX_TEXT_CHARS, 'The proposal itself: of an effect, what will be done to what.'),
          items: PROPOSED_TASKS.describe('Of tasks: the tasks, each decided by itself.').optional(),
        }),
      ]),
    }),
    z.object({
      status: z.literal('failed'),
      reason: written(MAX_TEXT_CHARS, 'Why the phase could not be done.'),
    }),
  ])
  .superRefine((report, context) => {
    const wrong = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (report.status === 'question' && (report.question === undefined) === (report.questions === undefined)) {
      wrong(
        'question',
        report.question === undefined ? 'is missing; give a text' : 'and questions are both there; give one of them',
      );
    }
    if (report.status !== 'proposal' || typeof report.proposal === 'string') return;
    const { kind, items } = report.proposal;
    const given = (items ?? []).length > 0;
    if (kind === 'tasks' && !given) wrong('proposal.items', 'is missing; give the tasks: [{"title": "…"}]');
    if (kind !== 'tasks' && given) wrong('proposal.items', 'is for the kind tasks alone; leave it out');
  })
  .meta({
    title: 'Report of an agent',
    description: 'Left by an agent as report.json in the task folder. Unknown keys are ignored.',
  });

type Asked = z.infer<z.ZodObject<typeof ASKING>>;

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
  } catch (error) {
    // What begins like an object is wrong further on: its beginning would tell nothing.
    const why = /^\s*\{/.test(text) ? ` (${oneLine(messageOf(error).replace(/\s+/g, ' '), MAX_WHY_CHARS)})` : '';
    return fail(`report.json: is no JSON${why}, it begins ${quote(text.trim().slice(0, 40))}; write one JSON object`);
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
      return { status: 'done', summary: clean(report.summary), proposals: (report.proposals ?? []).map(proposedTask) };
    case 'question': {
      const { question, questions, ...more } = report;
      const asked = questions ?? (question === undefined ? [] : [{ ...more, question }]);
      return { status: 'question', questions: asked.map(questionOf) };
    }
    case 'failed':
      return { status: 'failed', reason: clean(report.reason) };
    case 'proposal': {
      const { proposal } = report;
      // A bare text: whatever it is, it is done after somebody has said yes.
      if (typeof proposal === 'string') {
        const body = clean(proposal);
        return { status: 'proposal', proposal: { kind: 'effect', title: oneLine(body), body, items: [] } };
      }
      const { kind, title, body, items } = proposal;
      return {
        status: 'proposal',
        proposal: { kind, title: oneLine(title), body: clean(body), items: (items ?? []).map(proposedTask) },
      };
    }
  }
}

function questionOf(asked: Asked): Question {
  const remindMs = spanMs(asked.remind);
  const afterMs = spanMs(asked.deadline);
  const standard = asked.default === undefined ? null : clean(asked.default);
  const outcome = standard === null ? 'give-up' : 'default';
  return {
    text: clean(asked.question),
    choices: (asked.choices ?? []).map((choice) => oneLine(choice)),
    default: standard,
    patience: {
      ...(remindMs === null ? {} : { remindMs }),
      ...(afterMs === null ? {} : { expire: { afterMs, outcome } }),
    },
  };
}

function spanMs(text: string | undefined): number | null {
  const parsed = text === undefined ? null : parseDuration(text);
  return parsed?.kind === 'ok' ? parsed.value : null;
}

function proposedTask({ title, body }: z.infer<typeof PROPOSED_TASK>): ProposedTask {
  return { title: oneLine(title), body: clean(body ?? '') };
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
  const [issue] = error.issues;
  if (issue === undefined) return 'is wrong';
  const found = deepest(issue, data);
  return `${found.path || 'report'}: ${explain(found.issue, found.value)}`;
}

interface Trouble {
  readonly issue: z.core.$ZodIssue;
  readonly path: string;
  readonly value: unknown;
}

/** Where the mistake is. Of the forms that a value may have, the one counts that it was meant to have. */
function deepest(issue: z.core.$ZodIssue, from: unknown, before = ''): Trouble {
  let path = before;
  let value = from;
  for (const key of issue.path) {
    path += typeof key === 'number' ? `[${key}]` : `${path === '' ? '' : '.'}${String(key)}`;
    value = isRecord(value) || Array.isArray(value) ? Reflect.get(value, key) : undefined;
  }
  if (issue.code !== 'invalid_union' || !isRecord(value)) return { issue, path, value };
  const inner = issue.errors.flat().find((one) => one.path.length > 0);
  return inner === undefined ? { issue, path, value } : deepest(inner, value, path);
}

/** The mistake, and what to write instead. */
function explain(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'custom' || issue.code === 'invalid_format') return issue.message;
  const must = wanted(issue);
  if (value === undefined) return `is missing; give ${must}`;
  if (issue.code === 'too_big') {
    const unit = issue.origin === 'array' ? 'entries; leave some out' : 'characters; shorten it';
    return `has more than ${String(issue.maximum)} ${unit}`;
  }
  if (issue.code === 'too_small') return `is empty; give ${must}`;
  return typeof value === 'string' ? `is ${quote(value)}; use ${must}` : `must be ${must}`;
}

function wanted(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_union') return 'a text, or {kind, title, body}';
  if (issue.code === 'too_small') return 'at least one';
  return (issue.code === 'invalid_type' && WANTED[issue.expected]) || 'a text';
}

const WANTED: Readonly<Partial<Record<string, string>>> = { string: 'a text', array: 'a list', object: 'a map' };
