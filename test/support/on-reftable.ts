/** A test of what only a git has that can keep refs as reftable and move a repository to that: from 2.46 on. */

import { it } from '@jest/globals';
import { execFileSync } from 'node:child_process';

const [, major = '0', minor = '0'] =
  /^git version (\d+)\.(\d+)/.exec(execFileSync('git', ['--version'], { encoding: 'utf8' })) ?? [];

export const onReftable = Number(major) > 2 || (major === '2' && Number(minor) >= 46) ? it : it.skip;

/** Keeps a repository's refs as reftable, if they are not already. */
export async function toReftable(git: (...args: string[]) => Promise<string>): Promise<void> {
  if ((await git('rev-parse', '--show-ref-format')).trim() !== 'reftable')
    await git('refs', 'migrate', '--ref-format=reftable');
}
