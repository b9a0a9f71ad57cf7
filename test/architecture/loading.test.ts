/** What a command loads before it does anything: Temporal's client takes as long to load as all else that a list needs. */

import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMANDS = fileURLToPath(new URL('../../src/cli/commands', import.meta.url));
const IMPORT = /^(?:import|export) (?!type )[^;]*?from '([^']+)';/gm;

/** The chain of files by which a package is loaded at once; null when it is not. What is only a type is not loaded. */
function wayTo(packages: RegExp, path: string, seen = new Set<string>()): readonly string[] | null {
  if (seen.has(path)) return null;
  seen.add(path);
  for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(IMPORT)) {
    if (packages.test(name)) return [name];
    const way = name.startsWith('.') ? wayTo(packages, join(dirname(path), name), seen) : null;
    if (way !== null) return [relative(COMMANDS, join(dirname(path), name)), ...way];
  }
  return null;
}

const TEMPORAL = /^@temporalio\//;

describe('a command that asks the ledger alone', () => {
  it.each(['list', 'status', 'inbox', 'failed', 'flakes', 'conflicts', 'hosts'])(
    'does not load the client of Temporal: %s',
    (name) => {
      expect(wayTo(TEMPORAL, join(COMMANDS, `${name}.ts`))).toBeNull();
    },
  );

  it.each(['list', 'failed', 'flakes', 'conflicts', 'hosts'])(
    'does not load what reads tasks.yaml before it is needed: %s',
    (name) => {
      expect(wayTo(/^(?:yaml|zod)$/, join(COMMANDS, `${name}.ts`))).toBeNull();
    },
  );

  it('would be seen to load it', () => {
    expect(wayTo(TEMPORAL, join(COMMANDS, 'wait.ts'))).toContain('@temporalio/client');
  });
});
