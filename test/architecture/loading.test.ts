/** What a command loads before it does anything: Temporal's client takes as long to load as all else that a list needs. */

import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMANDS = fileURLToPath(new URL('../../src/cli/commands', import.meta.url));
const IMPORT = /^(?:import|export) (?!type )[^;]*?from '([^']+)';/gm;

/** The chain of files by which Temporal's client is loaded at once; null when it is not. What is only a type is not loaded. */
function wayToTemporal(path: string, seen = new Set<string>()): readonly string[] | null {
  if (seen.has(path)) return null;
  seen.add(path);
  for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(IMPORT)) {
    if (name.startsWith('@temporalio/')) return [name];
    const way = name.startsWith('.') ? wayToTemporal(join(dirname(path), name), seen) : null;
    if (way !== null) return [relative(COMMANDS, join(dirname(path), name)), ...way];
  }
  return null;
}

describe('a command that asks the ledger alone', () => {
  it.each(['list', 'status', 'inbox', 'failed', 'flakes', 'conflicts', 'hosts'])(
    'does not load the client of Temporal: %s',
    (name) => {
      expect(wayToTemporal(join(COMMANDS, `${name}.ts`))).toBeNull();
    },
  );

  it('would be seen to load it', () => {
    expect(wayToTemporal(join(COMMANDS, 'wait.ts'))).toContain('@temporalio/client');
  });
});
