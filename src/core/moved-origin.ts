/** What to do where a project's name is bound to another origin than the one that asks for it. */

import { shownOrigin, withoutUser } from './origin-url.ts';

export interface OtherOrigin {
  readonly project: string;
  /** The origin that the name is bound to. */
  readonly bound: string;
  readonly here: string;
  /** The remote of the checkout that asks; null: the checkout is the origin itself. */
  readonly remote: string | null;
}

/**
 * Whether two origins name one place: a folder as a path or as a file URL, with or without `.git` and slashes at the end; an
 * address of the web for whichever user.
 */
export function isSameOrigin(one: string, other: string): boolean {
  if (one === other) return true;
  const path = pathOf(one) ?? addressOf(one);
  return path !== null && path === (pathOf(other) ?? addressOf(other));
}

/** By SSH another user may find another repository under the same path. */
function addressOf(origin: string): string | null {
  return /^https?:\/\//.test(origin) ? withoutUser(origin) : null;
}

/** Null: it is none of this host's. */
function pathOf(origin: string): string | null {
  const [, escaped] = /^file:\/\/(?:localhost)?(\/.*)$/.exec(origin) ?? [];
  const path = escaped === undefined ? origin : unescaped(escaped);
  return path?.startsWith('/') === true ? path.replace(/\/+$/, '').replace(/\/+\.git$/, '') : null;
}

function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** For failures of tasks, which are read anywhere. */
export const TAKEN_NEXT =
  'if the repository has moved, tasks doctor in it says what to do; if not, give it another project name in tasks.yaml and submit again';

/** What is so: one line, without passwords. */
export function otherOriginText({ project, bound, here }: Omit<OtherOrigin, 'remote'>): string {
  return `${project} is the name of ${shownOrigin(bound)}, and the origin here is ${shownOrigin(here)}`;
}

/** The ways on, as one line: for the same repository in another place, and for another repository. */
export function otherOriginFix({ bound, here, remote }: Omit<OtherOrigin, 'project'>): string {
  const rename = 'if it is another one, choose another project name in tasks.yaml';
  if (remote === null) return `if it has moved, move it back; ${rename}`;
  const send = `git config --global ${word(`url.${shownOrigin(here)}.insteadOf`)} ${word(shownOrigin(bound))}`;
  const back = `git remote set-url ${word(remote)} ${word(shownOrigin(bound))}`;
  return `if it has moved: ${send} (here and where workers run, and restart these), then here: ${back}; ${rename}`;
}

/** As a shell takes it for one word. */
function word(text: string): string {
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
