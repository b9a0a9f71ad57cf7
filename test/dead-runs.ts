/**
 * Runs that ended before their time: by a signal, which ends this one's servers at once, or by a kill, after which the next run
 * ends what is left of it. A run says whose it is in its home.
 */

import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { homePaths } from '../src/local/home.ts';
import { removeOutsideData } from '../src/local/postgres-account.ts';
import { endProcess, findTagged, identify, isStillAlive, type ProcessIdentity } from '../src/local/processes.ts';

export const RUN_PREFIX = 'tributary-run-';
const OWNER = 'test-run';
/** Postgres ends in order by the second. */
const STEPS = [
  ['SIGINT', 5_000],
  ['SIGKILL', 5_000],
] as const;

interface Owner {
  readonly process: ProcessIdentity | null;
  /** Among which processes that is one: containers may share the folder, and see none of each other's. */
  readonly among: string;
}

/** Notes in its home that a run is this process's. */
export async function ownRun(home: string): Promise<void> {
  const owner: Owner = { process: await identify(process.pid), among: await namespaceOf() };
  await writeFile(join(home, OWNER), JSON.stringify(owner));
}

/** Of processes; empty where there are none. */
function namespaceOf(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '');
}

/** Ends the servers of a run, whatever state they are in, and removes their home. */
export async function endRun(home: string): Promise<void> {
  await Promise.all((await findTagged(home)).map((server) => endProcess(server, STEPS)));
  await removeOutsideData(homePaths(home));
  await rm(home, { recursive: true, force: true });
}

/** Ends the runs with a home in the folder whose process is gone. */
export async function endDeadRuns(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(RUN_PREFIX)) continue;
    const home = join(folder, name);
    const { process: owner, among } = await ownerOf(home);
    if (owner !== null && among === (await namespaceOf()) && !(await isStillAlive(owner))) await endRun(home);
  }
}

/** Nobody of one that has only just begun. */
async function ownerOf(home: string): Promise<Owner> {
  try {
    return JSON.parse(await readFile(join(home, OWNER), 'utf8')) as Owner;
  } catch {
    return { process: null, among: '' };
  }
}

/** Ends the run at the signals by which people and schedulers end a program, and then the process. */
export function endBySignal(home: string): void {
  let isEnding = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A terminal's comes twice: by itself and by whoever started this process.
      if (isEnding) return;
      isEnding = true;
      endChildren();
      void endRun(home).finally(() => process.exit(1));
    });
  }
}

/** Jest's own, which would go on with the tests that they are at. */
function endChildren(): void {
  const file = `/proc/self/task/${process.pid}/children`;
  const children = existsSync(file) ? readFileSync(file, 'utf8').split(' ').map(Number) : [];
  for (const pid of children.filter((each) => each > 0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
