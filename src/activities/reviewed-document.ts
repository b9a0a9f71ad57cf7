/** What a person decides about after a phase: the understanding, the plan, or the diff. */

import { join } from 'node:path';
import type { ReportFile } from '../agents/types.ts';
import { headOf, printable } from '../core/text.ts';
import { MAX_DOCUMENT_CHARS, type Checkpoint, type Phase } from '../core/task-types.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { Workspace } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';
import { readReportFile } from './report-file.ts';

const MAX_DOCUMENT_BYTES = 1024 * 1024;
const DOCUMENT_OF: Readonly<Partial<Record<Phase, string>>> = { understand: 'understanding.md', plan: 'plan.md' };

/** Null when there is none: the phase's summary is shown then. */
export async function reviewedDocument(
  deps: Dependencies,
  { phase, spec }: PhaseRequest,
  workspace: Workspace,
  checkpoint: Checkpoint,
): Promise<string | null> {
  const name = DOCUMENT_OF[phase];
  const text =
    name === undefined
      ? await deps.git.diffOf({
          project: spec.project,
          origin: spec.origin,
          base: checkpoint.base,
          head: checkpoint.head,
        })
      : textOf(await readReportFile(join(workspace.taskDir, name), MAX_DOCUMENT_BYTES));
  return text === null || text.trim() === '' ? null : headOf(text, MAX_DOCUMENT_CHARS);
}

function textOf(file: ReportFile): string | null {
  return file.kind === 'text' ? printable(file.text) : null;
}
