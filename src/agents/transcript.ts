/** A session of an agent as it travels between hosts: one line that says whose it is and where it was, then the agent's own lines. */

import { isRecord } from '../core/text.ts';

export interface SessionPlaces {
  /** The folder that has the worktree and the task folder. */
  readonly workspace: string;
  readonly home: string;
}

export interface TravellingSession {
  /** The kind of the adapter. */
  readonly agent: string;
  readonly session: string;
  readonly places: SessionPlaces;
}

/** Whether an agent's own id of a session can be part of a path. */
export function isSessionId(text: string): boolean {
  return /^[0-9A-Za-z][0-9A-Za-z-]{7,63}$/.test(text);
}

/** The agent may be in the middle of a line: that one is left out. */
export function packSession(session: TravellingSession, transcript: string): string {
  return `${JSON.stringify(session)}\n${transcript.slice(0, transcript.lastIndexOf('\n') + 1)}`;
}

/** Null of what was not packed. */
export function unpackSession(text: string): (TravellingSession & { readonly transcript: string }) | null {
  const end = text.indexOf('\n');
  try {
    const head: unknown = JSON.parse(text.slice(0, Math.max(0, end)));
    if (!isRecord(head) || !isRecord(head['places'])) return null;
    const { agent, session } = head;
    const { workspace, home } = head['places'];
    if (typeof agent !== 'string' || typeof session !== 'string' || !isSessionId(session)) return null;
    if (typeof workspace !== 'string' || typeof home !== 'string' || workspace === '' || home === '') return null;
    return { agent, session, places: { workspace, home }, transcript: text.slice(end + 1) };
  } catch {
    // The notes came from the origin, where anybody may have put something else.
    return null;
  }
}

/** A transcript of JSON lines with the folders of another host in place of those that it names. */
export function moveTranscript(transcript: string, from: SessionPlaces, to: SessionPlaces): string {
  return transcript
    .replaceAll(inJson(from.workspace), () => inJson(to.workspace))
    .replaceAll(inJson(from.home), () => inJson(to.home));
}

function inJson(path: string): string {
  return JSON.stringify(path).slice(1, -1);
}
