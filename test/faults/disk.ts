/**
 * Full disks: of a host's state home, of an origin, and of the stack with Temporal's and Postgres's data, filled to the last
 * byte with work in every stage. What cannot go on says why; once there is room everything comes to its right end.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { tasks as tasksCommand } from './commands.ts';
import { beginEverywhere, EVERYWHERE, untilLanded } from './everywhere.ts';
import { placeOf } from './project.ts';
import { between } from './random.ts';
import { SmallDisk } from './small-disk.ts';
import { runStorms, type Found, type Scene, type Storm, type StormsOptions } from './storms.ts';
import type { Submitted } from './submitting.ts';
import type { Report } from './table.ts';

const HOST_MEBIBYTES = 96;
const ORIGIN_MEBIBYTES = 64;
/** Temporal's and Postgres's; what is left of it once they run is the second number. */
const STACK_MEBIBYTES = [2_048, 48] as const;
/** Longer than a heartbeat may be missed, and than several tries take. */
const FULL_MS = [16_000, 24_000] as const;
const SAID_LIMIT_MS = 40_000;
const SAYS_SO = /no space|disk|make room|ENOSPC|quota/i;

interface Disks {
  readonly host: SmallDisk;
  readonly origin: SmallDisk;
  readonly stack: SmallDisk;
}

export async function runDisk(options: StormsOptions): Promise<Report> {
  const { folder } = options;
  const disks: Disks = {
    host: await SmallDisk.mount(join(folder, 'host'), HOST_MEBIBYTES),
    origin: await SmallDisk.mount(join(folder, 'project/origin.git'), ORIGIN_MEBIBYTES),
    stack: await SmallDisk.mount(join(folder, 'home'), STACK_MEBIBYTES[0]),
  };
  const all = Object.values(disks) as readonly SmallDisk[];
  const filled = (name: string, run: (scene: Scene, disks: Disks) => Promise<Found>): Storm => ({
    name,
    run: async (scene) => {
      try {
        return await run(scene, disks);
      } finally {
        for (const disk of all) await disk.free();
      }
    },
  });
  const storms = [
    filled('the disk of the host is full', (scene) => fillUnderWork(scene, disks.host)),
    filled('the disk of the host is full now and then', fillNowAndThen),
    filled('a worker starts on a full disk', startOnFull),
    filled('the disk of the origin is full', (scene) => fillUnderWork(scene, disks.origin)),
    filled('the disk of Temporal and Postgres is full', fillStack),
  ];
  try {
    // As much as Tributary keeps free by itself is more than these disks have.
    return await runStorms(options, { ...EVERYWHERE, storms, host: ['limits: { free: 1MiB }'] });
  } finally {
    for (const disk of all) await disk.unmount();
  }
}

/** Each that has not ended by then says that it is the disk. */
async function fillUnderWork(scene: Scene, disk: SmallDisk): Promise<Found> {
  const begun = await beginEverywhere(scene);
  disk.fill();
  const late = await scene.submit('Comes to a full disk (commits)');
  await scene.project.letGo();
  await pause(between(scene.random, ...FULL_MS));
  const wrong = await whatSaysNothing(scene, [...begun, late]);
  await disk.free();
  wrong.push(...(await untilLanded(scene, [...begun, late])));
  return { faults: 1, wrong: withWorker(scene, wrong) };
}

/** Room for a moment is enough for half of something. */
async function fillNowAndThen(scene: Scene, { host }: Disks): Promise<Found> {
  const begun = await beginEverywhere(scene);
  host.fill();
  await scene.project.letGo();
  const times = 12;
  for (let time = 0; time < times; time += 1) {
    await pause(between(scene.random, 200, 1_500));
    await host.free();
    await pause(between(scene.random, 5, 400));
    host.fill();
  }
  await host.free();
  return { faults: times, wrong: withWorker(scene, await untilLanded(scene, begun)) };
}

async function startOnFull(scene: Scene, { host }: Disks): Promise<Found> {
  const begun = await beginEverywhere(scene);
  const worker = await scene.worker();
  const killed = await worker.kill(() => scene.project.letGo());
  const wrong = killed.goneAfterMs === null ? [`left: ${killed.left.join(', ')}`] : [];
  host.fill();
  try {
    await scene.worker();
  } catch (error) {
    // It may say so and end: whoever supervises it starts it again.
    if (!SAYS_SO.test(String(error))) wrong.push(`the worker does not say that the disk is full: ${String(error)}`);
  }
  await pause(between(scene.random, 2_000, 6_000));
  await host.free();
  await scene.worker();
  return { faults: 2, wrong: withWorker(scene, [...wrong, ...(await untilLanded(scene, begun))]) };
}

/** Neither can take anything meanwhile; both go on by themselves. */
async function fillStack(scene: Scene, { stack }: Disks): Promise<Found> {
  const begun = await beginEverywhere(scene);
  await stack.shrink(STACK_MEBIBYTES[1]);
  stack.fill();
  await scene.project.letGo();
  await pause(between(scene.random, ...FULL_MS));
  await stack.free();
  return { faults: 1, wrong: withWorker(scene, await untilLanded(scene, begun)) };
}

/** Of those that have not ended: neither an attempt nor what it waits for nor the queue speaks of the disk. */
async function whatSaysNothing(scene: Scene, all: readonly Submitted[]): Promise<string[]> {
  const silent = async (): Promise<readonly string[]> => {
    const queue = await tasksCommand(placeOf(scene.project, scene.env), ['queue']);
    return (await Promise.all(all.map((task) => saidInstead(scene, task, queue.stdout)))).filter(
      (text) => text !== null,
    );
  };
  let last: readonly string[] = [];
  await eventually('all to say so', async () => (last = await silent()).length === 0, SAID_LIMIT_MS).catch(() => null);
  return [...last];
}

/** Null of one that says so, has ended, or waits for whom it has asked, whatever else is full. */
async function saidInstead({ stand }: Scene, { id, title }: Submitted, queue: string): Promise<string | null> {
  const view = await stand.ledger.readTask(id);
  const waiting = view?.waitingFor ?? null;
  if (view === null) return `${title} (${id}) is not on record`;
  if (view.endedAt !== null || waiting?.kind === 'question') return null;
  const failures = (await stand.ledger.readAttempts(id)).map(({ failure }) => JSON.stringify(failure));
  const said = [...failures, view.failure?.message ?? '', waiting?.text ?? '', view.state === 'landing' ? queue : ''];
  return said.some((text) => SAYS_SO.test(text)) ? null : `${title} (${id}) does not name the disk: ${said.join('; ')}`;
}

function withWorker(scene: Scene, wrong: readonly string[]): readonly string[] {
  return scene.isUp ? wrong : [...wrong, 'the worker has ended by itself'];
}
