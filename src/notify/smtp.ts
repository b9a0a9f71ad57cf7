/** E-mail. The package is loaded when the first one is sent. */

import { plainText } from '../core/notice-text.ts';
import type { NoticeMessage, NoticeTarget } from '../core/notice-types.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { failed, notInTime, type Surroundings, type Told } from './types.ts';

/** A server's permanent refusal, but for those of the log-in, which somebody may mend meanwhile. */
const PERMANENT = /^55\d$/;

export async function tellSmtp(
  target: Extract<NoticeTarget, { kind: 'smtp' }>,
  message: NoticeMessage,
  { signal, timeoutMs }: Surroundings,
): Promise<Told> {
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    url: target.url,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const sent = transport
    .sendMail({
      from: target.from,
      to: [...target.to],
      subject: message.title,
      text: plainText(message),
      // The same for each try: mail programs show it once.
      messageId: `<${message.id.replaceAll('/', '.')}@${domainOf(target.from)}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    .then(
      ({ rejected, response }): Told =>
        rejected.length === 0
          ? { kind: 'told', said: oneLine(response, 200) }
          : failed(`refused ${rejected.length} of ${target.to.length} addresses: ${oneLine(response, 200)}`, false),
      (error: unknown) => failed(oneLine(messageOf(error), 300), !isPermanent(error)),
    );
  try {
    return await Promise.race([sent, over(signal).then(() => notInTime(timeoutMs))]);
  } finally {
    transport.close();
  }
}

function over(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function isPermanent(error: unknown): boolean {
  const code = error instanceof Error && 'responseCode' in error ? error.responseCode : null;
  return typeof code === 'number' && PERMANENT.test(String(code));
}

function domainOf(from: string): string {
  return /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1] ?? 'tributary.invalid';
}
