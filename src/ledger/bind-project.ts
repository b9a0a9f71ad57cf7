/** A project's name belongs to the origin that first took it. */

import type { ProjectName } from '../core/ids.ts';
import type { Database } from './database.ts';
import { readOrigin } from './read-origin.ts';

// The update that changes nothing makes the statement give back the row that was there, whoever else binds meanwhile.
const BIND_PROJECT = `
insert into tributary.projects as p (name, origin) values ($1, $2)
on conflict (name) do update set origin = p.origin
returning origin`;

/** False when the name belongs to another origin. @throws LedgerUnavailable */
export async function bindProject(database: Database, project: ProjectName, origin: string): Promise<boolean> {
  const known = await readOrigin(database, project);
  if (known !== null) return known === origin;
  const [bound] = await database.query(
    { name: 'bind-project', text: BIND_PROJECT, values: [project, origin] },
    (row) => row['origin'],
  );
  return bound === origin;
}
