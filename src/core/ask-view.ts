/** An ask as the ledger and people see it, and in what words people hear what became of it. */

import type { Ask, AskView, Settled } from './ask-types.ts';
import { expiresAtMs } from './patience.ts';
import { oneLine } from './text.ts';

/** An ask as it stands; of a proposal its title is the text. */
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

const HOW: Readonly<Record<Settled['how'], string>> = {
  answered: 'was answered',
  expired: 'was over in time, settled',
  replaced: 'was asked anew',
  approved: 'was approved',
  edited: 'was approved with edits',
  'changes-requested': 'got changes requested',
  rejected: 'was rejected',
};

/** What a reply that comes too late is told: how the ask was settled, by whom, and when (ISO 8601). */
export function settledText(version: number, how: Settled['how'], actor: string, at: string): string {
  return `${version} ${HOW[how]} by ${oneLine(actor, 60)} at ${at}`;
}
