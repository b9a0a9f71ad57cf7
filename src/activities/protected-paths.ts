/** What an attempt's work changes of protected paths: looked for in the commits, before the work may land. */

import { createHash } from 'node:crypto';
import type { ObjectId } from '../core/ids.ts';
import type { ProjectSettings } from '../core/project.ts';
import { protectedAmong, type ProtectedChange } from '../core/protected.ts';
import { changesPart, inPart } from '../core/protected-parts.ts';
import type { ChangedFile } from '../core/removed-tests.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { Checkpoint, TaskSpec } from '../core/task-types.ts';
import type { FileAt } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';

const MAX_SHOWN = 50;
const MAX_COMPARED = 50;

/** The files that an attempt's work changes. */
export async function changesIn(
  deps: Pick<Dependencies, 'git'>,
  { spec: { project, origin } }: PhaseRequest,
  { base, head, changed }: Checkpoint,
): Promise<readonly ChangedFile[]> {
  return changed ? deps.git.changedFiles({ project, origin, base, head }) : [];
}

/**
 * Null when there is none.
 *
 * @param all what {@link changesIn} says
 * @param except files that may change all the same
 */
export async function protectedChange(
  deps: Pick<Dependencies, 'git'>,
  { spec }: PhaseRequest,
  settings: ProjectSettings,
  { base, head }: Checkpoint,
  all: readonly ChangedFile[],
  except: readonly string[] = [],
): Promise<ProtectedChange | null> {
  const paths = all.map(({ path }) => path);
  const found = new Set(protectedAmong(settings, paths));
  for (const [index, path] of inPart(settings, paths).entries()) {
    // Of very many it is not looked which part has changed.
    const isProtected = index >= MAX_COMPARED || (await changes(deps, spec, { base, head }, path));
    if (isProtected) found.add(path);
  }
  for (const path of except) found.delete(path);
  if (found.size === 0) return null;
  const hash = createHash('sha256');
  for (const { path, id } of all) if (found.has(path)) hash.update(`${id} ${path}\0`);
  return { paths: [...found].slice(0, MAX_SHOWN), digest: hash.digest('hex') };
}

async function changes(
  deps: Pick<Dependencies, 'git'>,
  spec: TaskSpec,
  { base, head }: Pick<Checkpoint, 'base' | 'head'>,
  path: string,
): Promise<boolean> {
  const read = async (commit: ObjectId): Promise<Exclude<FileAt, { kind: 'failed' }>> => {
    const file = await deps.git.readFileAt(spec, commit, path);
    if (file.kind === 'failed') throw new Error(`${file.message}; ${file.next}`);
    return file;
  };
  const [before, after] = await Promise.all([read(base), read(head)]);
  // Of what is too large to be read it is not looked which part has changed.
  return before.kind === 'too-large' || after.kind === 'too-large' || changesPart(path, before.text, after.text);
}
