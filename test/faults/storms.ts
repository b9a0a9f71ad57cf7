/**
 * Storms: the same thing fifty times at once, and files, objects and answers that are lost. Each is let loose on an
 * engine with work under way; the work must come to its right end all the same.
 */

import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { checkLedgerAsItIs, checkMain, endOf, locksIn, repositoriesOf } from './checks.ts';
import { FaultProject } from './project.ts';
import { randomOf, type Random } from './random.ts';
import { Stand, type FaultWorker } from './stand.ts';
import { STORMS, type Storm } from './storm-list.ts';
import { submit, type Submitted } from './submitting.ts';
import { tableOf, type Report, type Row } from './table.ts';

export interface StormsOptions {
  readonly folder: string;
  readonly seed: number;
  /** Of the storms whose names contain this. */
  readonly only: string;
  readonly runs: number;
  readonly say: (line: string) => void;
}

export async function runStorms(options: StormsOptions): Promise<Report> {
  const { folder, only, runs, say } = options;
  const named = STORMS.filter(({ name }) => name.includes(only));
  const storms = named.filter(({ open }) => only !== '' || open === undefined);
  for (const { name, open } of named) if (open !== undefined && only === '') say(`${name}: left out: ${open}`);
  const project = await FaultProject.make('storms', join(folder, 'project'));
  const stand = await Stand.start({ folder, worker: null, write: [project.told] });
  const broken: string[] = [];
  const rows: Row[] = [];
  try {
    const scene = new Scene(stand, project, await stand.namespace(), randomOf(options.seed));
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
    broken.push(...(await checkLedgerAsItIs(stand.ledger, project, scene.env)));
  } finally {
    broken.push(...(await stand.close()));
  }
  const locks = locksIn([...repositoriesOf(join(folder, 'host')), project.origin]);
  broken.push(...locks.map((path) => `a lock is left: ${path}`));
  const isGood = broken.length === 0 && rows.length > 0 && rows.every(([, , faults = 0]) => faults > 0);
  return { table: tableOf(['storm', 'runs', 'faults', 'right'], rows), broken, isGood };
}

/** One host with its project: what a storm needs. */
export class Scene {
  readonly stand: Stand;
  readonly project: FaultProject;
  readonly client: Client;
  readonly random: Random;
  readonly #landed = new Set<string>();
  #worker: FaultWorker | null = null;
  #submitted = 0;

  constructor(stand: Stand, project: FaultProject, client: Client, random: Random) {
    this.stand = stand;
    this.project = project;
    this.client = client;
    this.random = random;
  }

  get env(): Readonly<Record<string, string>> {
    const { address, databaseUrl, env } = this.stand;
    const { namespace } = this.client.options;
    return { ...env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, DATABASE_URL: databaseUrl };
  }

  get home(): string {
    return join(this.stand.folder, 'host');
  }

  /** The host's one worker; the address is Temporal's where it is another than the stack's. */
  async worker(address?: string): Promise<FaultWorker> {
    if (this.#worker?.alive !== true) {
      const { namespace } = this.client.options;
      const slots = { agents: 3, gates: 1, ...(address === undefined ? {} : { address }) };
      this.#worker = await this.stand.startWorker({ name: 'host', namespace, ...slots });
    }
    return this.#worker;
  }

  async submit(title: string, run?: string): Promise<Submitted> {
    this.#submitted += 1;
    const wanted = { title, end: 'landed', person: 'none', ...(run === undefined ? {} : { run }) } as const;
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

  async run(storm: Storm): Promise<{ readonly faults: number; readonly wrong: readonly string[] }> {
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
