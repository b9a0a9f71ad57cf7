/** Stops the run's servers, and fails a run that has left processes of a stack behind. */

import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { homePaths } from '../src/local/home.ts';
import { removeOutsideData } from '../src/local/postgres-account.ts';
import { STACK_TAG } from '../src/local/processes.ts';
import { keptRun } from './run-state.ts';

export default async function tearDown(): Promise<void> {
  const run = keptRun();
  if (run === null) return;
  await run.stop?.();
  await removeOutsideData(homePaths(run.home));
  await rm(run.home, { recursive: true, force: true });
  const left = await findLeft();
  if (left.length > 0) throw new Error(`the run left processes behind:\n${left.join('\n')}`);
}

/**
 * Processes that carry a stack's tag with a throw-away home that was removed already. Those of another run at the same
 * time still have theirs.
 */
async function findLeft(): Promise<readonly string[]> {
  const left: string[] = [];
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const read = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    const tag = (await read('environ')).split('\0').find((entry) => entry.startsWith(`${STACK_TAG}=`));
    const home = tag?.slice(STACK_TAG.length + 1) ?? '';
    if (!home.includes('/tributary-') || existsSync(home)) continue;
    left.push(`${pid} ${home} ${(await read('cmdline')).replaceAll('\0', ' ')}`);
  }
  return left;
}
