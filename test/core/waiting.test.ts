import { describe, expect, it } from '@jest/globals';
import { nameOfWait } from '../../src/core/waiting.ts';

const held = {
  kind: 'gate',
  text: 'its gate run cannot be done: no disk',
  since: '2026-05-01T10:00:00Z',
  version: null,
} as const;
const asked = { kind: 'question', text: 'A or B?', since: '2026-05-01T10:00:00Z', version: 3 } as const;

describe('the name of a wait', () => {
  it('is the same when one for the same reason begins anew', () => {
    expect(nameOfWait({ ...held, since: '2026-05-01T10:05:00Z' })).toBe(nameOfWait(held));
  });

  it('is another one for another reason, though it is told in the same words', () => {
    expect(nameOfWait({ ...held, text: 'main is red' })).not.toBe(nameOfWait(held));
    expect(nameOfWait({ ...held, kind: 'checkout' })).not.toBe(nameOfWait(held));
  });

  it('is another one for each question, also when it is asked in the same words', () => {
    expect(nameOfWait({ ...asked, version: 4 })).not.toBe(nameOfWait(asked));
    expect(nameOfWait({ ...asked, since: '2026-05-01T10:05:00Z' })).not.toBe(nameOfWait(asked));
  });
});
