/** The URL of an origin, and who is named in it. */

import { oneLine } from './text.ts';

/** What stands before the host, up to the last @: a password may have one in it. */
const USER = /^([\w+.-]+:\/\/)([^/]*)@/;
/** Tokens that stand where a user's name would. */
const TOKEN = /^(?:gh[pousr]_|github_pat_|glpat-)/;

/** An origin fit for a message: without whoever is named in it, in one line. */
export function shownOrigin(origin: string, maxChars = 300): string {
  return oneLine(withoutUser(origin), maxChars);
}

/** The place alone: whoever asks, it is the same. */
export function withoutUser(origin: string): string {
  return origin.replace(USER, '$1');
}

/** With the user's name, and without a password or a token; the same text when it has none. */
export function withoutPassword(origin: string): string {
  return origin.replace(USER, (_all, scheme: string, who: string) => {
    const [user = ''] = who.split(':');
    return user === '' || TOKEN.test(user) ? scheme : `${scheme}${user}@`;
  });
}

/** Null: it has no password in it. Else what to do, as one line. */
export function passwordFix(origin: string, remote: string): string | null {
  const without = withoutPassword(origin);
  if (without === origin) return null;
  return `git remote set-url ${remote} ${oneLine(without, 300)}, and let a credential helper have it, here and where workers run (git help credentials)`;
}
