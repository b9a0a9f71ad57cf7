/**
 * Stops what runs for a state home, by its record and by its tag, whoever started it and whatever died since. Keeps
 * true: nothing of the home's is left running when it returns, and the record says so.
 */

import { realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../core/thrown.ts';
import { homeError, homePaths } from './home.ts';
import { stopPostgres } from './postgres.ts';
import { awaitEnd, endProcess, findInFolder, findTagged, type ProcessIdentity, type Step } from './processes.ts';
import { stackHolder } from './stack-lock.ts';
import { EMPTY_STACK, PART_NAMES, type PartName, readStack, type StackState, writeStack } from './stack-record.ts';
import { END_TEMPORAL } from './temporal-server.ts';

/** How long a worker may take to drain, in milliseconds, and what follows. */
export const WORKER_GRACE_MS = 15_000;
export const endWorkerSteps = (graceMs: number): readonly Step[] => [
  ['SIGTERM', graceMs],
  ['SIGKILL', 3_000],
];

/** The supervisor stops the others first, each within its own limit: this is longer than all of them together. */
const END_SUPERVISOR: readonly Step[] = [
  ['SIGTERM', WORKER_GRACE_MS + 35_000],
  ['SIGKILL', 3_000],
];

/** `unrecorded`: what carries the home's tag and is in no record, as after the home was deleted. */
export type StoppedPart = PartName | 'unrecorded';

export interface StopOptions {
  readonly workerGraceMs?: number;
  /** Told before a part is stopped. */
  readonly report?: (part: StoppedPart) => void;
  /** True in the supervisor itself, which clears up what an earlier one left. */
  readonly spareSupervisor?: boolean;
}

/**
 * Stops whatever runs for a home: supervisor, worker, Temporal, Postgres, in this order, and what carries the home's tag
 * besides. Bounded; with nothing to stop it returns at once.
 *
 * @returns what was alive and was stopped
 */
export async function stopStack(home: string, options: StopOptions = {}): Promise<readonly StoppedPart[]> {
  const folder = await existing(home);
  const stopped: StoppedPart[] = [];
  const note = (name: StoppedPart): void => {
    if (!stopped.includes(name)) stopped.push(name);
    options.report?.(name);
  };
  if (folder === null) {
    // Its record went with it; its processes may be there yet.
    await stopTagged(await resolved(resolve(home)), () => note('unrecorded'));
    return stopped;
  }
  const before = await readStack(home);
  const supervisor = options.spareSupervisor === true ? null : await livingSupervisor(folder, before);
  if (supervisor !== null) {
    options.report?.('supervisor');
    // It stops the rest in order by itself; what was alive before it was asked counts as stopped.
    stopped.push(
      'supervisor',
      ...PART_NAMES.filter((name) => name !== 'supervisor' && before.states[name] === 'alive'),
    );
    await endProcess(supervisor, END_SUPERVISOR);
  }
  const { record, states } = await readStack(home);
  if (states.worker === 'alive' && record.worker !== null) {
    note('worker');
    await endProcess(record.worker, endWorkerSteps(options.workerGraceMs ?? WORKER_GRACE_MS));
  }
  if (record.temporal !== null && !record.temporal.external && states.temporal === 'alive') {
    note('temporal');
    await endProcess(record.temporal, END_TEMPORAL);
  }
  if (record.postgres !== null && !record.postgres.external) {
    const { postgres } = record;
    const children = states.postgres === 'alive' ? [] : await findInFolder(postgres.dataDir);
    if (states.postgres === 'alive' || children.length > 0) note('postgres');
    await stopPostgres(postgres, postgres.dataDir);
    for (const child of children) if (!(await awaitEnd(child, 1_000))) await endProcess(child, [['SIGKILL', 2_000]]);
  }
  // Beside parts of the record these are their children, about to end by themselves.
  const hadParts = stopped.length > 0;
  await stopTagged(folder, () => (hadParts ? undefined : note('unrecorded')));
  const spared = options.spareSupervisor === true ? record.supervisor : null;
  if (spared !== null) await writeStack(home, { ...EMPTY_STACK, supervisor: spared, program: record.program });
  // Who has taken the lock meanwhile starts a stack of its own, and what is there by now may be its record.
  else if (options.spareSupervisor === true || (await stackHolder(folder)) === null)
    await rm(homePaths(folder).stack, { force: true });
  return stopped;
}

/** One that has begun a moment ago has the lock, and is in no record yet. */
async function livingSupervisor(home: string, { record, states }: StackState): Promise<ProcessIdentity | null> {
  return states.supervisor === 'alive' ? record.supervisor : stackHolder(home);
}

/** The home with links resolved, as its processes carry it; null when it is not there. */
async function existing(home: string): Promise<string | null> {
  try {
    return await realpath(home);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw homeError(home, error);
  }
}

/** The same of a folder that is not there, by those above it. */
async function resolved(folder: string): Promise<string> {
  const above = dirname(folder);
  return (await existing(folder)) ?? (above === folder ? folder : join(await resolved(above), basename(folder)));
}

/** What was started in the moment before its supervisor died is in no record. */
async function stopTagged(home: string, onFound: () => void): Promise<void> {
  for (const left of await findTagged(home)) {
    onFound();
    await endProcess(left, [
      ['SIGTERM', 3_000],
      ['SIGKILL', 3_000],
    ]);
  }
}
