/**
 * Tasks of every kind while workers, the Temporal server and Postgres are killed by SIGKILL at random moments. The
 * embedded stack starts its own parts again; a worker beside it, a host of its own, is started again by this.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { EndKind } from '../../src/core/task-types.ts';
import { sendSignal } from '../../src/process/proc.ts';
import { eventually } from '../support/eventually.ts';
import { tasks } from './commands.ts';
import { checkLedger, checkMain, endOf, locksIn, repositoriesOf } from './checks.ts';
import { People } from './people.ts';
import { killWorker, type Killed } from './processes.ts';
import { FaultProject, placeOf } from './project.ts';
import { between, pick, randomOf, type Random } from './random.ts';
import { Stand, type FaultWorker } from './stand.ts';
import { submit, wantedTasks, type Submitted } from './submitting.ts';
import { tableOf, type Report, type Row } from './table.ts';

export interface TasksOptions {
  readonly folder: string;
  readonly seed: number;
  readonly tasks: number;
  readonly kills: number;
  readonly say: (line: string) => void;
}

const VICTIMS = ['worker', 'other worker', 'temporal', 'postgres'] as const;
type Victim = (typeof VICTIMS)[number];

interface Kill {
  readonly victim: Victim;
  /** Null of a server: what it had started is not the engine's. */
  readonly killed: Killed | null;
}

const RESTART_LIMIT_MS = 60_000;
const SLOTS = { agents: 3, gates: 1 };
/** From a submission to the next kill, in milliseconds. */
const APART = [200, 4_000] as const;

/** Prints nothing; the folder is removed by whoever made it. */
export async function runTasks(options: TasksOptions): Promise<Report> {
  const { folder, seed, say } = options;
  const random = randomOf(seed);
  const project = await FaultProject.make('faults', join(folder, 'project'), { more: 'attempts: 2' });
  const stand = await Stand.start({ folder, worker: SLOTS, write: [project.told] });
  const run = new Run(stand, random, say);
  const broken: string[] = [];
  let rows: readonly Row[] = [];
  try {
    const submitted = await run.carryOut(project, options.tasks, options.kills);
    const ends = new Map<string, EndKind>();
    for (const { id } of submitted) ends.set(id, await endOf(stand.client, id));
    say(`${submitted.length} tasks have ended, after ${run.kills.length} kills`);
    rows = rowsOf(submitted, ends, run.kills);
    broken.push(...wrongEnds(submitted, ends), ...run.orphans(), ...(await run.check(project, ends)));
  } finally {
    broken.push(...(await run.close()));
  }
  const table = tableOf(['', 'count', 'right'], rows, false);
  return { table, broken, isGood: broken.length === 0 && run.kills.length > 0 };
}

class Run {
  readonly kills: Kill[] = [];
  readonly #stand: Stand;
  readonly #random: Random;
  readonly #say: (line: string) => void;
  readonly #people: People;
  #other: FaultWorker | null = null;

  constructor(stand: Stand, random: Random, say: (line: string) => void) {
    this.#stand = stand;
    this.#random = random;
    this.#say = say;
    this.#people = new People(stand.client, stand.ledger);
  }

  /** Some tasks, a moment, a kill, and so on: each kill finds work in every stage. */
  async carryOut(project: FaultProject, count: number, kills: number): Promise<readonly Submitted[]> {
    await this.#startOther();
    const submitted: Submitted[] = [];
    const wanted = wantedTasks(this.#random, count);
    for (let round = 0; round < kills; round += 1) {
      const [from, to] = [round, round + 1].map((one) => Math.round((one * count) / kills));
      const batch = await submit(project, this.#stand.env, wanted.slice(from, to), `round-${round}`);
      this.#people.add(batch);
      submitted.push(...batch);
      await pause(between(this.#random, ...APART));
      await this.#kill(pick(this.#random, VICTIMS));
    }
    // One after another: each has its time from when those before it have ended, however many are left.
    for (const { id } of submitted) await this.#end(project, id);
    return submitted;
  }

  /** One that does not end says where it is. */
  async #end(project: FaultProject, id: TaskId): Promise<void> {
    try {
      await endOf(this.#stand.client, id);
    } catch (error) {
      const { stdout } = await tasks(placeOf(project, this.#stand.env), ['show', id]);
      const { events } = await this.#stand.client.workflow.getHandle(workflowIds.task(id)).fetchHistory();
      const kinds = (events ?? []).map((event) => Object.keys(event).find((key) => key.endsWith('Attributes')));
      const person = this.#people.waiting.includes(id) ? 'its person has not acted\n' : '';
      throw new Error(`${String(error)}\n${person}${stdout}${kinds.slice(-20).join('\n')}`, { cause: error });
    }
  }

  /** A part that is just being started again is waited for. */
  async #kill(victim: Victim): Promise<void> {
    if (victim === 'other worker') {
      const killed = (await this.#other?.kill()) ?? null;
      this.#say(`kill ${this.kills.length + 1}: ${victim}`);
      if (killed !== null) this.kills.push({ victim, killed });
      return this.#startOther();
    }
    const pid = await eventually(`a ${victim}`, () => this.#stand.pidOf(victim), RESTART_LIMIT_MS);
    this.#say(`kill ${this.kills.length + 1}: ${victim}`);
    if (victim === 'worker') return void this.kills.push({ victim, killed: await killWorker(pid) });
    sendSignal(pid, 'SIGKILL');
    this.kills.push({ victim, killed: null });
  }

  async #startOther(): Promise<void> {
    this.#other = await this.#stand.startWorker({ name: 'other', namespace: 'default', ...SLOTS, agents: 2 });
  }

  orphans(): readonly string[] {
    return this.kills.flatMap(({ victim, killed }) =>
      killed !== null && killed.goneAfterMs === null
        ? [`after a kill of the ${victim}: ${killed.left.join(', ')}`]
        : [],
    );
  }

  async check(project: FaultProject, ends: ReadonlyMap<string, EndKind>): Promise<readonly string[]> {
    const landed = [...ends].flatMap(([id, end]) => (end === 'landed' ? [id] : []));
    return [
      ...(await this.#strangers(ends)),
      ...(await checkMain(project, new Set(landed))),
      ...(await checkLedger(this.#stand, project, this.#stand.env)),
    ];
  }

  /** Whatever was asked twice is one task. */
  async #strangers(known: ReadonlyMap<string, EndKind>): Promise<readonly string[]> {
    const wrong: string[] = [];
    for await (const { workflowId } of this.#stand.client.workflow.list({ query: 'WorkflowType = "task"' })) {
      if (!known.has(workflowId.replace('task/', ''))) wrong.push(`${workflowId} was acknowledged to nobody`);
    }
    return wrong;
  }

  /** Ends all, then looks for locks: nobody holds one any more. */
  async close(): Promise<readonly string[]> {
    await this.#people.stop();
    const left = await this.#stand.close();
    const { folder, home } = this.#stand;
    const places = [home, join(folder, 'other')].flatMap(repositoriesOf);
    const locks = locksIn([...places, join(folder, 'project/origin.git')]);
    return [...left, ...locks.map((path) => `a lock is left: ${path}`)];
  }
}

function wrongEnds(submitted: readonly Submitted[], ends: ReadonlyMap<string, EndKind>): readonly string[] {
  return submitted.flatMap(({ id, title, end }) =>
    ends.get(id) === end ? [] : [`task ${id} (${title}) ended as ${ends.get(id)}, not as ${end}`],
  );
}

function rowsOf(
  submitted: readonly Submitted[],
  ends: ReadonlyMap<string, EndKind>,
  kills: readonly Kill[],
): readonly Row[] {
  const titles = [...new Set(submitted.map(({ title }) => title))];
  return [
    ...titles.map((title): Row => {
      const own = submitted.filter((one) => one.title === title);
      return [`task: ${title}`, own.length, own.filter(({ id, end }) => ends.get(id) === end).length];
    }),
    ...VICTIMS.map((victim): Row => {
      const own = kills.filter((kill) => kill.victim === victim);
      return [`kill: ${victim}`, own.length, own.filter(({ killed }) => killed?.goneAfterMs !== null).length];
    }),
  ];
}
