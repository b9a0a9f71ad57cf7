/** What the tests of notices send. */

import type { NoticeMessage } from '../../src/core/notice-types.ts';
import { createNotifyRoom } from '../../src/notify/room.ts';

export const MESSAGE: NoticeMessage = {
  id: 'notice/7fk2000000/3',
  event: 'asks',
  project: 'demo',
  task: '7fk2000000',
  title: 'Question: أيّ <قاعدة>؟ (demo)',
  text: 'Which one? <!channel> & *so on*',
  commands: ['tasks answer 7fk2000000@1 "…"'],
  url: 'http://ui.test/namespaces/default/workflows/task%2F7fk2000000',
  at: '2026-01-02T03:04:05.000Z',
};

/** Of this long, a test waits at most once. */
export const SHORT_MS = 250;

export const room = (timeoutMs = 10_000, environment: Readonly<Record<string, string>> = {}) =>
  createNotifyRoom({ timeoutMs, environment: { PATH: process.env['PATH'] ?? '', ...environment } });
