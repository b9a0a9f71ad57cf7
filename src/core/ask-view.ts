/** An ask as the ledger and people see it. */

import type { Ask, AskView } from './ask-types.ts';
import { expiresAtMs } from './patience.ts';

export function askView(ask: Ask): AskView {
  const expires = expiresAtMs(ask);
  const common = {
    version: ask.version,
    for: ask.for,
    since: new Date(ask.askedAtMs).toISOString(),
    expiresAt: expires === null ? null : new Date(expires).toISOString(),
  };
  if (ask.kind === 'question') {
    const { text, choices } = ask.question;
    return { ...common, kind: 'question', text, body: '', choices, default: ask.question.default, items: [] };
  }
  const { kind, title, body, items } = ask.proposal;
  return { ...common, kind, text: title, body, choices: [], default: null, items };
}
