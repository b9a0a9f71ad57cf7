/** Values that core's tests are made of, and a generator of random numbers that gives the same ones for the same seed. */

import { DEFAULT_STAGE_GATES, NO_PATIENCE_LIMIT, type Proposal, type Question } from '../../src/core/ask-types.ts';
import type { Failure, FailureKind } from '../../src/core/failure.ts';
import {
  parseBranchName,
  parseObjectId,
  parseProjectName,
  taskIdFromBytes,
  type ObjectId,
  type TaskId,
} from '../../src/core/ids.ts';
import type { Parsed } from '../../src/core/parsed.ts';
import type { Candidate, QueueItem } from '../../src/core/queue-types.ts';
import {
  newTask,
  nextTask,
  type Stage,
  type Surroundings,
  type Task,
  type TaskInputEvent,
} from '../../src/core/task.ts';
import type {
  NewTask,
  AttemptFacts,
  AttemptOutcome,
  Checkpoint,
  Held,
  RevisionRequest,
  TaskSpec,
} from '../../src/core/task-types.ts';
import type { Landing } from '../../src/core/task-events.ts';

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

export function valueOf<T>(parsed: Parsed<T>): T {
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}

export function messageOf(parsed: Parsed<unknown>): string {
  if (parsed.kind === 'ok') throw new Error('was taken');
  return parsed.message;
}

/** The id number 1 ends in 1; there are 1,024 of them. */
export function taskId(number: number): TaskId {
  return taskIdFromBytes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, number >> 5, number));
}

export function objectId(number: number): ObjectId {
  return valueOf(parseObjectId(number.toString(16).padStart(40, '0')));
}

export const SPEC: TaskSpec = {
  id: taskId(1),
  project: valueOf(parseProjectName('demo')),
  origin: '/srv/demo.git',
  branch: valueOf(parseBranchName('main')),
  configCommit: objectId(1),
  title: 'Sort the imports',
  body: '',
  work: { kind: 'agent', agent: 'scripted' },
  policy: {
    attempts: 3,
    revisions: 2,
    idleTimeoutMs: 1_000,
    totalTimeoutMs: 10_000,
    approve: DEFAULT_STAGE_GATES,
    patience: NO_PATIENCE_LIMIT,
    notify: [],
  },
  owner: { name: 'Ada', email: 'ada@example.com' },
  createdAtMs: NOW_MS,
  requestId: null,
  type: 'task',
  for: null,
  blocks: null,
  choices: [],
  default: null,
  parent: null,
};

export const SHELL_SPEC: TaskSpec = { ...SPEC, work: { kind: 'shell', run: 'true' } };

export function around(change: Partial<Surroundings> = {}): Surroundings {
  return { spec: SPEC, nowMs: NOW_MS, random: 0.5, ...change };
}

/** Two minutes on. */
export const LATER: Surroundings = around({ nowMs: NOW_MS + 120_000 });

/** The kinds of what the ledger has not confirmed, oldest first. */
export function happened(task: Task): string[] {
  return task.unrecorded.map((event) => event.happened.kind);
}

export function failureOf(kind: FailureKind, change: Partial<Failure> = {}): Failure {
  return { kind, message: `it was ${kind}`, next: 'do something', ...change };
}

export function checkpointOf(attempt: number, changed = true): Checkpoint {
  return { base: objectId(1), head: objectId(100 + attempt), attempt, changed };
}

const FACTS: AttemptFacts = { host: 'host-1', session: null, usage: null, checkpoint: null };

export function done(
  change: Partial<AttemptFacts> & {
    readonly summary?: string;
    readonly document?: string;
    readonly proposals?: readonly NewTask[];
  } = {},
): AttemptOutcome {
  return { kind: 'done', summary: 'it is done', document: null, proposals: [], ...FACTS, ...change };
}

export function asked(change: Partial<Question> = {}, facts: Partial<AttemptFacts> = {}): AttemptOutcome {
  return { kind: 'question', questions: [questionOf(change)], ...FACTS, ...facts };
}

export function questionOf(change: Partial<Question> = {}): Question {
  return { text: 'Which one?', choices: [], default: null, patience: {}, ...change };
}

export function proposed(change: Partial<Proposal> = {}, facts: Partial<AttemptFacts> = {}): AttemptOutcome {
  return { kind: 'proposal', proposal: proposalOf(change), ...FACTS, ...facts };
}

function proposalOf(change: Partial<Proposal> = {}): Proposal {
  return { kind: 'effect', title: 'Drop the table', body: 'drop table users', items: [], ...change };
}

export function failed(kind: FailureKind, change: Partial<Failure> = {}): AttemptOutcome {
  return { kind: 'failed', failure: failureOf(kind, change), ...FACTS };
}

export const LANDING: Landing = {
  commit: objectId(7),
  tree: objectId(8),
  main: objectId(9),
  attempt: 3,
  gateHash: 'gate',
};

export const REQUEST: RevisionRequest = {
  kind: 'conflict',
  main: objectId(9),
  text: 'a.txt conflicts',
  files: ['a.txt'],
  failedCommand: null,
  evidence: '<<<<<<<',
  landedSince: [],
};

export const HELD: Held = { kind: 'checkout', text: 'the checkout is dirty', sinceMs: NOW_MS };

export function after(task: Task, events: readonly TaskInputEvent[], surroundings: Surroundings = around()): Task {
  return events.reduce((next, event) => nextTask(next, event, surroundings), task);
}

export function attemptEnded(attempt: number, outcome: AttemptOutcome): TaskInputEvent {
  return { kind: 'attempt-ended', attempt, outcome };
}

/** A task that has come to a stage by what really leads there. */
export function taskIn(kind: Stage['kind']): Task {
  const begun = newTask(around());
  const landing = after(begun, [
    attemptEnded(1, done()),
    attemptEnded(2, done()),
    attemptEnded(3, done({ checkpoint: checkpointOf(3) })),
  ]);
  const at: Record<Stage['kind'], Task> = {
    phase: begun,
    backoff: after(begun, [attemptEnded(1, failed('agent-failed'))]),
    asking: after(begun, [attemptEnded(1, asked())]),
    parked: after(
      begun,
      [1, 2, 3, 4, 5].map((attempt) => attemptEnded(attempt, failed('worker-lost'))),
    ),
    blocked: after(begun, [{ kind: 'block', by: taskId(2), text: 'Which database?' }, attemptEnded(1, done())]),
    landing,
    withdrawing: after(landing, [{ kind: 'cancel' }]),
    ended: after(begun, [{ kind: 'cancel' }]),
  };
  return at[kind];
}

export function itemOf(task: number, attempt: number, change: Partial<QueueItem> = {}): QueueItem {
  return {
    taskId: taskId(task),
    attempt,
    head: objectId(task * 1_000 + attempt),
    base: objectId(1),
    title: `Task ${task}`,
    summary: '',
    author: SPEC.owner,
    enqueuedAtMs: NOW_MS - 5_000,
    priority: 'normal',
    placeMs: NOW_MS - 5_000 + task,
    returns: 0,
    mayReturn: 2,
    turnMs: 30 * 60_000,
    parent: null,
    ...change,
  };
}

export function candidateOf(number: number): Candidate {
  return {
    commit: objectId(number),
    tree: objectId(number + 1_000_000),
    main: objectId(9),
    gate: { setup: null, commands: [], hash: 'gate' },
  };
}

export interface Dice {
  /** In [0, 1). */
  roll(): number;
  below(limit: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** Mulberry32. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  const roll = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(roll() * limit);
  return { roll, below, pick: (from) => from[below(from.length)] ?? from[0] };
}

/** To run one history again, put its seed here and take the others away: they are fixed, so that a failure stays one. */
const SEEDS: readonly number[] = Array.from({ length: 150 }, (_, index) => 1_000 + index);

/** What must hold at every step of a history: cheaper than an expectation, of which there would be a million. */
export function holds(what: string, isTrue: boolean): void {
  if (!isTrue) throw new Error(`does not hold: ${what}`);
}

/** Runs a history for every seed; a failure names its seed. */
export function forEachSeed(history: (dice: Dice) => void): void {
  for (const seed of SEEDS) {
    try {
      history(diceOf(seed));
    } catch (error) {
      throw new Error(`the history of seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}
