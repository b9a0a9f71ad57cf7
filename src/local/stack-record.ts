/**
 * What runs for a state home, on disk: `stack.json`, by which every later command finds the servers and `down` finds
 * what is left after any death. Owns that file, and keeps true that it is whole (written under another name and
 * renamed) and that a process is believed only by its pid and time of start together. Every command reads it, so this
 * loads little.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { homeError, homePaths, openHome, readIfThere } from './home.ts';
import { isStillAlive, livesSinceBoot, type ProcessIdentity } from './processes.ts';

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
  /** What was built when the supervisor started, and when it last started a worker; null where nobody has told. */
  readonly builds: { readonly supervisor: string | null; readonly worker: string | null };
  /** Not everything of it has answered yet. */
  readonly starting: boolean;
}

export const EMPTY_STACK: StackRecord = {
  version: 1,
  program: '',
  temporal: null,
  postgres: null,
  worker: null,
  supervisor: null,
  builds: { supervisor: null, worker: null },
  starting: false,
};

export type PartName = 'supervisor' | 'worker' | 'temporal' | 'postgres';
export const PART_NAMES: readonly PartName[] = ['supervisor', 'worker', 'temporal', 'postgres'];

/** `external`: given, not started; `dead`: recorded, and its process is gone. */
type PartState = 'absent' | 'alive' | 'dead' | 'external';

export interface StackState {
  readonly record: StackRecord;
  readonly states: Readonly<Record<PartName, PartState>>;
}

/**
 * What is recorded for a home, and which of it is really alive; everything absent where nothing is recorded. Makes
 * nothing, not even the home.
 *
 * @throws HomeError
 */
export async function readStack(home: string): Promise<StackState> {
  const record = parseRecord(await readRecord(home));
  const states = { supervisor: 'absent', worker: 'absent', temporal: 'absent', postgres: 'absent' } as Record<
    PartName,
    PartState
  >;
  for (const name of PART_NAMES) states[name] = await stateOf(record[name]);
  return { record, states };
}

async function readRecord(home: string): Promise<string | null> {
  try {
    return await readIfThere(homePaths(home).stack);
  } catch (error) {
    throw homeError(home, error);
  }
}

async function stateOf(part: ServerProcess | ProcessIdentity | null): Promise<PartState> {
  if (part === null) return 'absent';
  if ('external' in part && part.external) return 'external';
  return (await isStillAlive(part)) ? 'alive' : 'dead';
}

/**
 * The processes of a supervisor's record that live, those among them that have not answered yet, for who is about to end
 * and can wait for nothing.
 */
export function livingParts(home: string, supervisor: number): readonly (readonly [PartName, pid: number])[] {
  let text: string | null;
  try {
    text = readFileSync(homePaths(home).stack, 'utf8');
  } catch {
    return [];
  }
  const record = parseRecord(text);
  if (record.supervisor?.pid !== supervisor) return [];
  return (['worker', 'temporal', 'postgres'] as const).flatMap((name) => {
    const part = record[name];
    return part !== null && 'pid' in part && livesSinceBoot(part) ? [[name, part.pid] as const] : [];
  });
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
