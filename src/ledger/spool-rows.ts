/** Artifacts and verdicts that wait in the spool: a file each, written whole, deleted once the ledger has it. */

import { readFileSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTaskId, type TaskId } from '../core/ids.ts';
import { ignoring, writeWhole } from './spool-folder.ts';
import type { Flake } from './flakes.ts';
import { LedgerUnavailable, type Artifact, type LedgerWriter } from './types.ts';
import type { Verdict } from './verdicts.ts';

const ROWS_NAME = /^([^.]+)\.(\d+)\.rows$/;

export type Rows =
  | { readonly kind: 'artifacts'; readonly artifacts: readonly Artifact[] }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'flakes'; readonly flakes: readonly Flake[] }
  | { readonly kind: 'begun'; readonly begun: Begun };

/** That an attempt has begun on a host; `startedAt` is ISO 8601. */
export interface Begun {
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly host: string;
  readonly startedAt: string;
}

export interface SpoolRows {
  readonly taskId: TaskId;
  readonly path: string;
}

/** The rows that a file's name announces, or null when it holds none. */
export function parseRowsName(folder: string, fileName: string): SpoolRows | null {
  const taskId = parseTaskId(ROWS_NAME.exec(fileName)?.[1] ?? '');
  return taskId.kind === 'ok' ? { taskId: taskId.value, path: join(folder, fileName) } : null;
}

/** `serial` makes the name unique in its folder. */
export async function writeRows(folder: string, taskId: TaskId, serial: number, rows: Rows): Promise<SpoolRows> {
  const path = join(folder, `${taskId}.${serial}.rows`);
  await writeWhole(path, JSON.stringify(rows));
  return { taskId, path };
}

/**
 * Ships the rows and deletes their file. Rows that the ledger will not have are put aside under `.refused`, so that they
 * do not hold up the others; the reason is returned then, else null.
 *
 * @throws LedgerUnavailable
 */
export async function shipRows(ledger: RowsLedger, { path }: SpoolRows): Promise<string | null> {
  const text = await ignoring('ENOENT', () => readFileSync(path, 'utf8'));
  if (text === null) return null;
  try {
    const rows = JSON.parse(text) as Rows;
    await saveRows(ledger, rows);
  } catch (error) {
    if (error instanceof LedgerUnavailable) throw error;
    await rename(path, `${path}.refused`);
    return error instanceof Error ? error.message : String(error);
  }
  rmSync(path, { force: true });
  return null;
}

/** Tells the ledger at once. @throws LedgerUnavailable, and what the ledger refuses */
export async function saveRows(ledger: RowsLedger, rows: Rows): Promise<void> {
  switch (rows.kind) {
    case 'artifacts':
      return ledger.saveArtifacts(rows.artifacts);
    case 'verdict':
      return ledger.saveVerdict(rows.verdict);
    case 'flakes':
      for (const flake of rows.flakes) await ledger.saveFlake(flake);
      return;
    case 'begun': {
      const { taskId, attempt, host, startedAt } = rows.begun;
      return ledger.beginAttempt(taskId, attempt, host, startedAt);
    }
  }
}

export type RowsLedger = Pick<LedgerWriter, 'saveArtifacts' | 'saveVerdict' | 'saveFlake' | 'beginAttempt'>;
