import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ProjectName } from '../../src/core/ids.ts';
import { appendLogs } from '../../src/ledger/append-logs.ts';
import { openDatabase, type Statement } from '../../src/ledger/database.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { LogChunk } from '../../src/ledger/types.ts';
import { eventually } from '../support/eventually.ts';
import { migratedLedger, project, taskId } from './rig.ts';

let ledger: Ledger;
let url: string;

beforeAll(async () => {
  ({ ledger, url } = await migratedLedger());
});

const at = '2026-02-03T04:05:06.789Z';
const chunk = (id: string, offset: number, text: string): LogChunk => ({
  taskId: taskId(id),
  attempt: 1,
  stream: 'agent',
  run: 0,
  offset,
  text,
  at,
});

describe('logs', () => {
  it('come back in their order, from a cursor on, and only once', async () => {
    const chunks = [chunk('a', 0, 'one'), chunk('a', 3, 'two'), chunk('a', 6, 'three')];
    await ledger.appendLogs(chunks.slice(0, 2));
    await ledger.appendLogs(chunks);
    await ledger.appendLogs([chunk('b', 0, 'of another task')]);
    const first = await ledger.readLogs(taskId('a'), null, 2);
    const rest = await ledger.readLogs(taskId('a'), first.at(-1)?.cursor ?? null, 10);
    expect([...first, ...rest]).toEqual(chunks.map((chunk) => ({ ...chunk, cursor: expect.any(String) })));
    expect(await ledger.readLogs(taskId('a'), rest.at(-1)?.cursor ?? null, 10)).toEqual([]);
  });

  it('show a follower every chunk that many writers append at once', async () => {
    const writers = Array.from({ length: 8 }, (_, writer) =>
      Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          ledger.appendLogs([
            { ...chunk('c', index, `${writer}/${index}`), stream: `gate:${writer}` },
            { ...chunk('d', index, 'x'), stream: `gate:${writer}` },
          ]),
        ),
      ),
    );
    const seen: string[] = [];
    let cursor: string | null = null;
    const follow = async (): Promise<void> => {
      for (const read of await ledger.readLogs(taskId('c'), cursor, 7)) {
        seen.push(read.text);
        ({ cursor } = read);
      }
    };
    await eventually('all 80 chunks', async () => {
      await follow();
      return seen.length >= 80;
    });
    await Promise.all(writers);
    await follow();
    expect(seen.toSorted()).toEqual(
      Array.from({ length: 80 }, (_, index) => `${Math.floor(index / 10)}/${index % 10}`).toSorted(),
    );
  });

  it('get no cursor below one of the same task that may have been read', async () => {
    const database = openDatabase({ url, applicationName: 'test', maxConnections: 2 });
    const order: string[] = [];
    let later: Promise<unknown> = Promise.resolve();
    await database.transaction(5_000, async (run) => {
      const within = {
        ...database,
        query: async ({ text, values }: Statement) => {
          await run(text, values);
          return [];
        },
      };
      await appendLogs(within, [chunk('g', 0, 'first')]);
      later = ledger.appendLogs([chunk('g', 5, 'second')]).then(() => order.push('second'));
      await eventually('the second to wait for the first', async () => {
        const [waiting] = await run(
          "select 1 from pg_stat_activity where wait_event = 'advisory' and datname = current_database()",
        );
        return waiting !== undefined;
      });
      order.push('first');
    });
    await later;
    expect(order).toEqual(['first', 'second']);
    expect((await ledger.readLogs(taskId('g'), null, 10)).map(({ text }) => text)).toEqual(['first', 'second']);
    await database.close();
  });

  it('lose their NUL characters', async () => {
    await ledger.appendLogs([chunk('e', 0, 'a\0b')]);
    expect(await ledger.readLogs(taskId('e'), null, 1)).toMatchObject([{ text: 'ab' }]);
  });
});

describe('artifacts', () => {
  it('are kept as first saved, and cut at 256 KiB', async () => {
    const artifact = { taskId: taskId('f'), attempt: 1, name: 'plan.md', bytes: 8, content: 'the plan' };
    await ledger.saveArtifacts([
      artifact,
      { ...artifact, name: 'outputs/a', bytes: 400_000, content: 'é'.repeat(200_000) },
    ]);
    await ledger.saveArtifacts([{ ...artifact, content: 'another' }]);
    const [output, plan] = await ledger.readArtifacts(taskId('f'));
    expect(plan).toEqual(artifact);
    expect(output).toMatchObject({ bytes: 400_000, content: 'é'.repeat(131_072) });
  });
});

describe('a project', () => {
  it('belongs to the origin that took its name first', async () => {
    const name = 'taken' as ProjectName;
    expect(await ledger.originOf(name)).toBeNull();
    expect(await ledger.bindProject(name, '/srv/a.git')).toBe(true);
    expect(await ledger.bindProject(name, '/srv/b.git')).toBe(false);
    expect(await ledger.bindProject(name, '/srv/a.git')).toBe(true);
    expect(await ledger.originOf(name)).toBe('/srv/a.git');
  });

  it('is given to one of several that ask at once', async () => {
    const origins = Array.from({ length: 8 }, (_, index) => `/srv/${index}.git`);
    const bound = await Promise.all(origins.map((origin) => ledger.bindProject('raced' as ProjectName, origin)));
    expect(bound.filter(Boolean)).toHaveLength(1);
    expect(await ledger.originOf('raced' as ProjectName)).toBe(origins[bound.indexOf(true)]);
  });
});

describe('a verdict', () => {
  it('makes a tree green under the gate that it was given under, and red ones never do', async () => {
    const verdict = { project, taskId: taskId('g'), text: 'x\0', durationMs: 12.5 };
    await ledger.saveVerdict({ ...verdict, tree: 't1', gateHash: 'g1', kind: 'red' });
    expect(await ledger.isGreen('t1', 'g1')).toBe(false);
    await ledger.saveVerdict({ ...verdict, tree: 't1', gateHash: 'g1', kind: 'green' });
    await ledger.saveVerdict({ ...verdict, tree: 't1', gateHash: 'g1', kind: 'green' });
    expect(await ledger.isGreen('t1', 'g1')).toBe(true);
    expect(await ledger.isGreen('t1', 'g2')).toBe(false);
    expect(await ledger.isGreen('t2', 'g1')).toBe(false);
  });
});
