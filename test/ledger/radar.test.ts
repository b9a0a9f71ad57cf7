import { beforeAll, describe, expect, it } from '@jest/globals';
import type { BranchName, ObjectId, ProjectName } from '../../src/core/ids.ts';
import type { RadarReport } from '../../src/core/radar.ts';
import type { Checkpoint } from '../../src/core/task-types.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { migratedLedger, project, taskId, view } from './rig.ts';

let ledger: Ledger;
const branch = 'main' as BranchName;
const commit = 'a'.repeat(40) as ObjectId;

const ids = async (limit: number) => (await ledger.listWorks({ project, branch }, limit)).map(({ id }) => id);
const report = (at: string, looked: number): RadarReport => {
  return { project, branch, main: commit, at, looked, withMain: [], overlaps: [] };
};

beforeAll(async () => {
  ({ ledger } = await migratedLedger());
});

describe("the radar's works", () => {
  it('are the open tasks of the branch that have stored changes, those that are landing last', async () => {
    const checkpoint: Checkpoint = { base: commit, head: commit, attempt: 1, changed: true };
    const works = [
      view({ id: taskId('landing'), checkpoint, state: 'landing' }),
      view({ id: taskId('waiting'), checkpoint, state: 'waiting' }),
      view({ id: taskId('nothing'), checkpoint: { ...checkpoint, changed: false } }),
      view({ id: taskId('begun') }),
      view({ id: taskId('over'), checkpoint, state: 'failed', endedAt: '2026-02-03T04:05:06.789Z' }),
      view({ id: taskId('branch'), checkpoint, branch: 'next' as BranchName }),
      view({ id: taskId('other'), checkpoint, project: 'other' as ProjectName }),
    ];
    for (const one of works) await ledger.record(one, []);
    expect(await ids(10)).toEqual([taskId('waiting'), taskId('landing')]);
    expect(await ids(1)).toEqual([taskId('waiting')]);
  });
});

describe("the radar's reports", () => {
  it('are one a branch, the newest one whatever comes last', async () => {
    const newest = report('2026-02-03T04:05:07.000Z', 2);
    for (const one of [report('2026-02-03T04:05:06.000Z', 1), newest, report('2026-02-03T04:05:05.000Z', 3)]) {
      await ledger.saveRadar(one);
    }
    await ledger.saveRadar({ ...newest, project: 'other' as ProjectName });
    expect(await ledger.readRadar(project)).toEqual([newest]);
    expect(await ledger.readRadar(null)).toHaveLength(2);
  });
});
