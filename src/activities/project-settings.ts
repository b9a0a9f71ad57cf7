/** tasks.yaml as it stood in a commit, parsed once a worker. */

import type { Failure } from '../core/failure.ts';
import type { ObjectId } from '../core/ids.ts';
import { shownOrigin } from '../core/origin-url.ts';
import type { ProjectSettings } from '../core/project.ts';
import type { Target } from '../core/queue-types.ts';
import type { GitRoom } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';

export type SettingsResult =
  | { readonly kind: 'ok'; readonly settings: ProjectSettings }
  /** `isAway`: the origin has been reached before, and comes back by itself. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly isAway?: true };

/** A commit's file never changes, so neither does what was read of it. */
const MAX_KEPT = 100;
const kept = new WeakMap<object, Map<string, ProjectSettings>>();

export async function readSettings(
  deps: Pick<Dependencies, 'parseSettings'> & { readonly git: Pick<GitRoom, 'readFileAt'> },
  target: Target,
  commit: ObjectId,
): Promise<SettingsResult> {
  const memory = kept.get(deps.git) ?? new Map<string, ProjectSettings>();
  kept.set(deps.git, memory);
  const key = `${target.origin}\n${commit}`;
  const known = memory.get(key);
  if (known !== undefined) return { kind: 'ok', settings: known };

  const file = await deps.git.readFileAt(target, commit, 'tasks.yaml');
  if (file.kind === 'failed') {
    const { failure: kind, message, next } = file;
    return { kind: 'failed', failure: { kind, message, next }, ...(file.isAway === true ? { isAway: true } : {}) };
  }
  const where = `${commit} of ${shownOrigin(target.origin)}`;
  if (file.kind === 'too-large') return bad(`tasks.yaml in ${where} has more than 1 MiB`);
  const { text } = file;
  if (text === null) return bad(`there is no tasks.yaml in ${where}`);
  const parsed = deps.parseSettings(text);
  if (parsed.kind === 'invalid') return bad(parsed.message);
  const [oldest] = memory.keys();
  if (memory.size >= MAX_KEPT && oldest !== undefined) memory.delete(oldest);
  memory.set(key, parsed.value);
  return { kind: 'ok', settings: parsed.value };
}

function bad(message: string): SettingsResult {
  return {
    kind: 'failed',
    failure: { kind: 'bad-configuration', message, next: 'mend tasks.yaml, commit it, and submit again' },
  };
}
