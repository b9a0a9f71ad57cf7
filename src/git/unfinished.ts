/** The commit that carries an attempt's unfinished work: its tree is the worktree, its parent what the agent had committed. */

import { parseObjectId, type ObjectId } from '../core/ids.ts';
import { isRecord } from '../core/text.ts';
import { ENGINE, parseCommit, writeCommit, type ObjectStore } from './objects.ts';

export interface Unfinished {
  readonly tree: ObjectId;
  /** The agent's last commit, or what the attempt began with. */
  readonly parent: ObjectId;
  /** The commit of main that the work stands on. */
  readonly base: ObjectId;
  /** Files in which the engine had left conflict markers. */
  readonly conflicted: readonly string[];
}

const TITLE = 'Unfinished work of attempt';

export function writeUnfinished(store: ObjectStore, attempt: number, work: Unfinished): Promise<ObjectId> {
  const { tree, parent, base, conflicted } = work;
  const message = `${TITLE} ${attempt}\n\n${JSON.stringify({ base, conflicted })}`;
  // Without a date: made again after a kill, the same work is the same commit, which may be on the origin already.
  return writeCommit(store, { tree, parents: [parent], author: ENGINE, seconds: 0, message });
}

/** What a commit carries; null when it is any other. */
export function parseUnfinished(body: Buffer): Unfinished | null {
  const commit = parseCommit(body);
  const [parent, ...others] = commit?.parents ?? [];
  const message = body.toString('utf8', body.indexOf('\n\n') + 2);
  if (commit === null || parent === undefined || others.length > 0 || !message.startsWith(`${TITLE} `)) return null;
  try {
    const facts: unknown = JSON.parse(message.slice(message.indexOf('\n\n')));
    if (!isRecord(facts)) return null;
    const base = parseObjectId(typeof facts['base'] === 'string' ? facts['base'] : '');
    const conflicted: unknown = facts['conflicted'];
    if (base.kind === 'invalid' || !Array.isArray(conflicted)) return null;
    const files = conflicted.filter((file) => typeof file === 'string');
    return { tree: commit.tree, parent, base: base.value, conflicted: files };
  } catch {
    // Words that only look like it.
    return null;
  }
}
