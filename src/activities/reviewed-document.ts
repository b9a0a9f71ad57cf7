/** What a person decides about after a phase: the understanding, the plan, or the diff. */

import { join } from 'node:path';
import { headOf, printable } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { MAX_DOCUMENT_CHARS, type Checkpoint, type Phase } from '../core/task-types.ts';
import { redactText, type Secret } from '../core/secrets.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { Workspace } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';
import { readReportFile } from './report-file.ts';

const MAX_DOCUMENT_BYTES = 1024 * 1024;
const DOCUMENT_OF: Readonly<Partial<Record<Phase, string>>> = { understand: 'understanding.md', plan: 'plan.md' };
/** The whole of what is shown cut, as an artifact of the attempt. */
const PATCH = 'patch.diff';

/** What is shown, and without what. */
interface Shown {
  readonly checkpoint: Checkpoint;
  readonly secrets: readonly Secret[];
}

/** Null when there is none: the phase's summary is shown then. */
export async function reviewedDocument(
  deps: Dependencies,
  request: PhaseRequest,
  workspace: Workspace,
  shown: Shown,
): Promise<string | null> {
  const name = DOCUMENT_OF[request.phase];
  if (name === undefined) return reviewedPatch(deps, request, shown);
  const file = await readReportFile(join(workspace.taskDir, name), MAX_DOCUMENT_BYTES);
  return file.kind === 'text' ? readable(file.text) : null;
}

/** What would land, as it is shown; its whole is kept. Null when it cannot be told, or is nothing. */
export async function reviewedPatch(
  deps: Dependencies,
  { spec, attempt }: PhaseRequest,
  { checkpoint: { base, head }, secrets }: Shown,
): Promise<string | null> {
  try {
    const { project, origin } = spec;
    const patch = await deps.git.diffOf({ project, origin, base, head });
    if (patch === null || patch === '') return null;
    const kept = redactText(secrets, patch);
    await deps.spool.addText(spec.id, attempt, PATCH, kept);
    return readable(kept);
  } catch (error) {
    // What was done counts, whether or not it can be shown.
    deps.log('a difference could not be made', { task: spec.id, attempt, reason: messageOf(error) });
    return null;
  }
}

function readable(text: string): string | null {
  const clean = printable(text);
  return clean.trim() === '' ? null : headOf(clean, MAX_DOCUMENT_CHARS);
}
