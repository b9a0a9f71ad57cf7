import { expect, it } from '@jest/globals';
import type { NoticeTarget } from '../../src/core/notice-types.ts';
import { redact } from '../../src/notify/redact.ts';

it('of a secret that begins with another one nothing is left', () => {
  const target: NoticeTarget = { kind: 'slack', url: 'https://alphabeta:alphabeta-and-more@chat.example.org/' };
  expect(redact('no entry for alphabeta with alphabeta-and-more', target)).toBe('no entry for […] with […]');
});
