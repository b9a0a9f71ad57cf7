import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Question } from '../../src/core/ask-types.ts';
import { MAX_REPORT_BYTES, parseReport, reportJsonSchema } from '../../src/agents/report.ts';

function asked(question: Partial<Question>): Question {
  return { text: '', choices: [], default: null, patience: {}, ...question };
}

function patience(more: string): unknown {
  const parsed = parseReport(`{"status":"question","question":"Which?","remind":"4h","deadline":"2d"${more}}`);
  return parsed.kind === 'ok' && parsed.value.status === 'question' && parsed.value.questions[0]?.patience;
}

describe('a report', () => {
  it.each([
    ['{"status":"done","summary":" Added it. "}', { status: 'done', summary: 'Added it.', proposals: [] }],
    [
      '{"status":"done","summary":"x","proposals":[{"title":"Next","more":1}]}',
      { status: 'done', summary: 'x', proposals: [{ title: 'Next', body: '' }] },
    ],
    [
      '\ufeff{"status":"question","question":"Which?","more":1}',
      { status: 'question', questions: [asked({ text: 'Which?' })] },
    ],
    [
      '{"status":"question","question":"Which?","choices":["a","b"],"default":"a"}',
      { status: 'question', questions: [asked({ text: 'Which?', choices: ['a', 'b'], default: 'a' })] },
    ],
    [
      '{"status":"question","questions":[{"question":"One?"},{"question":"Two?","default":"no"}]}',
      { status: 'question', questions: [asked({ text: 'One?' }), asked({ text: 'Two?', default: 'no' })] },
    ],
    [
      '{"status":"proposal","proposal":"Do it\\nnow"}',
      { status: 'proposal', proposal: { kind: 'effect', title: 'Do it', body: 'Do it\nnow', items: [] } },
    ],
    [
      '{"status":"proposal","proposal":{"kind":"plan","title":"Two steps","body":"One, two"}}',
      { status: 'proposal', proposal: { kind: 'plan', title: 'Two steps', body: 'One, two', items: [] } },
    ],
    [
      '{"status":"proposal","proposal":{"kind":"tasks","title":"Two","body":"b","items":[{"title":"A"},{"title":"B","body":"c"}]}}',
      {
        status: 'proposal',
        proposal: {
          kind: 'tasks',
          title: 'Two',
          body: 'b',
          items: [
            { title: 'A', body: '' },
            { title: 'B', body: 'c' },
          ],
        },
      },
    ],
    ['{"status":"failed","reason":"No network\\u0007"}', { status: 'failed', reason: 'No network' }],
  ])('is read from %s', (text, report) => {
    expect(parseReport(text)).toEqual({ kind: 'ok', value: report });
  });

  it('has its deadline followed by the default, and without one by giving up', () => {
    const remindMs = 4 * 3_600_000;
    const afterMs = 2 * 86_400_000;
    expect(patience(',"default":"a"')).toEqual({ remindMs, expire: { afterMs, outcome: 'default' } });
    expect(patience('')).toEqual({ remindMs, expire: { afterMs, outcome: 'give-up' } });
  });

  it.each([
    ['', /^report\.json: is empty; write at least/],
    ['done!', /^report\.json: is no JSON, it begins "done!"; write one JSON object$/],
    [
      '{"status":"done","summary":"a\nb"}',
      /^report\.json: is no JSON \(Bad control character .*position 29.*\), it begins "\{.*; write one JSON object$/,
    ],
    ['{"status":"done"', /^report\.json: is no JSON \(.+\), it begins "\{.*; write one JSON object$/],
    ['[1]', /is no JSON object/],
    ['null', /is no JSON object/],
    ['{}', /status: is missing; use one of done, question, proposal, failed$/],
    ['{"status":"ok","summary":"x"}', /status: is "ok"; use one of/],
    ['{"status":"done"}', /summary: is missing; give a text$/],
    ['{"status":"done","summary":7}', /summary: must be a text$/],
    ['{"status":"done","summary":"  "}', /summary: is empty; write something$/],
    ['{"status":"done","summary":"\\u0007\\u001b"}', /summary: is empty; write something$/],
    ['{"status":"done","summary":"x","proposals":"y"}', /proposals: is "y"; use a list$/],
    ['{"status":"done","summary":"x","proposals":[{"body":"y"}]}', /proposals\[0\]\.title: is missing; give a text$/],
    ['{"status":"question","summary":"x"}', /question: is missing/],
    ['{"status":"question","question":"a","questions":[{"question":"b"}]}', /question: and questions are both there/],
    ['{"status":"question","questions":[]}', /questions: is empty; give at least one$/],
    ['{"status":"question","questions":[{"question":"b"},{}]}', /questions\[1\]\.question: is missing; give a text$/],
    ['{"status":"question","question":"a","choices":"b"}', /choices: is "b"; use a list$/],
    ['{"status":"question","question":"a","choices":["b",1]}', /choices\[1\]: must be a text$/],
    [
      `{"status":"question","question":"a","choices":[${Array(21).fill('"b"').join()}]}`,
      /choices: has more than 20 entr/,
    ],
    ['{"status":"question","question":"a","deadline":"soon"}', /deadline: "soon" is no duration; write one such as/],
    ['{"status":"question","question":"a","remind":4}', /remind: must be a text$/],
    ['{"status":"proposal"}', /proposal: is missing; give a text, or \{kind, title, body\}$/],
    ['{"status":"proposal","proposal":7}', /proposal: must be a text, or \{kind, title, body\}$/],
    ['{"status":"proposal","proposal":{"kind":"x"}}', /proposal\.kind: is "x"; use one of plan, patch, effect, /],
    ['{"status":"proposal","proposal":{"kind":"plan","title":"x"}}', /proposal\.body: is missing; give a text$/],
    ['{"status":"proposal","proposal":{"kind":"plan","title":"","body":"x"}}', /proposal\.title: is empty; write/],
    ['{"status":"proposal","proposal":{"kind":"tasks","title":"x","body":"x"}}', /proposal\.items: is missing; give/],
    [
      '{"status":"proposal","proposal":{"kind":"plan","title":"x","body":"x","items":[{"title":"a"}]}}',
      /proposal\.items: is for the kind tasks alone; leave it out$/,
    ],
    [
      '{"status":"proposal","proposal":{"kind":"tasks","title":"x","body":"x","items":[{"title":""}]}}',
      /proposal\.items\[0\]\.title: is empty; write something$/,
    ],
    [`{"status":"done","summary":"${'x'.repeat(8_001)}"}`, /summary: has more than 8000 characters; shorten it$/],
    [`{"status":"done","summary":"x","pad":"${'x'.repeat(MAX_REPORT_BYTES)}"}`, /the limit is 65536/],
  ])('is refused in one line: %.60s', (text, message) => {
    const parsed = parseReport(text);
    expect(parsed.kind === 'invalid' && parsed.message).toMatch(message);
    expect(parsed.kind === 'invalid' && parsed.message).not.toContain('\n');
  });

  it('has its published schema from the code', () => {
    const file = resolve(import.meta.dirname, '../../schema/report.schema.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(reportJsonSchema());
  });
});
