/** Tests that were red and then green on the same tree: by test, and how often against the gate runs there were. */

import type { ProjectName, TaskId } from '../core/ids.ts';
import { oneLine } from '../core/text.ts';
import { tailOf } from '../core/failure.ts';
import type { Database } from './database.ts';

export interface Flake {
  readonly project: ProjectName;
  /** The test's name where the log has one, else the command. */
  readonly test: string;
  readonly tree: string;
  readonly gateHash: string;
  readonly command: string;
  readonly text: string;
  readonly taskId: TaskId;
  /** ISO 8601. */
  readonly at: string;
}

export interface FlakeRow {
  readonly project: string;
  readonly test: string;
  readonly command: string;
  readonly flakes: number;
  /** Gate runs of the project since the first of them. */
  readonly runs: number;
  /** Flakes a run, from 0 to 1. */
  readonly rate: number;
  /** ISO 8601. */
  readonly lastAt: string;
}

const MAX_CHARS = 500;

const SAVE_FLAKE = `
insert into tributary.flakes (project, test, tree, gate_hash, command, text, task_id, at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing`;

// The one column has another collation than the other: without its own the index of verdicts is read from end to end.
const LIST_FLAKES = `
select f.project, f.test, max(f.command) as command, count(*) as flakes, max(f.at) as last_at,
  greatest(count(*), (
    select count(*) from tributary.verdicts v
    where v.project = f.project collate "default" and v.at >= min(f.at) - interval '1 hour'
  )) as runs
from tributary.flakes f
where $1::text is null or f.project = $1
group by f.project, f.test
order by flakes desc, last_at desc
limit $2`;

/** @throws LedgerUnavailable */
export async function saveFlake(database: Database, flake: Flake): Promise<void> {
  const { project, test, tree, gateHash, command, text, taskId, at } = flake;
  const values = [project, oneLine(test, MAX_CHARS), tree, gateHash, tailOf(command), tailOf(text), taskId, at];
  await database.query({ name: 'save-flake', text: SAVE_FLAKE, values }, () => null);
}

/** The most frequent first. @throws LedgerUnavailable */
export async function listFlakes(
  database: Database,
  project: ProjectName | null,
  limit: number,
): Promise<readonly FlakeRow[]> {
  return database.query({ text: LIST_FLAKES, values: [project, limit] }, (row): FlakeRow => {
    const flakes = Number(row['flakes']);
    const runs = Number(row['runs']);
    const lastAt = row['last_at'];
    return {
      project: String(row['project']),
      test: String(row['test']),
      command: String(row['command']),
      flakes,
      runs,
      rate: flakes / runs,
      lastAt: lastAt instanceof Date ? lastAt.toISOString() : '',
    };
  });
}
