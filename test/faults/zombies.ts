/**
 * A host that is suspended in the middle of its work, all of its processes at once, as a laptop is that closes. Its tasks
 * move on to another host and land there. Then it goes on: nothing of what it does late may count (N2).
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { sendSignal } from '../../src/process/proc.ts';
import { eventually } from '../support/eventually.ts';
import { checkLedger, checkMain, endOf, locksIn, repositoriesOf } from './checks.ts';
import { treeOf } from './processes.ts';
import { FaultProject } from './project.ts';
import { pick, randomOf, type Random } from './random.ts';
import { Stand, type FaultWorker } from './stand.ts';
import { submit, type Submitted } from './submitting.ts';
import { tableOf, type Report, type Row } from './table.ts';

export interface ZombiesOptions {
  readonly folder: string;
  readonly seed: number;
  readonly runs: number;
  readonly say: (line: string) => void;
}

/** Where a task is as its host is suspended: where agent, gate or the origin's hook stops by itself. */
const PLACES = ['agent-runs', 'agent-committed', 'agent-reported', 'gate-runs', 'before-store', 'before-landing'];
/** One project for each zombie of a round: a queue that is stopped in one holds up no other. */
const AT_ONCE = 4;
const SETTLED_LIMIT_MS = 120_000;
const SLOTS = { agents: 6, gates: 4 };

interface Zombie {
  readonly project: FaultProject;
  readonly place: string;
  readonly task: Submitted;
}

export async function runZombies(options: ZombiesOptions): Promise<Report> {
  const { folder, runs, say } = options;
  const random = randomOf(options.seed);
  const projects = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, index) =>
      FaultProject.make(`zombie-${index}`, join(folder, `project-${index}`), { hooks: true }),
    ),
  );
  const stand = await Stand.start({ folder, worker: null, write: projects.map(({ told }) => told) });
  const tallies = new Map(PLACES.map((place) => [place, { zombies: 0, late: 0, stale: 0, overwritten: 0 }]));
  const broken: string[] = [];
  try {
    const rounds = new Rounds(stand, projects, await stand.namespace(), random);
    for (let run = 1; run <= runs; run += 1) {
      const found = await rounds.run(run);
      for (const { place, late, stale, overwritten } of found.zombies) {
        const tally = tallies.get(place);
        if (tally === undefined) throw new Error(`there is no place ${place}`);
        tally.zombies += 1;
        tally.late += late;
        tally.stale += stale;
        tally.overwritten += overwritten;
      }
      say(
        `round ${run}: ${found.zombies.length} zombies, ${found.wrong.length === 0 ? 'right' : found.wrong.join('; ')}`,
      );
      broken.push(...found.wrong.map((text) => `round ${run}: ${text}`));
    }
    broken.push(...(await rounds.finish()));
  } finally {
    broken.push(...(await stand.close()));
  }
  const homes = [join(folder, 'suspended'), join(folder, 'healthy')].flatMap(repositoriesOf);
  broken.push(...locksIn([...homes, ...projects.map(({ origin }) => origin)]).map((path) => `a lock is left: ${path}`));
  const rows = [...tallies].map(([place, { zombies, late, stale, overwritten }]): Row => [
    place,
    zombies,
    late,
    stale,
    overwritten,
  ]);
  const head = ['suspended at', 'zombies', 'went on late', 'stale landings', 'overwritten refs'];
  const isGood = broken.length === 0 && rows.some(([, zombies = 0]) => zombies > 0);
  return { table: tableOf(head, rows), broken, isGood };
}

interface Found {
  readonly zombies: readonly { place: string; late: number; stale: number; overwritten: number }[];
  readonly wrong: readonly string[];
}

class Rounds {
  readonly #stand: Stand;
  readonly #projects: readonly FaultProject[];
  readonly #client: Client;
  readonly #random: Random;
  readonly #landed = new Map<string, Set<string>>();

  constructor(stand: Stand, projects: readonly FaultProject[], client: Client, random: Random) {
    this.#stand = stand;
    this.#projects = projects;
    this.#client = client;
    this.#random = random;
  }

  get #env(): Readonly<Record<string, string>> {
    const { address, databaseUrl, env } = this.#stand;
    const { namespace } = this.#client.options;
    return { ...env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, DATABASE_URL: databaseUrl };
  }

  #start(name: string): Promise<FaultWorker> {
    return this.#stand.startWorker({ name, namespace: this.#client.options.namespace, ...SLOTS });
  }

  async run(number: number): Promise<Found> {
    const suspended = await this.#start('suspended');
    const zombies = await this.#haunt(number);
    const tree = treeOf(suspended.pid);
    for (const { pid } of tree) sendSignal(pid, 'SIGSTOP');
    const healthy = await this.#start('healthy');
    const wrong: string[] = [];
    try {
      await this.#untilMovedOn(zombies, wrong);
      const before = await Promise.all(zombies.map(({ project }) => project.refs()));
      // What it had begun goes on before the worker can hear that it is not wanted any more.
      await Promise.all(zombies.map(({ project }) => project.letGo()));
      for (const { pid } of tree.toReversed()) sendSignal(pid, 'SIGCONT');
      await this.#untilSettled(zombies, suspended);
      return { zombies: await this.#compare(zombies, before, wrong), wrong };
    } finally {
      for (const { pid } of tree) sendSignal(pid, 'SIGCONT');
      // What it has in mind it has to give up by itself: it drains as any other.
      const codes = [await suspended.stop(), await healthy.stop()];
      if (codes.some((code) => code !== 0)) wrong.push(`the workers ended with ${codes.join(' and ')}`);
      for (const project of this.#projects) await project.reset();
    }
  }

  /** A task in each project, each stopped at some place. */
  async #haunt(number: number): Promise<readonly Zombie[]> {
    return Promise.all(
      this.#projects.map(async (project) => {
        const place = pick(this.#random, PLACES);
        await project.stopAt(place);
        const wanted = { title: `Haunted (commits)`, end: 'landed', person: 'none' } as const;
        const [task] = await submit(project, this.#env, [wanted], `round-${number}`);
        if (task === undefined) throw new Error('nothing was submitted');
        await project.untilAt(place, SETTLED_LIMIT_MS);
        return { project, place, task };
      }),
    );
  }

  async #untilMovedOn(zombies: readonly Zombie[], wrong: string[]): Promise<void> {
    await Promise.all(
      zombies.map(async ({ project, place, task }) => {
        const end = await endOf(this.#client, task.id);
        if (end !== 'landed') wrong.push(`task ${task.id}, suspended at ${place}, ended as ${end}`);
        const landed = this.#landed.get(project.name) ?? new Set<string>();
        this.#landed.set(project.name, landed.add(task.id));
      }),
    );
  }

  /** What was stopped has ended: nothing of the round's tasks runs at the host that was suspended. */
  async #untilSettled(zombies: readonly Zombie[], suspended: FaultWorker): Promise<void> {
    await eventually(
      'what the suspended host had begun to end',
      () => {
        const running = treeOf(suspended.pid).map(({ pid }) => environmentOf(pid));
        return zombies.every(({ task }) => running.every((text) => !text.includes(task.id)));
      },
      SETTLED_LIMIT_MS,
    );
  }

  /**
   * Refs may have gone since: what has landed is cleaned up. None may be another one. A push that was already with the
   * origin may leave a ref where none was: the host removes it when it starts again.
   */
  async #compare(
    zombies: readonly Zombie[],
    before: readonly ReadonlyMap<string, string>[],
    wrong: string[],
  ): Promise<Found['zombies']> {
    return Promise.all(
      zombies.map(async ({ project, place }, index) => {
        const was = before[index] ?? new Map<string, string>();
        const changed = [...(await project.refs())].filter(([ref, id]) => was.has(ref) && was.get(ref) !== id);
        for (const [ref, id] of changed) wrong.push(`${place}: ${ref} was ${was.get(ref)} and is ${id} now`);
        const main = await checkMain(project, this.#landed.get(project.name) ?? new Set());
        wrong.push(...main.map((text) => `${place}: ${text}`));
        const overwritten = changed.filter(([ref]) => ref !== 'refs/heads/main').length;
        const stale = changed.length - overwritten + main.length;
        return { place, late: project.wentOn(place) ? 1 : 0, stale, overwritten };
      }),
    );
  }

  /** Both hosts once more: what is left of tasks that have landed goes, and the ledger is right. */
  async finish(): Promise<readonly string[]> {
    const workers = [await this.#start('healthy'), await this.#start('suspended')];
    try {
      for (const project of this.#projects) await this.#untilClean(project);
      const [project] = this.#projects;
      return project === undefined ? [] : await checkLedger(this.#stand, project, this.#env);
    } catch (error) {
      return [String(error)];
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  }

  async #untilClean(project: FaultProject): Promise<void> {
    const left = async () => [...(await project.refs()).keys()].filter((ref) => ref.startsWith('refs/tasks/'));
    await eventually(`no ref to be left in ${project.name}`, async () => (await left()).length === 0).catch(
      async (error: unknown) => {
        throw new Error(`${String(error)}: ${(await left()).join(', ')}`, { cause: error });
      },
    );
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}
