/**
 * A laptop that is closed for a while: servers, workers and all that these have started stand still together, longer than
 * heartbeats may be missed, and go on in any order. Work is in every stage as it happens.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '../../src/process/proc.ts';
import { beginEverywhere, EVERYWHERE, untilLanded } from './everywhere.ts';
import { treeOf } from './processes.ts';
import { between, type Random } from './random.ts';
import { runStorms, type Found, type Scene, type Storm, type StormsOptions } from './storms.ts';
import type { Report } from './table.ts';

type Part = 'supervisor' | 'temporal' | 'postgres' | 'worker';

interface Sleep {
  readonly parts: readonly Part[];
  /** How long, in milliseconds. */
  readonly ms: readonly [least: number, most: number];
  /** From one part's going on to the next one's, at the most. */
  readonly apartMs: number;
}

const ALL: readonly Part[] = ['supervisor', 'temporal', 'postgres', 'worker'];
/** A heartbeat may be missed for 15 seconds. */
const LONG = [38_000, 45_000] as const;

const STORMS: readonly Storm[] = [
  stands('everything stands still for 40 s and goes on at once', { parts: ALL, ms: LONG, apartMs: 0 }),
  stands('everything stands still for 40 s and goes on bit by bit', { parts: ALL, ms: LONG, apartMs: 6_000 }),
  stands('everything stands still for some seconds', { parts: ALL, ms: [2_000, 12_000], apartMs: 500 }),
  stands('only the servers stand still', { parts: ['temporal', 'postgres'], ms: LONG, apartMs: 6_000 }),
];

export function runSleep(options: StormsOptions): Promise<Report> {
  return runStorms(options, { ...EVERYWHERE, storms: STORMS });
}

function stands(name: string, sleep: Sleep): Storm {
  return { name, run: (scene) => standStill(scene, sleep) };
}

async function standStill(scene: Scene, { parts, ms, apartMs }: Sleep): Promise<Found> {
  const { project, random } = scene;
  const tasks = await beginEverywhere(scene);
  const stopped = new Map<Part, Set<number>>();
  try {
    for (const part of shuffled(random, parts)) stopped.set(part, await stop(scene, part));
    await pause(between(random, ...ms));
    // What was stopped at a place goes on at once when its own turn comes, or only when all go on.
    const early = random() < 0.5;
    if (early) await project.letGo();
    for (const [, pids] of shuffled(random, [...stopped])) {
      for (const pid of shuffled(random, [...pids])) sendSignal(pid, 'SIGCONT');
      if (apartMs > 0) await pause(between(random, 0, apartMs));
    }
    if (!early) await project.letGo();
  } finally {
    for (const pid of [...stopped.values()].flatMap((pids) => [...pids])) sendSignal(pid, 'SIGCONT');
  }
  const wrong = [...(await untilLanded(scene, tasks))];
  if (!scene.isUp) wrong.push('the worker has ended by itself');
  return { faults: [...stopped.values()].reduce((sum, pids) => sum + pids.size, 0), wrong };
}

/** The part and all that it has started, but for other parts; again, until nothing was started meanwhile. */
async function stop(scene: Scene, part: Part): Promise<Set<number>> {
  const pid = part === 'worker' ? (await scene.worker()).pid : await scene.stand.pidOf(part);
  if (pid === null) throw new Error(`there is no ${part}`);
  const stopped = new Set<number>();
  for (;;) {
    const tree = part === 'supervisor' ? [{ pid }] : treeOf(pid);
    const fresh = tree.filter((one) => !stopped.has(one.pid));
    if (fresh.length === 0) return stopped;
    for (const one of fresh) {
      sendSignal(one.pid, 'SIGSTOP');
      stopped.add(one.pid);
    }
  }
}

function shuffled<T>(random: Random, all: readonly T[]): readonly T[] {
  return all
    .map((one) => ({ one, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
