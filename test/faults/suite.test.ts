/** A small part of the fault suite; `npm run faults -- tasks points zombies storms hosts` runs all of it. */

import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readCompose } from './compose.ts';
import { randomOf } from './random.ts';
import { wantedTasks } from './submitting.ts';
import { tableOf } from './table.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('../../scripts/faults.js', import.meta.url));
const COMPOSE = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));

describe('the engine with its servers', () => {
  it('brings tasks of every kind to their right ends while workers and servers are killed', async () => {
    const suite = run(process.execPath, [PROGRAM, 'tasks', '--tasks', '8', '--kills', '3', '--seed', '7']);
    // What was not right is an error: what it was stands in the table, with the command that does the same again.
    const { stdout } = await suite.catch((error: Error & { stdout?: string }) => {
      throw new Error(`${error.message}\n${error.stdout}`, { cause: error });
    });
    expect(stdout).toMatch(/^kill: .* +[1-9]\d*$/m);
    expect(stdout).not.toContain('not right');
    expect(stdout).toContain('tasks: good');
  }, 300_000);
});

describe('the fault suite', () => {
  it('does the same again from the same seed', () => {
    expect(wantedTasks(randomOf(5), 40)).toEqual(wantedTasks(randomOf(5), 40));
    expect(wantedTasks(randomOf(5), 40)).not.toEqual(wantedTasks(randomOf(6), 40));
  });

  it('has tasks of every end among eight', () => {
    const ends = new Set(wantedTasks(randomOf(1), 8).map(({ end }) => end));
    expect(ends).toEqual(new Set(['landed', 'unchanged', 'canceled']));
  });

  it('prints counts in columns, and their sums', () => {
    const rows = [
      ['one', 2, 10],
      ['another', 3, 4],
    ] as const;
    expect(tableOf(['', 'runs', 'right'], rows)).toBe(
      '         runs  right\none         2     10\nanother     3      4\nall         5     14',
    );
    expect(tableOf(['', 'runs'], [['one', 2]], false)).toBe('     runs\none     2');
  });

  it('reads docker-compose.yml as Docker does: variables, merged maps, escaped dollars', () => {
    const services = readCompose(COMPOSE, { TEMPORAL_DB_PASSWORD: 'one', LEDGER_DB_PASSWORD: 'two' });
    expect(services.get('worker')?.environment).toEqual(services.get('setup')?.environment);
    expect(services.get('worker')?.environment['DATABASE_URL']).toContain(':two@ledger:');
    expect(services.get('temporal-schema')?.command.join('\n')).toContain('--db "$database" create');
    expect(() => readCompose(COMPOSE, {})).toThrow('needs TEMPORAL_DB_PASSWORD');
  });
});
