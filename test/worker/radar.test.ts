/** When the radar of a worker looks; what it sees and tells is in test/git, test/core and test/e2e. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import type { RadarReport, Sight } from '../../src/core/radar.ts';
import { newTask } from '../../src/core/task.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { viewOf } from '../../src/core/task-view.ts';
import { Radar, type RadarOptions } from '../../src/worker/radar.ts';
import { after, around, asked, attemptEnded, checkpointOf, objectId, SPEC } from '../core/rig.ts';
import { eventually } from '../support/eventually.ts';

/** It has stored work, and waits for an answer. */
const VIEW: TaskView = viewOf(
  after(newTask(around()), [attemptEnded(1, asked({}, { checkpoint: checkpointOf(1) }))]),
  SPEC,
);
const NOTHING: Sight = { main: objectId(9), seen: [VIEW.id], conflicts: new Map(), overlaps: [] };

const radars: Radar[] = [];
afterEach(async () => {
  for (const radar of radars.splice(0)) await radar.stop();
});

function radarOf(change: Partial<Pick<RadarOptions, 'git' | 'ledger' | 'gatherMs'>> = {}) {
  const seen = { looks: 0, reports: [] as RadarReport[], log: [] as string[] };
  const radar = new Radar({
    // Nobody answers there: nobody is to be told anything.
    client: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
    git: {
      lookAround: () => {
        seen.looks += 1;
        return Promise.resolve(NOTHING);
      },
    },
    ledger: {
      listWorks: () => Promise.resolve([VIEW]),
      saveRadar: (report) => {
        seen.reports.push(report);
        return Promise.resolve();
      },
    },
    gatherMs: 10,
    stopMs: 20,
    log: (message) => seen.log.push(message),
    ...change,
  });
  radars.push(radar);
  return { radar, seen };
}

describe('the radar of a worker', () => {
  it('looks once for records that come together, and keeps what it saw', async () => {
    const { radar, seen } = radarOf();
    for (let record = 0; record < 50; record += 1) radar.onRecorded(VIEW);
    await eventually('a report', () => seen.reports.length > 0);
    expect(seen).toMatchObject({
      looks: 1,
      reports: [{ project: SPEC.project, main: objectId(9), looked: 1 }],
      log: [],
    });
    radar.onRecorded({ ...VIEW, state: 'landed' });
    await eventually('another look', () => seen.looks === 2);
  });

  it('is put off by no record that comes before it has looked', async () => {
    const { radar, seen } = radarOf({ gatherMs: 100 });
    const coming = setInterval(() => radar.onRecorded(VIEW), 5);
    try {
      await eventually('a look while records come', () => seen.looks > 0, 10_000);
    } finally {
      clearInterval(coming);
    }
  });

  it('does not look for what changes nothing, nor where no work is stored', async () => {
    let asked = 0;
    const { radar, seen } = radarOf({
      ledger: {
        listWorks: () => {
          asked += 1;
          return Promise.resolve([]);
        },
        saveRadar: () => Promise.reject(new Error('there is nothing to save')),
      },
    });
    radar.onRecorded({ ...VIEW, checkpoint: null });
    radar.onRecorded({ ...VIEW, state: 'landed' });
    await eventually('the ledger to be asked', () => asked > 0);
    await radar.stop();
    expect(asked).toBe(1);
    expect(seen).toMatchObject({ looks: 0, log: [] });
  });

  it('goes on after a look that failed', async () => {
    let asked = 0;
    const { radar, seen } = radarOf({
      ledger: {
        listWorks: () => {
          asked += 1;
          return asked === 1 ? Promise.reject(new Error('away')) : Promise.resolve([VIEW]);
        },
        saveRadar: () => Promise.resolve(),
      },
    });
    radar.onRecorded(VIEW);
    await eventually('the failure', () => seen.log.length === 1);
    radar.onRecorded(VIEW);
    await eventually('a look', () => seen.looks === 1);
  });

  it('looks no more once it has been stopped', async () => {
    const [stopped, other] = [radarOf(), radarOf()];
    await stopped.radar.stop();
    stopped.radar.onRecorded(VIEW);
    // Told later, and as soon to look: by then the first one would have looked.
    other.radar.onRecorded(VIEW);
    await eventually('the look of another', () => other.seen.looks === 1);
    expect(stopped.seen.looks).toBe(0);
  });

  it('is not held up at its end by a look that does not come back', async () => {
    const never = new Promise<Sight>(() => undefined);
    let looks = 0;
    const { radar } = radarOf({
      git: {
        lookAround: () => {
          looks += 1;
          return never;
        },
      },
    });
    radar.onRecorded(VIEW);
    await eventually('the look', () => looks === 1);
    await radar.stop();
  });
});
