/** One HTTP request that hands a notice over, and what its answer means. */

import { isRecord, oneLine } from '../core/text.ts';
import { codeOf, messageOf } from '../core/thrown.ts';
import { basicOf } from './redact.ts';
import { failed, notInTime, type Surroundings, type Told } from './types.ts';

export interface Post {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

const MAX_ANSWER_BYTES = 2_048;
const MAX_AFTER_MS = 60 * 60 * 1_000;
/** Refusals that pass by themselves: too slow, too early, too many. */
const PASSING = [408, 425, 429];

export async function post({ url, headers, body }: Post, { signal, timeoutMs }: Surroundings): Promise<Told> {
  const place = new URL(url);
  const authorization = place.username === '' ? {} : { authorization: `Basic ${basicOf(place)}` };
  place.username = '';
  place.password = '';
  try {
    const response = await fetch(place, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'tributary', ...authorization, ...headers },
      body,
      // A redirected POST becomes a GET: nobody would be told.
      redirect: 'manual',
      signal,
    });
    return await meaningOf(response);
  } catch (error) {
    return signal.aborted ? notInTime(timeoutMs) : failed(`cannot be reached: ${reasonOf(error)}`, true);
  }
}

async function meaningOf(response: Response): Promise<Told> {
  const { status } = response;
  if (status >= 200 && status < 300) {
    // It was taken, whatever becomes of the rest of the answer: to wait for that would have it told again.
    response.body?.cancel().catch(() => undefined);
    return { kind: 'told', said: `HTTP ${status}` };
  }
  const said = await beginningOf(response);
  const message = `answered HTTP ${status}${said === '' ? '' : `: ${said}`}`;
  if (status >= 300 && status < 400) return failed(`${message}; give the address that it redirects to`, false);
  const again = status >= 500 || PASSING.includes(status);
  return failed(message, again, afterMsOf(response.headers.get('retry-after')));
}

/** The first line of an answer; the rest is left, however long it is. */
async function beginningOf(response: Response): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  for (let bytes = 0; bytes < MAX_ANSWER_BYTES;) {
    const { value, done } = await reader.read();
    if (done || !(value instanceof Uint8Array)) break;
    chunks.push(value);
    bytes += value.length;
  }
  await reader.cancel();
  return oneLine(Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8'), 300);
}

function afterMsOf(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header) ? Math.min(Number(header) * 1_000, MAX_AFTER_MS) : null;
}

/** What fetch throws says "fetch failed"; why is in its cause. */
function reasonOf(error: unknown): string {
  const cause = isRecord(error) || error instanceof Error ? error.cause : undefined;
  return codeOf(cause) ?? oneLine(messageOf(error), 300);
}
