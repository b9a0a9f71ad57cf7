/** An origin that could not write what was pushed: no fault of what was pushed, nor of who pushed. */

import type { PushResult } from './origin.ts';

/** Git does not always say why: a lock file that takes no content is told without. */
const UNWRITTEN =
  /no space left on device|disk quota exceeded|couldn't write|unable to (?:write|create) (?:file|(?:loose object|sha1|temporary(?: object)?) (?:file|directory))|failed to write/i;
/** Refused for good, until somebody changes something there; or an object is. */
const REFUSED = /permission|fsck/i;

/** What it said, when it could not write, as on a full disk; null of any other answer. */
export function whyUnwritten({ refs, words }: PushResult): string | null {
  const reasons = [...refs.values()].map((ref) => (ref.kind === 'refused' ? ref.reason : ''));
  const said = [words, ...reasons].filter((text) => text !== '');
  if (said.some((text) => REFUSED.test(text)) || !said.some((text) => UNWRITTEN.test(text))) return null;
  return [...new Set(said)].join('; ');
}
