/** A small part of the kill matrix; `npm run faults -- git` runs all of it. */

import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { report } from './git-matrix.ts';
import { STRACE } from './git-wrapper.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('../../scripts/faults.js', import.meta.url));
/** One of so many points, and always the same ones here: a sample by chance is for the long run. */
const SAMPLE = ['--every', '60', '--seed', '1'];

describe('an operation with git that is killed', () => {
  const hasStrace = existsSync(STRACE);
  const test = hasStrace ? it : it.skip;

  test(`heals when it is carried out again${hasStrace ? '' : ' (skipped: strace is missing)'}`, async () => {
    // What did not heal is an error, with the table and the command that does the same again.
    const { stdout } = await run(process.execPath, [PROGRAM, 'git', ...SAMPLE]);
    expect(stdout).toMatch(/^land by push +[1-9]\d* +[1-9]\d* +[1-9]\d*$/m);
    expect(stdout).not.toContain('not right');
  }, 900_000);
});

describe('the report of the kill matrix', () => {
  const row = { operation: 'fetch', points: 2, kills: 2, healed: 2, broken: [] };

  it('is good when there were kills and all of them healed', () => {
    expect(report([row])).toEqual({
      table: 'operation  points  kills  healed\nfetch           2      2       2\nall             2      2       2',
      isGood: true,
    });
  });

  it('is not good when one did not heal, nothing was killed, or there is no operation', () => {
    expect(report([{ ...row, healed: 1 }]).isGood).toBe(false);
    expect(report([row, { ...row, kills: 0, healed: 0 }]).isGood).toBe(false);
    expect(report([]).isGood).toBe(false);
  });
});
