/** ntfy (https://ntfy.sh or a server of one's own): published as JSON, which takes any letters in a title. */

import { plainText } from '../core/notice-text.ts';
import type { NoticeMessage, NoticeTarget } from '../core/notice-types.ts';
import { post } from './http.ts';
import { failed, type Surroundings, type Told } from './types.ts';

/** A longer message becomes an attachment, which nobody reads on a phone. */
const MAX_BYTES = 3_900;
const URGENT = 4;
const USUAL = 3;

export async function tellNtfy(
  target: Extract<NoticeTarget, { kind: 'ntfy' }>,
  message: NoticeMessage,
  surroundings: Surroundings,
): Promise<Told> {
  const url = new URL(target.url);
  const topic = decodeURIComponent(url.pathname.split('/').findLast((part) => part !== '') ?? '');
  if (topic === '') return failed('its address has no topic; write it as https://ntfy.sh/TOPIC', false);
  url.pathname = url.pathname.replace(/[^/]*\/*$/, '');
  return post(
    {
      url: url.href,
      ...(target.token === null ? {} : { headers: { authorization: `Bearer ${target.token}` } }),
      body: JSON.stringify({
        topic,
        title: message.title,
        message: headOfBytes(plainText({ ...message, url: null }), MAX_BYTES),
        priority: message.event === 'landed' || message.event === 'test' ? USUAL : URGENT,
        tags: [message.event],
        ...(message.url === null ? {} : { click: message.url }),
      }),
    },
    surroundings,
  );
}

/** The first part of a text, at most so many bytes. */
function headOfBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  // The end of what is left may be half a character.
  return `${bytes
    .subarray(0, maxBytes - 3)
    .toString('utf8')
    .replace(/\ufffd$/, '')}…`;
}
