/** What gates have said about trees. */

import { tailOf } from '../core/failure.ts';
import type { Database } from './database.ts';
import type { LedgerWriter } from './types.ts';

const SAVE_VERDICT = `
insert into tributary.verdicts (tree, gate_hash, kind, task_id, project, text, duration_ms)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing`;

const IS_GREEN = `
select exists (
  select from tributary.verdicts where tree = $1 and gate_hash = $2 and kind = 'green'
) as green`;

export type Verdict = Parameters<LedgerWriter['saveVerdict']>[0];

/** @throws LedgerUnavailable */
export async function saveVerdict(database: Database, verdict: Verdict): Promise<void> {
  const { tree, gateHash, kind, taskId, project, text, durationMs } = verdict;
  await database.query(
    {
      name: 'save-verdict',
      text: SAVE_VERDICT,
      values: [tree, gateHash, kind, taskId, project, tailOf(text), Math.round(durationMs)],
    },
    () => null,
  );
}

/** @throws LedgerUnavailable */
export async function isGreen(database: Database, tree: string, gateHash: string): Promise<boolean> {
  const [green] = await database.query(
    { name: 'is-green', text: IS_GREEN, values: [tree, gateHash] },
    (row) => row['green'] === true,
  );
  return green === true;
}
