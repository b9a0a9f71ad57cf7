/** How the ledger differs from what it is built of, as text. Pure. */

import type { Difference } from '../../core/rebuild.ts';

const WORDS: Readonly<Record<Difference['kind'], string>> = {
  missing: 'is missing in the ledger',
  extra: 'is in the ledger alone',
  different: 'differs',
};

/** One line for each. */
export function renderDifferences(name: string, differences: readonly Difference[]): readonly string[] {
  return differences.map(({ table, key, kind, columns }) => {
    const row = key === '' || key === name ? table : `${table} ${key}`;
    return `${name}  ${row}: ${WORDS[kind]}${columns.length === 0 ? '' : `: ${columns.join(', ')}`}`;
  });
}
