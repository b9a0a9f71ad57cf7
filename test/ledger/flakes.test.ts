import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ProjectName } from '../../src/core/ids.ts';
import type { Flake } from '../../src/ledger/flakes.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { migratedLedger, project, taskId } from './rig.ts';

let ledger: Ledger;

beforeAll(async () => {
  ({ ledger } = await migratedLedger());
});

const other = 'other' as ProjectName;
const at = new Date().toISOString();
const flake = (test: string, tree: string, of: ProjectName = project): Flake => {
  return {
    project: of,
    test,
    tree,
    gateHash: 'g',
    command: 'npm test',
    text: 'exited with 1',
    taskId: taskId('a'),
    at,
  };
};

describe('flakes', () => {
  it('are listed by test, the most frequent first, against the runs that there were', async () => {
    for (const tree of ['1', '2', '3', '4']) {
      const verdict = {
        tree,
        gateHash: 'g',
        kind: 'green',
        project,
        taskId: taskId('a'),
        text: '',
        durationMs: 1,
      } as const;
      await ledger.saveVerdict(verdict);
    }
    const found = [flake('sorts', '1'), flake('sorts', '1'), flake('sorts', '2'), flake('adds', '1')];
    for (const one of [...found, flake('of another project', '1', other)]) await ledger.saveFlake(one);
    const rows = await ledger.listFlakes(project, 10);
    expect(rows).toEqual([
      { project, test: 'sorts', command: 'npm test', flakes: 2, runs: 4, rate: 0.5, lastAt: at },
      { project, test: 'adds', command: 'npm test', flakes: 1, runs: 4, rate: 0.25, lastAt: at },
    ]);
    expect(await ledger.listFlakes(null, 10)).toHaveLength(3);
    expect(await ledger.listFlakes(null, 1)).toHaveLength(1);
  });

  it('without a verdict on record are one of one', async () => {
    expect(await ledger.listFlakes(other, 10)).toMatchObject([{ flakes: 1, runs: 1, rate: 1 }]);
  });
});
