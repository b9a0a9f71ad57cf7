/** Keeps what an attempt left behind; what is kept already under the same name is left as it is. */

import { headOf, MAX_ARTIFACT_BYTES } from './bounds.ts';
import type { Database } from './database.ts';
import type { Artifact } from './types.ts';

const SAVE_ARTIFACTS = `
insert into tributary.artifacts (task_id, attempt, name, bytes, content)
select task_id, attempt, name, bytes, content
from unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::text[])
  as a (task_id, attempt, name, bytes, content)
order by task_id, attempt, name
on conflict do nothing`;

/** @throws LedgerUnavailable, and then none of them was saved */
export async function saveArtifacts(database: Database, artifacts: readonly Artifact[]): Promise<void> {
  if (artifacts.length === 0) return;
  await database.query(
    {
      name: 'save-artifacts',
      text: SAVE_ARTIFACTS,
      values: [
        artifacts.map(({ taskId }) => taskId),
        artifacts.map(({ attempt }) => attempt),
        artifacts.map(({ name }) => name),
        artifacts.map(({ bytes }) => bytes),
        artifacts.map(({ content }) => headOf(content, MAX_ARTIFACT_BYTES)),
      ],
    },
    () => null,
  );
}
