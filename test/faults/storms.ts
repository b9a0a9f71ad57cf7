/**
 * Storms: one fault each, let loose on an engine with work under way; the work must come to its right end all the same.
 * Which they are is for the section to say.
 */

import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { checkLedger, checkLedgerAsItIs, checkMain, endOf, locksIn, repositoriesOf } from './checks.ts';
import { FaultProject } from './project.ts';
import { randomOf, type Random } from './random.ts';
import { Stand, type FaultWorker } from './stand.ts';
import { submit, type Submitted, type Wanted } from './submitting.ts';
import { tableOf, type Report, type Row } from './table.ts';

export interface StormsOptions {
  readonly folder: string;
  readonly seed: number;
  /** Of the storms whose names contain this. */
  readonly only: string;
  readonly runs: number;
  readonly say: (line: string) => void;
}

export interface Storm {
  readonly name: string;
  readonly run: (scene: Scene) => Promise<Found>;
}

export interface Found {
  readonly faults: number;
  readonly wrong: readonly string[];
}

/** Where storms take place, as far as they need more than one host with a project. */
export interface Setting {
  readonly storms: readonly Storm[];
  readonly slots?: { readonly agents: number; readonly gates: number };
  /** What the host's worker and the commands have in their environment beside. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further lines of the host's host.yaml. */
  readonly host?: readonly string[];
  /** Where the origin stops at named places, and what tasks.yaml has beside. */
  readonly project?: { readonly hooks?: boolean; readonly more?: string };
  /** Columns of the ledger that may differ from what Temporal and git say. */
  readonly excused?: readonly string[];
  /** Looked at when all is over, beside the ledger. */
  readonly check?: (scene: Scene) => Promise<readonly string[]>;
}

export async function runStorms(options: StormsOptions, setting: Setting): Promise<Report> {
  const { folder, only, runs, say } = options;
  const storms = setting.storms.filter(({ name }) => name.includes(only));
  const project = await FaultProject.make('storms', join(folder, 'project'), setting.project);
  const stand = await Stand.start({ folder, worker: null, write: [project.told] });
  const broken: string[] = [];
  const rows: Row[] = [];
  try {
    const scene = new Scene({
      stand,
      project,
      client: await stand.namespace(),
      random: randomOf(options.seed),
      setting,
    });
    await scene.worker();
    // So that there is everything that can be lost.
    broken.push(...(await scene.landed(await scene.submit('Comes before the storms'))));
    for (const storm of storms) {
      let faults = 0;
      let right = 0;
      for (let run = 1; run <= runs; run += 1) {
        const found = await scene.run(storm);
        faults += found.faults;
        if (found.wrong.length === 0) right += 1;
        say(`${storm.name}: ${found.wrong.length === 0 ? 'right' : found.wrong.join('; ')}`);
        broken.push(...found.wrong.map((text) => `${storm.name}: ${text}`));
      }
      rows.push([storm.name, runs, faults, right]);
    }
    // Without one the ledger is compared with less than all: the last storm may have ended it.
    await scene.worker();
    broken.push(
      ...(setting.excused === undefined
        ? await checkLedger(stand, project, scene.env)
        : await checkLedgerAsItIs(stand.ledger, project, scene.env, setting.excused)),
      ...((await setting.check?.(scene)) ?? []),
    );
  } finally {
    broken.push(...(await stand.close()));
  }
  const locks = locksIn([...repositoriesOf(join(folder, 'host')), project.origin]);
  broken.push(...locks.map((path) => `a lock is left: ${path}`));
  const isGood = broken.length === 0 && rows.length > 0 && rows.every(([, , faults = 0]) => faults > 0);
  return { table: tableOf(['storm', 'runs', 'faults', 'right'], rows), broken, isGood };
}

interface SceneParts {
  readonly stand: Stand;
  readonly project: FaultProject;
  readonly client: Client;
  readonly random: Random;
  readonly setting: Setting;
}

/** One host with its project: what a storm needs. */
export class Scene {
  readonly stand: Stand;
  readonly project: FaultProject;
  readonly client: Client;
  readonly random: Random;
  readonly #setting: Setting;
  readonly #landed = new Set<string>();
  #worker: FaultWorker | null = null;
  #submitted = 0;

  constructor({ stand, project, client, random, setting }: SceneParts) {
    this.stand = stand;
    this.project = project;
    this.client = client;
    this.random = random;
    this.#setting = setting;
  }

  get env(): Readonly<Record<string, string>> {
    const { address, databaseUrl, env } = this.stand;
    const { namespace } = this.client.options;
    const own = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, DATABASE_URL: databaseUrl };
    return { ...env, ...own, ...this.#setting.env };
  }

  get home(): string {
    return join(this.stand.folder, 'host');
  }

  /** Whether the host's worker runs. */
  get isUp(): boolean {
    return this.#worker?.alive === true;
  }

  /** The host's one worker; the address is Temporal's where it is another than the stack's. */
  async worker(address?: string): Promise<FaultWorker> {
    if (this.#worker?.alive !== true) {
      const { slots = { agents: 3, gates: 1 }, env = {}, host = [] } = this.#setting;
      const more = { ...slots, env, host, ...(address === undefined ? {} : { address }) };
      this.#worker = await this.stand.startWorker({ name: 'host', namespace: this.client.options.namespace, ...more });
    }
    return this.#worker;
  }

  async submit(title: string, run?: string): Promise<Submitted> {
    this.#submitted += 1;
    const wanted: Wanted = { title, end: 'landed', person: 'none', ...(run === undefined ? {} : { run }) };
    const [task] = await submit(this.project, this.env, [wanted], `storm-${this.#submitted}`);
    if (task === undefined) throw new Error('nothing was submitted');
    return task;
  }

  /** @returns what was not right about its end */
  async landed(task: Pick<Submitted, 'id'>): Promise<readonly string[]> {
    const end = await endOf(this.client, task.id);
    if (end !== 'landed') return [`task ${task.id} ended as ${end}`];
    this.#landed.add(task.id);
    return [];
  }

  async run(storm: Storm): Promise<Found> {
    try {
      await this.worker();
      const found = await storm.run(this);
      return { faults: found.faults, wrong: [...found.wrong, ...(await checkMain(this.project, this.#landed))] };
    } catch (error) {
      return { faults: 0, wrong: [String(error)] };
    } finally {
      await this.project.letGo();
      await this.project.reset();
    }
  }
}
