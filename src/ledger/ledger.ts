/** The ledger for workers: reading, writing and its schema. */

import { appendLogs } from './append-logs.ts';
import { beginAttempt } from './begin-attempt.ts';
import { endFromOutside } from './end-from-outside.ts';
import { bindProject } from './bind-project.ts';
import { openDatabase, type DatabaseOptions } from './database.ts';
import { saveFlake } from './flakes.ts';
import { checkVersion, migrate, type MigrationResult, type VersionCheck } from './migrate.ts';
import { saveRadar } from './radar.ts';
import { readerOf } from './reader.ts';
import { recordTask } from './record-task.ts';
import { saveArtifacts } from './save-artifacts.ts';
import type { LedgerReader, LedgerWriter } from './types.ts';
import { isGreen, saveVerdict } from './verdicts.ts';

export interface Ledger extends LedgerReader, LedgerWriter {
  /** Brings the schema up to this program's; safe when several workers do so at once. */
  migrate(): Promise<MigrationResult>;
  /** Compares the schema with this program's, changing nothing. */
  checkVersion(): Promise<VersionCheck>;
  close(): Promise<void>;
}

/** Connects on first use. Everything but `close` @throws LedgerUnavailable. */
export function openLedger(options: DatabaseOptions): Ledger {
  const database = openDatabase(options);
  return {
    ...readerOf(database),
    record: (view, events) => recordTask(database, view, events),
    endFromOutside: (taskId, endedAt) => endFromOutside(database, taskId, endedAt),
    beginAttempt: (taskId, attempt, host, startedAt) => beginAttempt(database, taskId, attempt, host, startedAt),
    appendLogs: (chunks) => appendLogs(database, chunks),
    saveArtifacts: (artifacts) => saveArtifacts(database, artifacts),
    bindProject: (project, origin) => bindProject(database, project, origin),
    saveVerdict: (verdict) => saveVerdict(database, verdict),
    saveFlake: (flake) => saveFlake(database, flake),
    saveRadar: (report) => saveRadar(database, report),
    isGreen: (tree, gateHash) => isGreen(database, tree, gateHash),
    migrate: () => migrate(database),
    checkVersion: () => checkVersion(database),
    close: () => database.close(),
  };
}
