/** A Slack-compatible incoming webhook: Slack itself, Mattermost, Rocket.Chat, Discord's address that ends in /slack. */

import type { NoticeMessage, NoticeTarget } from '../core/notice-types.ts';
import { post } from './http.ts';
import type { Surroundings, Told } from './types.ts';

export function tellSlack(
  target: Extract<NoticeTarget, { kind: 'slack' }>,
  { title, text, commands, url }: NoticeMessage,
  surroundings: Surroundings,
): Promise<Told> {
  const lines = [
    `*${escape(title).replaceAll('*', '∗')}*`,
    escape(text),
    ...commands.map((command) => `\`${escape(command)}\``),
    ...(url === null ? [] : [`<${escape(url)}|Temporal Web UI>`]),
  ];
  return post({ url: target.url, body: JSON.stringify({ text: lines.join('\n') }) }, surroundings);
}

/** An agent's text must not mention a whole channel, nor look like a link to something else. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
