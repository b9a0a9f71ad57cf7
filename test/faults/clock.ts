/**
 * The clock of a host jumps, as it does when it is set or when a machine was asleep: for the engine's own processes there, two
 * hours forwards or one back, with work in every stage. Temporal's server and Postgres keep the right time.
 */

import { writeFile } from 'node:fs/promises';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hostsOf } from '../../src/core/hosts.ts';
import { thisProcess } from '../../src/git/lock.ts';
import { eventually } from '../support/eventually.ts';
import { sendSignal } from '../../src/process/proc.ts';
import { beginEverywhere, EVERYWHERE, untilLanded } from './everywhere.ts';
import { between } from './random.ts';
import { ShiftedClock } from './shifted-clock.ts';
import { runStorms, type Found, type Scene, type Storm, type StormsOptions } from './storms.ts';
import type { Report } from './table.ts';

const HOUR_MS = 60 * 60_000;
const FORWARDS = 2 * HOUR_MS;
const BACK = -HOUR_MS;
/** What must be told to the ledger soon after it is back, whatever the clock says. */
const TOLD_LIMIT_MS = 60_000;
/** Longer than a heartbeat may be missed. */
const LONG_MS = [16_000, 22_000] as const;
const WORK = 'mkdir -p work; echo "$TASKS_TASK_ID" > "work/$TASKS_TASK_ID"';

export function runClock(options: StormsOptions): Promise<Report> {
  const clock = new ShiftedClock(options.folder);
  const jumps = (name: string, run: (scene: Scene, clock: ShiftedClock, ms: number) => Promise<Found>): Storm[] =>
    [FORWARDS, BACK].map((ms) => ({
      name: `${ms > 0 ? 'two hours forwards' : 'an hour back'}, ${name}`,
      run: async (scene) => {
        try {
          return await run(scene, clock, ms);
        } finally {
          clock.jumpTo(0);
        }
      },
    }));
  const storms = [
    ...jumps('with work in every stage', underWork),
    ...jumps('and the right time again while they go on', thereAndBack),
    ...jumps('while the worker is killed', whileKilled),
    ...jumps('while the ledger is away', whileAway),
    ...jumps('while a repository is locked', whileLocked),
    ...jumps('with locks left on the origin', withLocks),
    ...jumps('on one of two hosts', onOneOfTwo),
  ];
  // When an attempt began its host alone knows, by its own clock.
  return runStorms(options, { ...EVERYWHERE, storms, env: clock.env, excused: ['began_at'] });
}

async function underWork(scene: Scene, clock: ShiftedClock, ms: number): Promise<Found> {
  const tasks = await beginEverywhere(scene);
  clock.jumpTo(ms);
  await pause(between(scene.random, ...LONG_MS));
  await scene.project.letGo();
  return ended(scene, await untilLanded(scene, tasks));
}

async function thereAndBack(scene: Scene, clock: ShiftedClock, ms: number): Promise<Found> {
  const tasks = await beginEverywhere(scene);
  clock.jumpTo(ms);
  await scene.project.letGo();
  await pause(between(scene.random, 0, 2_000));
  clock.jumpTo(0);
  return ended(scene, await untilLanded(scene, tasks), 2);
}

/** Whatever it had leased or locked was so under another time. */
async function whileKilled(scene: Scene, clock: ShiftedClock, ms: number): Promise<Found> {
  const tasks = await beginEverywhere(scene);
  const worker = await scene.worker();
  const killed = await worker.kill(() => scene.project.letGo());
  clock.jumpTo(ms);
  await scene.worker();
  const wrong = await untilLanded(scene, tasks);
  return { faults: 2, wrong: killed.goneAfterMs === null ? [...wrong, `left: ${killed.left.join(', ')}`] : wrong };
}

/** Whoever waits for it to be back waits by its own clock. */
async function whileAway(scene: Scene, clock: ShiftedClock, ms: number): Promise<Found> {
  const { stand, project } = scene;
  const task = await scene.submit(
    'Says something',
    `until [ -e '${project.told}/go' ]; do sleep 0.1; done; echo heard; ${WORK}`,
  );
  await eventually('it to run', async () => (await stand.ledger.readTask(task.id))?.state === 'running');
  const postgres = await stand.pidOf('postgres');
  if (postgres === null) throw new Error('there is no Postgres');
  sendSignal(postgres, 'SIGKILL');
  await project.letGo();
  // It has to be missed first.
  await pause(between(scene.random, 300, 1_500));
  clock.jumpTo(ms);
  const wrong = [...(await untilLanded(scene, [task]))];
  try {
    const isHeard = async () =>
      (await stand.ledger.readLogs(task.id, null, 100)).some(({ text }) => text.includes('heard'));
    await eventually('the ledger to have its output', isHeard, TOLD_LIMIT_MS);
    const isEnded = async () => (await stand.ledger.readTask(task.id))?.state === 'landed';
    await eventually('the ledger to know that it landed', isEnded, TOLD_LIMIT_MS);
  } catch (error) {
    wrong.push(String(error));
  }
  return ended(scene, wrong, 2);
}

/** By a process that lives: this one. Whoever waits for it goes on waiting. */
async function whileLocked(scene: Scene, clock: ShiftedClock, ms: number): Promise<Found> {
  const locks = ['mirrors', 'landing'].flatMap((kind) =>
    readdirSync(join(scene.home, kind))
      .filter((name) => name.endsWith('.git') || name.endsWith('.engine'))
      .map((name) => join(scene.home, kind, `${name}.lock`)),
  );
  for (const lock of locks) {
    await eventually(`${lock} to be free`, () => {
      writeFileSync(lock, thisProcess(), { flag: 'wx' });
      return true;
    });
  }
  const task = await scene.submit('Waits for its turn (commits)');
  await pause(between(scene.random, 1_000, 3_000));
  clock.jumpTo(ms);
  await pause(between(scene.random, 1_000, 3_000));
  for (const lock of locks) rmSync(lock);
  const wrong = [...(await untilLanded(scene, [task]))];
  const failures = (await scene.stand.ledger.readAttempts(task.id)).filter(({ failure }) => failure !== null);
  wrong.push(...failures.map(({ failure }) => `an attempt failed: ${JSON.stringify(failure)}`));
  return ended(scene, wrong, 1 + locks.length);
}

/** As a git leaves them that was killed under the other time. */
async function withLocks(scene: Scene, clock: ShiftedClock, ms: number): Promise<Found> {
  clock.jumpTo(ms);
  const locks = ['HEAD.lock', 'packed-refs.lock', 'refs/heads/main.lock'].map((name) =>
    join(scene.project.origin, name),
  );
  for (const lock of locks) await writeFile(lock, '');
  const task = await scene.submit('Meets locks (commits)');
  return ended(scene, await untilLanded(scene, [task]), 1 + locks.length);
}

/** The other one has the right time. Both are heard of, and both are of use. */
async function onOneOfTwo(scene: Scene, clock: ShiftedClock, ms: number): Promise<Found> {
  const { stand, client } = scene;
  const other = await stand.startWorker({ name: 'other', namespace: client.options.namespace, agents: 2, gates: 1 });
  try {
    const tasks = await beginEverywhere(scene);
    clock.jumpTo(ms);
    await pause(between(scene.random, ...LONG_MS));
    const hosts = hostsOf(await stand.ledger.readWorkers(), []).filter(({ state }) => state === 'up');
    const wrong = hosts.length === 2 ? [] : [`${hosts.length} hosts are up, not two`];
    await scene.project.letGo();
    return await ended(scene, [...wrong, ...(await untilLanded(scene, tasks))]);
  } finally {
    await other.stop();
  }
}

async function ended(scene: Scene, wrong: readonly string[], faults = 1): Promise<Found> {
  return { faults, wrong: scene.isUp ? wrong : [...wrong, 'the worker has ended by itself'] };
}
