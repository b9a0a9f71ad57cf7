/**
 * Workers of the version before beside those of this one, on the same servers: with work in every stage one of the two is
 * killed, and the other carries all of it on. No workflow may come to another decision than its history (N11).
 */

import { join } from 'node:path';
import { beginEverywhere, EVERYWHERE, untilLanded } from './everywhere.ts';
import { between, pick } from './random.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { runStorms, type Found, type Scene, type Storm, type StormsOptions } from './storms.ts';
import type { FaultWorker } from './stand.ts';
import type { Report } from './table.ts';

// temporal.api.enums.v1.WorkflowTaskFailedCause, by number: the client's package does not export the enumeration itself.
const NON_DETERMINISTIC = 24;
const HOSTS = { new: 'host', old: 'previous' } as const;

/** @param previous the folder of the version before, built */
export function runVersions(options: StormsOptions, previous: string): Promise<Report> {
  const program = join(previous, 'dist/worker/main.js');
  const storms: readonly Storm[] = [
    { name: 'the old one is killed', run: (scene) => handOver(scene, program, 'old') },
    { name: 'the new one is killed, and comes back', run: (scene) => handOver(scene, program, 'new') },
    { name: 'the old one alone, and then the new one alone', run: (scene) => replace(scene, program) },
    { name: 'both, killed in turns', run: (scene) => takeTurns(scene, program) },
  ];
  return runStorms(options, { ...EVERYWHERE, storms, check: nonDeterminism });
}

function startOld(scene: Scene, program: string): Promise<FaultWorker> {
  const { namespace } = scene.client.options;
  return scene.stand.startWorker({ name: HOSTS.old, namespace, program, ...EVERYWHERE.slots });
}

/** Both run; one is killed, and is away for a while. */
async function handOver(scene: Scene, program: string, victim: 'old' | 'new'): Promise<Found> {
  let old = await startOld(scene, program);
  try {
    const tasks = await beginEverywhere(scene);
    const worker = victim === 'old' ? old : await scene.worker();
    const killed = await worker.kill(() => scene.project.letGo());
    const wrong = killed.goneAfterMs === null ? [`left: ${killed.left.join(', ')}`] : [];
    await pause(between(scene.random, 0, 20_000));
    if (victim === 'old') old = await startOld(scene, program);
    else await scene.worker();
    return { faults: 1, wrong: [...wrong, ...(await untilLanded(scene, tasks))] };
  } finally {
    await old.stop();
  }
}

/** As an upgrade goes: all was begun under the old one, and only the new one is there to end it. */
async function replace(scene: Scene, program: string): Promise<Found> {
  await (await scene.worker()).stop();
  const old = await startOld(scene, program);
  try {
    const tasks = await beginEverywhere(scene);
    const killed = await old.kill(() => scene.project.letGo());
    await scene.worker();
    const wrong = await untilLanded(scene, tasks);
    return { faults: 1, wrong: killed.goneAfterMs === null ? [...wrong, `left: ${killed.left.join(', ')}`] : wrong };
  } finally {
    await old.stop();
  }
}

async function takeTurns(scene: Scene, program: string): Promise<Found> {
  let old = await startOld(scene, program);
  try {
    const tasks = await beginEverywhere(scene);
    const turns = 6;
    await scene.project.letGo();
    for (let turn = 0; turn < turns; turn += 1) {
      await pause(between(scene.random, 100, 3_000));
      if (pick(scene.random, ['old', 'new']) === 'old') {
        await old.kill();
        old = await startOld(scene, program);
      } else {
        await (await scene.worker()).kill();
        await scene.worker();
      }
    }
    return { faults: turns, wrong: await untilLanded(scene, tasks) };
  } finally {
    await old.stop();
  }
}

/** Of every workflow's history: where a worker came to another decision. */
async function nonDeterminism({ client }: Scene): Promise<readonly string[]> {
  const wrong: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const { workflowTaskFailedEventAttributes: failed } of events ?? []) {
      if (
        Number(failed?.cause) === NON_DETERMINISTIC ||
        /nondetermin|TMPRL1100/i.test(failed?.failure?.message ?? '')
      ) {
        wrong.push(`${workflowId}: by ${failed?.identity}: ${failed?.failure?.message}`);
      }
    }
  }
  return wrong;
}
