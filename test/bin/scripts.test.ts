/** The programs of scripts/, by what they say before they do anything. */

import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve('scripts');
/** Those that are started, and not only imported; what installs is told nothing. */
const PROGRAMS = readdirSync(FOLDER).filter(
  (name) => name !== 'install.js' && readFileSync(join(FOLDER, name), 'utf8').startsWith('#!'),
);
/** Hands its options on. */
const WITHOUT_OPTIONS = ['test.js'];

function run(program: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(FOLDER, program), ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('a program of scripts/', () => {
  it.each(PROGRAMS)('says how it is used, and does nothing else: %s', (program) => {
    const { status, stdout, stderr } = run(program, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^usage: .*(?:npm (?:run |test)|node scripts\/)/m);
    expect(stdout.split('\n').filter((line) => line.length > 120)).toEqual([]);
  });

  it.each(PROGRAMS.filter((name) => !WITHOUT_OPTIONS.includes(name)))(
    'names an option that it does not have, and does nothing: %s',
    (program) => {
      const { status, stdout, stderr } = run(program, '--no-such');
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toBe(`${program.replace('.js', '')}: there is no option --no-such; --help says how it is used\n`);
    },
  );

  it.each([
    ['bench.js', ['gitt'], 'there is no section gitt, but git, history,'],
    ['bench.js', ['--on-end', '49'], '--on-end is a whole number, 50 or more, and not "49"'],
    ['bench.js', ['--quick=yes'], '--quick takes no value'],
    ['faults.js', [], 'say what: git, tasks,'],
    ['faults.js', ['storms', '--only', '--runs', '2'], '--only needs a value'],
    ['faults.js', ['git', '--every', '1e2'], '--every is a whole number, 1 or more, and not "1e2"'],
    ['faults.js', ['git', '--calls', 'some'], '--calls is all or states, and not "some"'],
    ['faults.js', ['git', 'points', '--kills', '3'], '--kills is of tasks, and not of git, points'],
    ['demo.js', ['now'], 'it takes no "now"'],
  ])('says what cannot be as it was asked for: %s %j', (program, args, says) => {
    const { status, stdout, stderr } = run(program, ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`: ${says}`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
