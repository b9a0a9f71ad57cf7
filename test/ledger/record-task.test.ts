import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { MAX_EVENT_BYTES } from '../../src/ledger/bounds.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { event, LIFE, migratedLedger, taskId, view } from './rig.ts';

let ledger: Ledger;
let url: string;

beforeAll(async () => {
  ({ ledger, url } = await migratedLedger());
});

/** Every row of every table that a record writes, in a fixed order. */
async function everything(): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const tables = ['tasks', 'events', 'attempts', 'asks', 'landings'];
    const found: unknown[] = [];
    for (const table of tables) {
      const { rows } = await client.query<{ row: unknown }>(
        `select to_jsonb(t) as row from tributary.${table} t order by to_jsonb(t)::text`,
      );
      found.push([table, rows.map(({ row }) => row)]);
    }
    return found;
  } finally {
    await client.end();
  }
}

describe('a record', () => {
  it('gives back the view and the events as they were recorded', async () => {
    const id = taskId('b');
    const recorded = view({
      id,
      state: 'waiting',
      waitingFor: {
        kind: 'question',
        text: 'Which flag?',
        since: '2026-02-03T04:05:07.000Z',
        version: null,
        proposal: null,
        for: null,
        open: 0,
      },
      failure: { kind: 'no-report', message: 'left no report', next: 'retry', evidence: 'ünï\n"quoted"' },
      sequence: 9,
    });
    await ledger.record(recorded, LIFE);
    expect(await ledger.readTask(id)).toEqual(recorded);
    expect(await ledger.readEvents(id)).toEqual(LIFE);
  });

  it('reads the events out into attempts', async () => {
    const id = taskId('c');
    await ledger.record(view({ id, sequence: 9 }), LIFE);
    expect(await ledger.readAttempts(id)).toEqual([
      {
        attempt: 1,
        phase: 'understand',
        outcome: 'question',
        host: 'h1',
        startedAt: null,
        endedAt: '2026-02-03T04:05:03.000Z',
        usage: { inputTokens: 10, outputTokens: 20, costUsd: 0.25 },
        failure: null,
      },
      {
        attempt: 2,
        phase: 'understand',
        outcome: 'failed',
        host: 'h2',
        startedAt: null,
        endedAt: '2026-02-03T04:05:07.000Z',
        usage: null,
        failure: { kind: 'no-report', message: 'left no report', next: 'retry' },
      },
    ]);
  });

  it('goes on whatever an agent has said that it used: what cannot be recorded would keep its task out of every list', async () => {
    const id = taskId('q');
    const used = { inputTokens: 1.5, outputTokens: 1e300, costUsd: 1e300 };
    const ended = LIFE.map((one) =>
      one.happened.kind === 'attempt-ended' ? { ...one, happened: { ...one.happened, usage: used } } : one,
    );
    await ledger.record(view({ id, usage: used, sequence: 9 }), ended);
    expect(await ledger.readTask(id)).toMatchObject({ sequence: 9 });
    expect(await ledger.readAttempts(id)).toMatchObject([
      { usage: { inputTokens: 2, outputTokens: Number.MAX_SAFE_INTEGER } },
      { usage: { inputTokens: 2 } },
    ]);
  });

  it('changes nothing the second time', async () => {
    const id = taskId('d');
    await ledger.record(view({ id, sequence: 9 }), LIFE);
    const before = await everything();
    await ledger.record(view({ id, sequence: 9, title: 'another' }), LIFE);
    expect(await everything()).toEqual(before);
  });

  it('keeps the newer view when an older one comes late', async () => {
    const id = taskId('e');
    await ledger.record(view({ id, state: 'landed', sequence: 9 }), []);
    await ledger.record(view({ id, state: 'running', sequence: 2 }), LIFE.slice(0, 2));
    expect(await ledger.readTask(id)).toMatchObject({ state: 'landed', sequence: 9 });
    expect(await ledger.readEvents(id)).toHaveLength(2);
  });

  it('ends alike in whatever order and pieces the events come', async () => {
    const [one, other] = [taskId('f'), taskId('g')];
    await ledger.record(view({ id: one, sequence: 9 }), LIFE);
    for (const happened of LIFE.toReversed()) {
      await ledger.record(view({ id: other, sequence: happened.sequence }), [happened]);
    }
    expect(await ledger.readEvents(other)).toEqual(await ledger.readEvents(one));
    expect(await ledger.readAttempts(other)).toEqual(await ledger.readAttempts(one));
    expect(await ledger.readTask(other)).toEqual({ ...(await ledger.readTask(one)), id: other });
    const same = (rows: unknown): string => JSON.stringify(rows).replaceAll(other, one);
    const tables = (await everything()) as [string, { task_id: string }[]][];
    for (const name of ['asks', 'landings']) {
      const rows = tables.find(([table]) => table === name)?.[1] ?? [];
      const mine = rows.filter(({ task_id }) => task_id === other);
      expect(mine).toHaveLength(1);
      expect(same(mine)).toBe(JSON.stringify(rows.filter(({ task_id }) => task_id === one)));
    }
  });

  it('takes records of one task from many at once', async () => {
    const id = taskId('h');
    await Promise.all(
      LIFE.map((_, index) => ledger.record(view({ id, sequence: index + 1 }), LIFE.slice(0, index + 1))),
    );
    expect(await ledger.readEvents(id)).toEqual(LIFE);
    expect(await ledger.readTask(id)).toMatchObject({ sequence: 9 });
  });

  it('takes NUL characters and half surrogate pairs out of what it stores', async () => {
    const id = taskId('j');
    await ledger.record(view({ id, title: 'a\0b\ud800c', sequence: 1 }), [
      event(1, { kind: 'answered', version: 1, text: 'x\0y\udc00', actor: 'A\0da' }),
    ]);
    expect((await ledger.readTask(id))?.title).toBe('ab\ufffdc');
    expect((await ledger.readEvents(id))[0]?.happened).toMatchObject({ text: 'xy\ufffd', actor: 'Ada' });
  });

  it('cuts the evidence of an event that is too long, and keeps its end', async () => {
    const id = taskId('k');
    const evidence = `${'\u0001'.repeat(100_000)}the end`;
    await ledger.record(view({ id, sequence: 1 }), [
      event(1, {
        kind: 'ended',
        end: 'failed',
        failure: { kind: 'no-report', message: 'left no report', next: 'retry', evidence },
      }),
    ]);
    const stored = (await ledger.readEvents(id))[0]?.happened;
    expect(JSON.stringify(stored).length).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    expect(stored).toMatchObject({
      failure: { message: 'left no report', evidence: expect.stringMatching(/the end$/) },
    });
  });
});
