/** What lasts is measured by a clock that nobody sets: a jump of the machine's would end it at once, or never. */

import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));
/** Their commands are short, or end with whoever reads them; a workflow's clock is Temporal's. */
const FREE = ['cli', 'core', 'workflows'];
/** Where the time of day itself is meant: of files, of commits, of what others say, of what people read. */
const MEANT = new Set([
  'activities/heartbeat.ts',
  'files/trash.ts',
  'git/merge-main.ts',
  'git/repository.ts',
  'git/set-up-store.ts',
  'git/stale-locks.ts',
  'git/store.ts',
  'git/upkeep.ts',
  'ledger/spool.ts',
  'local/port-leases.ts',
  'local/temporal-build.ts',
  'local/temporal-download.ts',
  'notify/webhook.ts',
  'worker/ended-from-outside.ts',
  'worker/janitor.ts',
  'worker/workspace-sizes.ts',
]);

describe('the clock', () => {
  it('is asked for the time of day where that is meant, and nowhere else', () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const asking = files.filter((name) => !FREE.includes(name.split('/')[0] ?? '') && asks(join(SOURCES, name)));
    expect(asking.map((name) => relative('.', name)).filter((name) => !MEANT.has(name))).toEqual([]);
    expect([...MEANT].filter((name) => !asking.includes(name))).toEqual([]);
  });
});

/** A call's deadline is given as a time of day by Temporal's client, and is one moment long. */
function asks(file: string): boolean {
  const text = readFileSync(file, 'utf8').replaceAll(/withDeadline\(\s*Date\.now\(\)/g, '');
  return text.includes('Date.now()');
}
