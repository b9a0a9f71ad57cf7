import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { MAX_REPORT_BYTES, parseReport, reportJsonSchema } from '../../src/agents/report.ts';

describe('a report', () => {
  it.each([
    ['{"status":"done","summary":" Added it. "}', { status: 'done', summary: 'Added it.' }],
    ['\ufeff{"status":"question","question":"Which?","more":1}', { status: 'question', question: 'Which?' }],
    ['{"status":"proposal","proposal":"Do it"}', { status: 'proposal', proposal: 'Do it' }],
    [
      '{"status":"proposal","proposal":{"kind":"plan","title":"Two steps","body":"One, two"}}',
      { status: 'proposal', proposal: 'Two steps (plan)\n\nOne, two' },
    ],
    ['{"status":"failed","reason":"No network\\u0007"}', { status: 'failed', reason: 'No network' }],
  ])('is read from %s', (text, report) => {
    expect(parseReport(text)).toEqual({ kind: 'ok', value: report });
  });

  it.each([
    ['', /^report\.json: is empty; write at least/],
    ['done!', /^report\.json: is no JSON, it begins "done!"; write one JSON object$/],
    ['[1]', /is no JSON object/],
    ['null', /is no JSON object/],
    ['{}', /status: is missing; use one of done, question, proposal, failed$/],
    ['{"status":"ok","summary":"x"}', /status: is "ok"; use one of/],
    ['{"status":"done"}', /summary: is missing; give a text$/],
    ['{"status":"done","summary":7}', /summary: must be a text$/],
    ['{"status":"done","summary":"  "}', /summary: is empty; write something$/],
    ['{"status":"question","summary":"x"}', /question: is missing/],
    ['{"status":"proposal","proposal":{"kind":"x"}}', /proposal: must be a text, or \{kind, title, body\}/],
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
