/** What a reply is for: a task, and which of its questions or proposals, as the printed commands have it: `7fk2@3`. */

import { quote, type TaskId } from '../core/ids.ts';
import { UsageError } from './errors.ts';
import { resolveId } from './resolve-id.ts';
import type { Session } from './session.ts';

export interface Target {
  readonly id: TaskId;
  /** Null: whichever is open. */
  readonly version: number | null;
}

/** The id's text and the version of `ID@V`. @throws UsageError */
export function parseTarget(text: string): { readonly id: string; readonly version: number | null } {
  const at = text.indexOf('@');
  if (at === -1) return { id: text, version: null };
  const version = text.slice(at + 1).trim();
  if (!/^[1-9]\d{0,5}$/.test(version)) {
    throw new UsageError(
      `${quote(text)}: behind the @ stands the number of a question or proposal, as in 7fk2@3; copy it from tasks inbox`,
    );
  }
  return { id: text.slice(0, at), version: Number(version) };
}

/** @throws UsageError when there is no such task, or several begin so */
export async function resolveTarget(session: Session, text: string): Promise<Target> {
  const { id, version } = parseTarget(text);
  return { id: await resolveId(session, id), version };
}

/** `7fk2@3`, or the id alone. */
export function targetText({ id, version }: Target): string {
  return version === null ? id : `${id}@${version}`;
}
