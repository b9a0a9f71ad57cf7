/**
 * Kills the worker by SIGKILL at each named point of a task's life, once for each run, and starts it again: the task
 * must come to its right end, its content tested, landed once, and nothing be left.
 *
 * Nothing in the engine knows of the points: agents, gates and the origin's hooks stop there by themselves, or files and
 * histories are watched, so that some kills come a little later than their names say.
 */

import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { signalOf } from '../../src/workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { checkLedgerAsItIs, checkMain, endOf, locksIn, repositoriesOf } from './checks.ts';
import { FaultProject } from './project.ts';
import { POINTS, type Point } from './point-list.ts';
import { randomOf } from './random.ts';
import { Stand, type FaultWorker } from './stand.ts';
import { submit } from './submitting.ts';
import { tableOf, type Report } from './table.ts';
import { momentOf } from './watching.ts';

export interface PointsOptions {
  readonly folder: string;
  readonly seed: number;
  /** Of the points whose names contain this. */
  readonly only: string;
  /** At each point. */
  readonly runs: number;
  readonly lanes: number;
  readonly say: (line: string) => void;
}

interface Tally {
  runs: number;
  kills: number;
  right: number;
}

const CLEANED_LIMIT_MS = 60_000;

export async function runPoints(options: PointsOptions): Promise<Report> {
  const { folder, only, runs, lanes, say } = options;
  const random = randomOf(options.seed);
  const named = POINTS.filter(({ name }) => name.includes(only));
  const points = named.filter(({ open }) => only !== '' || open === undefined);
  for (const { name, open } of named) if (open !== undefined && only === '') say(`${name}: left out: ${open}`);
  // In an order of their own each time: what one kill leaves behind the next run begins with.
  const due = Array.from({ length: runs }, () => points)
    .flat()
    .map((point) => ({ point, at: random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ point }) => point);
  const tallies = new Map(points.map(({ name }): [string, Tally] => [name, { runs: 0, kills: 0, right: 0 }]));
  const projects = await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      FaultProject.make(`lane-${lane}`, join(folder, `project-${lane}`), { hooks: true }),
    ),
  );
  const stand = await Stand.start({ folder, worker: null, write: projects.map(({ told }) => told) });
  const broken: string[] = [];
  const canceled = new Set<string>();
  try {
    await Promise.all(
      projects.map(async (project) => {
        const lane = new Lane(stand, project, await stand.namespace(), canceled);
        for (let point = due.shift(); point !== undefined; point = due.shift()) {
          const tally = tallies.get(point.name) ?? { runs: 0, kills: 0, right: 0 };
          const wrong = await lane.run(point, tally);
          if (wrong.length === 0) tally.right += 1;
          say(`${point.name}: ${wrong.length === 0 ? 'right' : wrong.join('; ')}`);
          broken.push(...wrong.map((text) => `${point?.name ?? ''}: ${text}`));
        }
        broken.push(...(await lane.finish()));
      }),
    );
  } finally {
    broken.push(...(await stand.close()));
  }
  for (const project of projects) {
    const places = [...repositoriesOf(join(folder, `host-${project.name}`)), project.origin];
    // The worktree of a canceled task stays for some days, as its agent's own git was killed in it; a retry takes the lock away.
    const locks = locksIn(places).filter(
      (path) => !canceled.has(/\/worktrees\/(\w+)\/index\.lock$/.exec(path)?.[1] ?? ''),
    );
    broken.push(...locks.map((path) => `a lock is left: ${path}`));
  }
  const rows = [...tallies].map(([name, { runs: done, kills, right }]) => [name, done, kills, right] as const);
  const isGood = broken.length === 0 && rows.length > 0 && rows.every(([, done, kills]) => kills > 0 && kills === done);
  return { table: tableOf(['point', 'runs', 'kills', 'right'], rows), broken, isGood };
}

class Lane {
  readonly #stand: Stand;
  readonly #project: FaultProject;
  readonly #client: Client;
  readonly #landed = new Set<string>();
  readonly #canceled: Set<string>;
  /** Whose end was not seen in their own run: told there, and not of each run after it. */
  readonly #late = new Set<TaskId>();
  #worker: FaultWorker | null = null;
  #runs = 0;

  constructor(stand: Stand, project: FaultProject, client: Client, canceled: Set<string>) {
    this.#stand = stand;
    this.#project = project;
    this.#client = client;
    this.#canceled = canceled;
  }

  get #env(): Readonly<Record<string, string>> {
    const { namespace } = this.#client.options;
    const { address, databaseUrl, env } = this.#stand;
    return { ...env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, DATABASE_URL: databaseUrl };
  }

  async #started(): Promise<FaultWorker> {
    const { namespace } = this.#client.options;
    const name = `host-${this.#project.name}`;
    if (this.#worker?.alive !== true) {
      this.#worker = await this.#stand.startWorker({ name, namespace, agents: 2, gates: 1 });
    }
    return this.#worker;
  }

  /** @returns what was not right */
  async run(point: Point, tally: Tally): Promise<readonly string[]> {
    tally.runs += 1;
    try {
      return await this.#run(point, tally);
    } catch (error) {
      return [String(error)];
    } finally {
      await this.#project.letGo();
      await this.#project.reset();
    }
  }

  async #run(point: Point, tally: Tally): Promise<readonly string[]> {
    const project = this.#project;
    const worker = await this.#started();
    const queueMoment = await momentOf(this.#client, `integration/${project.name}/main`);
    if (point.stop !== undefined) await project.stopAt(point.stop);
    this.#runs += 1;
    const end = point.meanwhile === 'cancels' ? ('canceled' as const) : ('landed' as const);
    const wanted = { title: point.title ?? `${point.name} (commits)`, end, person: 'none' as const };
    const [submitted] = await submit(project, this.#env, [wanted], `run-${this.#runs}`);
    if (submitted === undefined) throw new Error('nothing was submitted');
    const { id } = submitted;
    this.#late.add(id);
    const { ledger } = this.#stand;
    const { home } = worker;
    if (point.stop !== undefined) await project.untilAt(point.stop, CLEANED_LIMIT_MS);
    await point.reached?.({ client: this.#client, ledger, project, home, id, queueMoment });
    const killed = await worker.kill(() => project.letGo());
    tally.kills += 1;
    await this.#meanwhile(id, point);
    await this.#started();
    const wrong = killed.goneAfterMs === null ? [`left after five seconds: ${killed.left.join(', ')}`] : [];
    const ended = await endOf(this.#client, id);
    this.#late.delete(id);
    if (ended !== end) wrong.push(`task ${id} ended as ${ended}, not as ${end}`);
    if (ended === 'landed') this.#landed.add(id);
    if (ended === 'canceled') this.#canceled.add(id);
    await this.#noteLate();
    wrong.push(...(await checkMain(project, this.#landed)));
    if (ended === 'landed') await this.#untilCleaned(id);
    return wrong;
  }

  async #meanwhile(id: TaskId, { meanwhile }: Point): Promise<void> {
    const handle = this.#client.workflow.getHandle(workflowIds.task(id));
    if (meanwhile === 'cancels') await handle.cancel();
    if (meanwhile !== 'answers') return;
    // As the ledger tells it.
    await handle.signal(signalOf('answer'), { messageId: `answer-${id}`, actor: 'Ada', version: 1, text: 'yes' });
  }

  async #noteLate(): Promise<void> {
    for (const id of this.#late) {
      if ((await endOf(this.#client, id)) === 'landed') this.#landed.add(id);
      this.#late.delete(id);
    }
  }

  async #untilCleaned(id: TaskId): Promise<void> {
    await eventually(
      `the refs of ${id} to be deleted`,
      async () => [...(await this.#project.refs()).keys()].every((ref) => !ref.includes(id)),
      CLEANED_LIMIT_MS,
    );
  }

  async finish(): Promise<readonly string[]> {
    await this.#started();
    return checkLedgerAsItIs(this.#stand.ledger, this.#project, this.#env);
  }
}
