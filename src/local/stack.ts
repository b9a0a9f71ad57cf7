/**
 * What runs for a state home, on disk: `stack.json`, by which every later command finds the servers and `down` finds
 * what is left after any death. Owns that file, and keeps true that it is whole (written under another name and
 * renamed) and that a process is believed only by its pid and time of start together.
 */

import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { openHome, readIfThere } from './home.ts';
import { stopPostgres } from './postgres.ts';
import {
  awaitEnd,
  endProcess,
  findInFolder,
  findTagged,
  isAlive,
  type ProcessIdentity,
  type Step,
} from './processes.ts';
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

/** A server that the stack started, or one that it was given. */
type ServerProcess = { readonly external: true } | ({ readonly external: false } & ProcessIdentity);

type TemporalPart = ServerProcess & {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
};

type PostgresPart = ServerProcess & {
  /** With the password: not to be shown. */
  readonly url: string;
  /** Empty for an external one. */
  readonly dataDir: string;
};

export interface StackRecord {
  readonly version: 1;
  /** Of Tributary. */
  readonly program: string;
  readonly temporal: TemporalPart | null;
  readonly postgres: PostgresPart | null;
  readonly worker: ProcessIdentity | null;
  readonly supervisor: ProcessIdentity | null;
}

export const EMPTY_STACK: StackRecord = {
  version: 1,
  program: '',
  temporal: null,
  postgres: null,
  worker: null,
  supervisor: null,
};

export type PartName = 'supervisor' | 'worker' | 'temporal' | 'postgres';
const PART_NAMES: readonly PartName[] = ['supervisor', 'worker', 'temporal', 'postgres'];

/** `external`: given, not started; `dead`: recorded, and its process is gone. */
type PartState = 'absent' | 'alive' | 'dead' | 'external';

export interface StackState {
  readonly record: StackRecord;
  readonly states: Readonly<Record<PartName, PartState>>;
}

/** What is recorded for a home, and which of it is really alive; everything absent where nothing is recorded. */
export async function readStack(home: string): Promise<StackState> {
  const paths = await openHome(home);
  const record = parseRecord(await readIfThere(paths.stack));
  const states = { supervisor: 'absent', worker: 'absent', temporal: 'absent', postgres: 'absent' } as Record<
    PartName,
    PartState
  >;
  for (const name of PART_NAMES) states[name] = await stateOf(record[name]);
  return { record, states };
}

async function stateOf(part: ServerProcess | ProcessIdentity | null): Promise<PartState> {
  if (part === null) return 'absent';
  if ('external' in part && part.external) return 'external';
  return (await isAlive(part)) ? 'alive' : 'dead';
}

/** A record that cannot be read counts as none: what runs is then found by its tag. */
function parseRecord(text: string | null): StackRecord {
  if (text === null) return EMPTY_STACK;
  try {
    const record = JSON.parse(text) as StackRecord;
    return record.version === 1 ? { ...EMPTY_STACK, ...record } : EMPTY_STACK;
  } catch {
    return EMPTY_STACK;
  }
}

/** Writes the record, whole or not at all; readable by the home's owner only. */
export async function writeStack(home: string, record: StackRecord): Promise<void> {
  const { stack } = await openHome(home);
  const temporary = `${stack}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flush: true });
    await rename(temporary, stack);
  } finally {
    await rm(temporary, { force: true });
  }
}

export interface StopOptions {
  readonly workerGraceMs?: number;
  /** Told before a part is stopped. */
  readonly report?: (part: PartName) => void;
  /** True in the supervisor itself, which clears up what an earlier one left. */
  readonly spareSupervisor?: boolean;
}

/**
 * Stops whatever runs for a home: supervisor, worker, Temporal, Postgres, in this order, and what carries the home's tag
 * besides. Bounded; with nothing to stop it returns at once.
 *
 * @returns what was alive and was stopped
 */
export async function stopStack(home: string, options: StopOptions = {}): Promise<readonly PartName[]> {
  const paths = await openHome(home);
  const stopped: PartName[] = [];
  const before = await readStack(home);
  if (options.spareSupervisor !== true && before.states.supervisor === 'alive' && before.record.supervisor !== null) {
    options.report?.('supervisor');
    // It stops the rest in order by itself; what was alive before it was asked counts as stopped.
    stopped.push(
      'supervisor',
      ...PART_NAMES.filter((name) => name !== 'supervisor' && before.states[name] === 'alive'),
    );
    await endProcess(before.record.supervisor, END_SUPERVISOR);
  }
  const { record, states } = await readStack(home);
  const note = (name: PartName): void => {
    if (!stopped.includes(name)) stopped.push(name);
    options.report?.(name);
  };
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
  await stopTagged(paths.home);
  const supervisor = options.spareSupervisor === true ? record.supervisor : null;
  if (supervisor !== null) await writeStack(home, { ...EMPTY_STACK, supervisor, program: record.program });
  else await rm(paths.stack, { force: true });
  return stopped;
}

/** What was started in the moment before its supervisor died is in no record. */
async function stopTagged(home: string): Promise<void> {
  for (const left of await findTagged(home))
    await endProcess(left, [
      ['SIGTERM', 3_000],
      ['SIGKILL', 3_000],
    ]);
}
