/** Databases that lie outside of any state home, and whose home was deleted: nobody else finds them. */

import { realpath } from 'node:fs/promises';
import { homePaths } from '../../local/home.ts';
import { leftOutside, type LeftOutside } from '../../local/postgres-account.ts';
import { oneLine } from '../../core/text.ts';
import { warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

/** As many as fit into a line. */
const NAMED = 3;

export async function checkLeftOutside(
  { environment }: Session,
  find: typeof leftOutside = leftOutside,
): Promise<readonly Check[]> {
  const left = await find(homePaths(await realpath(environment.home).catch(() => environment.home)));
  return left.length === 0 ? [] : [warn('old databases', leftWords(left), removal(left))];
}

export function leftWords(left: readonly LeftOutside[]): string {
  const homes = [...new Set(left.map(({ home }) => oneLine(home, 100)))];
  const more = homes.length > NAMED ? ` and ${homes.length - NAMED} more` : '';
  const what = left.length === 1 ? 'a database is' : `${left.length} databases are`;
  return `${what} left of ${homes.length === 1 ? 'an earlier state home' : 'earlier state homes'}: ${homes.slice(0, NAMED).join(', ')}${more}`;
}

/** Of a home on a disk that is away it is no rubbish, so that a person has to say so. */
export function removal(left: readonly LeftOutside[]): string {
  const folders = left.slice(0, NAMED).map(({ folder }) => oneLine(folder, 200));
  return `if nobody needs what those knew: rm -r ${folders.join(' ')}`;
}
