/**
 * Any program that takes JSON over HTTP. With a secret the request is signed: the receiver computes
 * HMAC-SHA256(secret, timestamp + "." + body) and compares; the timestamp lets it refuse a request that is played again.
 */

import { createHmac } from 'node:crypto';
import type { NoticeMessage, NoticeTarget } from '../core/notice-types.ts';
import { post } from './http.ts';
import type { Surroundings, Told } from './types.ts';

export function tellWebhook(
  target: Extract<NoticeTarget, { kind: 'webhook' }>,
  { id, event, project, task, title, text, commands, url, at }: NoticeMessage,
  surroundings: Surroundings,
): Promise<Told> {
  const body = JSON.stringify({ id, event, project, task, title, text, commands, url, at });
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const headers = { 'x-tributary-event': event, 'x-tributary-delivery': id, 'x-tributary-timestamp': timestamp };
  const signed =
    target.secret === null ? {} : { 'x-tributary-signature': `sha256=${sign(target.secret, timestamp, body)}` };
  return post({ url: target.url, headers: { ...headers, ...signed }, body }, surroundings);
}

function sign(secret: string, timestamp: string, body: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
}
