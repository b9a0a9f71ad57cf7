/** The ledger for those who only read it: one connection, and no more code than reading takes. */

import { countByState } from './count-tasks.ts';
import { openDatabase, type Database } from './database.ts';
import { findIds } from './find-ids.ts';
import { readDrains, readWorkers } from './hosts.ts';
import { listFailed } from './list-failed.ts';
import { listFlakes } from './flakes.ts';
import { listRequired } from './list-required.ts';
import { listProjects } from './list-projects.ts';
import { listTasks } from './list-tasks.ts';
import { listWorks, readRadar } from './radar.ts';
import { readAsks } from './read-asks.ts';
import { readArtifacts, readAttempts, readEvents } from './read-history.ts';
import { readInbox } from './read-inbox.ts';
import { readLogs } from './read-logs.ts';
import { readOrigin } from './read-origin.ts';
import { readTask, readTasks } from './read-task.ts';
import type { LedgerReader } from './types.ts';

/** Connects on first use. Every read @throws LedgerUnavailable. */
export function openLedgerReader({ url }: { readonly url: string }): LedgerReader & { close(): Promise<void> } {
  const database = openDatabase({ url, applicationName: 'tributary-cli', maxConnections: 1 });
  return { ...readerOf(database), close: () => database.close() };
}

/** Every way to read, on connections that are there already. */
export function readerOf(database: Database): LedgerReader {
  return {
    listTasks: (filter) => listTasks(database, filter),
    listFailed: (project, limit) => listFailed(database, project, limit),
    readTask: (id) => readTask(database, id),
    readTasks: (ids) => readTasks(database, ids),
    findIds: (prefix) => findIds(database, prefix),
    readInbox: (project, limit) => readInbox(database, project, limit),
    readAsks: (id) => readAsks(database, id),
    readEvents: (id) => readEvents(database, id),
    readAttempts: (id) => readAttempts(database, id),
    readLogs: (id, after, limit) => readLogs(database, id, after, limit),
    readArtifacts: (id) => readArtifacts(database, id),
    listFlakes: (project, limit) => listFlakes(database, project, limit),
    listWorks: (target, limit) => listWorks(database, target, limit),
    readRadar: (project) => readRadar(database, project),
    readWorkers: () => readWorkers(database),
    listRequired: () => listRequired(database),
    readDrains: () => readDrains(database),
    countByState: (project) => countByState(database, project),
    listProjects: () => listProjects(database),
    originOf: (project) => readOrigin(database, project),
  };
}
