/**
 * Whether a project that was named is one. Nothing to show of a project that is known is no failure; a name that nobody
 * knows is a mistake. Known is what the ledger has, what Temporal has tasks of that no worker has recorded yet, and what
 * the tasks.yaml of the current folder names.
 */

import type { ProjectName } from '../core/ids.ts';
import type { Target } from '../core/queue-types.ts';
import { join } from 'node:path';
import { Failed, UsageError } from './errors.ts';
import type { Session } from './session.ts';
import { tryLedger } from './try-ledger.ts';

const NAMED = 20;
const COUNT_MS = 3_000;

/** For a command that has found nothing of the project. @throws UsageError when nobody knows it */
export async function requireProject(
  session: Session,
  project: ProjectName | null,
  option = '--project',
): Promise<void> {
  if (project === null) return;
  const recorded = await tryLedger(session, (ledger) => ledger.listProjects());
  // Without the ledger nobody can say.
  if (recorded === null || recorded.includes(project)) return;
  const own = (await projectHere(session))?.project ?? null;
  if (own === project || (await hasTasks(session, project))) return;
  throw new UsageError(
    `${option}: ${await unknown(project, own === null ? recorded : [...new Set([...recorded, own])])}`,
  );
}

async function unknown(project: ProjectName, known: readonly string[]): Promise<string> {
  if (known.length === 0) {
    return `no project is known yet, so there is no ${project}; one is with its first task: tasks submit`;
  }
  const { didYouMean } = await import('../config/explain.ts');
  const more = known.length > NAMED ? ` and ${known.length - NAMED} more` : '';
  const names = `known: ${known.slice(0, NAMED).join(', ')}${more}`;
  return `no project is named ${project}${didYouMean(project, known)} (${names})`;
}

/** The project of the current folder, as its tasks.yaml stands there; null outside of one. */
export async function projectHere(session: Session): Promise<Pick<Target, 'project' | 'branch'> | null> {
  // Few commands get here, and all that name a project load this file.
  const [{ parseProjectFile, PROJECT_FILE }, { readCheckout }, { readIfThere }] = await Promise.all([
    import('../config/project-file.ts'),
    import('../git/checkout.ts'),
    import('../local/home.ts'),
  ]);
  const checkout = await readCheckout(session.io.cwd, { env: session.environment.all });
  if (checkout.kind === 'none') return null;
  const text = await readIfThere(join(checkout.root, PROJECT_FILE)).catch(() => null);
  const parsed = text === null ? null : parseProjectFile(text);
  return parsed?.kind === 'ok' ? parsed.value : null;
}

/** Submitted, and recorded by no worker yet. */
async function hasTasks(session: Session, project: ProjectName): Promise<boolean> {
  try {
    const temporal = await session.temporal();
    const query = `WorkflowType = 'task' AND Project = '${project}'`;
    const { count } = await temporal.within(COUNT_MS, () => temporal.client.workflow.count(query));
    return count > 0;
  } catch (error) {
    // What the ledger knows has to do.
    if (error instanceof Failed || error instanceof UsageError) return false;
    throw error;
  }
}
