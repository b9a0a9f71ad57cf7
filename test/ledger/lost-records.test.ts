/**
 * Records of what never came into a workflow's history: its worker told of it and died, or stood still, and the workflow
 * went on otherwise.
 */

import { beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import type { Happened, TaskEvent } from '../../src/core/task-events.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { ASK, event, migratedLedger, taskId, view } from './rig.ts';

let ledger: Ledger;

beforeAll(async () => {
  ({ ledger } = await migratedLedger());
});

const SUBMITTED = event(1, { kind: 'submitted', title: 'Work', work: 'agent', type: 'task' });
const ASKED: Happened = { kind: 'asked', ask: ASK };
const REFUSED: Happened = { kind: 'refused', message: 'answer', reason: 'nothing is open', actor: 'Bo' };
/** Told again by another worker, a while after. */
const again = (sequence: number, happened: Happened): TaskEvent => ({
  ...event(sequence, happened),
  at: event(sequence + 10, happened).at,
});

const record = (id: TaskId, events: readonly TaskEvent[], changes: Parameters<typeof view>[0]): Promise<void> =>
  ledger.record(view({ id, sequence: events.at(-1)?.sequence ?? 0, ...changes }), events);

const ended = (failure: string | null): Happened => ({
  kind: 'attempt-ended',
  attempt: 1,
  phase: 'execute',
  outcome: failure === null ? 'done' : 'failed',
  failure: failure === null ? null : { kind: 'canceled', message: failure, next: 'nothing' },
  host: failure === null ? 'h1' : null,
  summary: failure === null ? 'Done.' : null,
  usage: null,
});

describe('what was recorded and is not so', () => {
  const lost = [SUBMITTED, event(2, ASKED)];
  const real = [again(2, REFUSED), again(3, ASKED)];

  it.each([
    ['before', [lost, real]],
    ['after', [[SUBMITTED], real, lost]],
  ])('gives way to what is, when it was recorded %s that', async (when, records) => {
    const id = taskId(when);
    for (const events of records) await record(id, events, { state: events === lost ? 'waiting' : 'landing' });
    expect(await ledger.readEvents(id)).toEqual([SUBMITTED, ...real]);
    expect(await ledger.readTask(id)).toMatchObject({ state: 'landing', sequence: 3 });
  });

  it('gives way to less, too, and leaves nothing behind', async () => {
    const id = taskId('less');
    await record(id, [...lost, event(3, ASKED)], { state: 'waiting' });
    const ended = again(2, REFUSED);
    await record(id, [ended], { state: 'canceled', endedAt: ended.at });
    expect(await ledger.readTask(id)).toMatchObject({ state: 'canceled', sequence: 2 });
    expect(await ledger.readEvents(id)).toEqual([SUBMITTED, ended]);
  });

  it('is not what is read out of it', async () => {
    const id = taskId('read');
    await record(id, [event(2, ended(null))], {});
    await record(id, [again(2, ended('It was canceled.'))], {});
    expect(await ledger.readAttempts(id)).toMatchObject([
      { outcome: 'failed', host: null, endedAt: again(2, ended(null)).at, failure: { kind: 'canceled' } },
    ]);
  });

  it('stays as it was told first where it happens again as it was', async () => {
    const id = taskId('same');
    await record(id, lost, {});
    await record(id, [again(2, ASKED)], {});
    expect(await ledger.readEvents(id)).toEqual(lost);
  });
});
