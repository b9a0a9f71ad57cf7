/** The ledger for operators: reading, and the little that the command line itself writes. */

import type { ProjectName } from '../core/ids.ts';
import type { TaskFacts } from '../core/rebuild.ts';
import { bindProject } from './bind-project.ts';
import { openDatabase } from './database.ts';
import { drainHost, undrainHost } from './hosts.ts';
import { migrate, type MigrationResult } from './migrate.ts';
import { readOrigin } from './read-origin.ts';
import { rebuildTask, type Rebuilt } from './rebuild-task.ts';

export interface LedgerOperator {
  /** False when the host is drained already. */
  drainHost(host: string, actor: string): Promise<boolean>;
  /** False when the host was not drained. */
  undrainHost(host: string): Promise<boolean>;
  /** Builds a task's records anew; with `dryRun` it only says what would change. */
  rebuildTask(facts: TaskFacts, dryRun: boolean): Promise<Rebuilt>;
  /** Whether the project's name was bound; it is afterwards, unless it is a dry run. */
  rebuildProject(project: ProjectName, origin: string, dryRun: boolean): Promise<boolean>;
  migrate(): Promise<MigrationResult>;
  close(): Promise<void>;
}

/** Connects on first use. Everything but `close` @throws LedgerUnavailable */
export function openLedgerOperator({ url }: { readonly url: string }): LedgerOperator {
  const database = openDatabase({ url, applicationName: 'tributary-cli', maxConnections: 1 });
  return {
    drainHost: (host, actor) => drainHost(database, host, actor),
    undrainHost: (host) => undrainHost(database, host),
    rebuildTask: (facts, dryRun) => rebuildTask(database, facts, dryRun),
    async rebuildProject(project, origin, dryRun) {
      const bound = (await readOrigin(database, project)) !== null;
      if (!bound && !dryRun) await bindProject(database, project, origin);
      return bound;
    },
    migrate: () => migrate(database),
    close: () => database.close(),
  };
}
