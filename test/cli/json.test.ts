import { expect, it } from '@jest/globals';

import { jsonLine } from '../../src/cli/render/json.ts';

it('JSON has the same value in it, and nothing that a terminal would follow', () => {
  const value = { 'a\u009b2J': ['\u001b[2J', '\u0085', 'x\u202ey\u2028z', 'é\u{1f600}'], of: null };
  const line = jsonLine(value);
  expect(JSON.parse(line)).toEqual(value);
  expect(line).toContain('é\u{1f600}');
  expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2028\u2029]/u);
});
