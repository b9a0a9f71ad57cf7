/** Records for the ledger's tests, and a migrated ledger of one's own. */

import { afterAll } from '@jest/globals';
import type { BranchName, ObjectId, ProjectName, TaskId } from '../../src/core/ids.ts';
import type { AskView } from '../../src/core/ask-types.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import type { Happened, TaskEvent } from '../../src/core/task-events.ts';
import { openLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { testDatabase } from '../support/postgres.ts';

const opened: (() => Promise<void>)[] = [];

/** A ledger on a new database, migrated; closed and dropped after the file's last test. */
export async function migratedLedger(): Promise<{ ledger: Ledger; url: string }> {
  const database = await testDatabase();
  const ledger = openLedger({ url: database.url, applicationName: 'test', maxConnections: 4 });
  await ledger.migrate();
  opened.push(async () => {
    await ledger.close();
    await database.drop();
  });
  return { ledger, url: database.url };
}

afterAll(async () => {
  for (const close of opened.splice(0)) await close();
});

export const project = 'shop' as ProjectName;
const objectId = (digit: string): ObjectId => digit.repeat(40) as ObjectId;
export const taskId = (text: string): TaskId => text.padEnd(10, '0') as TaskId;

export function view(changes: Partial<TaskView> = {}): TaskView {
  return {
    id: taskId('a'),
    title: 'Add a --json flag',
    project,
    branch: 'main' as BranchName,
    origin: '/srv/git/shop.git',
    state: 'running',
    phase: 'understand',
    attempt: 1,
    waitingFor: null,
    commit: null,
    createdAt: '2026-02-03T04:05:06.789Z',
    endedAt: null,
    failure: null,
    agent: 'claude',
    owner: 'Ada',
    summary: null,
    revisions: 0,
    checkpoint: null,
    conflict: null,
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0.1 },
    requestId: null,
    type: 'task',
    parent: null,
    sequence: 2,
    ...changes,
  };
}

export function event(sequence: number, happened: Happened): TaskEvent {
  return { sequence, at: new Date(Date.UTC(2026, 1, 3, 4, 5, sequence)).toISOString(), happened };
}

export const ASK: AskView = {
  version: 1,
  kind: 'question',
  text: 'Which flag?',
  body: '',
  choices: ['--json', '--yaml'],
  default: null,
  items: [],
  for: null,
  since: '2026-02-03T04:05:04.000Z',
  expiresAt: null,
};

/** A task's whole life up to its landing, with one question. */
export const LIFE: readonly TaskEvent[] = [
  event(1, { kind: 'submitted', title: 'Add a --json flag', work: 'agent', type: 'task' }),
  event(2, { kind: 'attempt-scheduled', phase: 'understand', attempt: 1 }),
  event(3, {
    kind: 'attempt-ended',
    phase: 'understand',
    attempt: 1,
    outcome: 'question',
    host: 'h1',
    usage: { inputTokens: 10, outputTokens: 20, costUsd: 0.25 },
    summary: null,
    failure: null,
  }),
  event(4, { kind: 'asked', ask: ASK }),
  event(5, { kind: 'answered', version: 1, text: '--json', actor: 'Ada' }),
  event(6, { kind: 'attempt-scheduled', phase: 'understand', attempt: 2 }),
  event(7, {
    kind: 'attempt-ended',
    phase: 'understand',
    attempt: 2,
    outcome: 'failed',
    host: 'h2',
    usage: null,
    summary: null,
    failure: { kind: 'no-report', message: 'left no report', next: 'retry' },
  }),
  event(8, {
    kind: 'landed',
    landing: { commit: objectId('c'), tree: objectId('d'), main: objectId('e'), attempt: 2, gateHash: 'g1' },
  }),
  event(9, { kind: 'ended', end: 'landed', failure: null }),
];
