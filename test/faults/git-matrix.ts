/**
 * The kill matrix: every operation of the engine with git is cut off by SIGKILL at every system call of each of its git
 * processes, and at every call of the engine's own that can change a file; then it is carried out again by an engine
 * that has just started. It must come out right, without a person.
 */

import { join } from 'node:path';
import { OPERATIONS } from './git-operation-list.ts';
import { Stand } from './git-stand.ts';
import type { Point } from './git-wrapper.ts';
import { randomOf } from './random.ts';
import { tableOf } from './table.ts';

/** Two seconds each. */
const MAX_SPARE = 20;

export interface MatrixOptions {
  readonly folder: string;
  /** The bundle of git-victim.ts. */
  readonly program: string;
  /** Of the operations whose names contain this. */
  readonly operation: string;
  /** Every system call; or of those between which nothing changes that a kill could leave behind, the first. */
  readonly calls: 'all' | 'states';
  /** One of so many points. */
  readonly every: number;
  readonly seed: number;
  readonly lanes: number;
  /** Whether git is held where it looks at a worktree, as a worker holds it. */
  readonly isHeld: boolean;
  readonly say: (line: string) => void;
}

export interface Row {
  readonly operation: string;
  readonly points: number;
  readonly kills: number;
  readonly healed: number;
  readonly broken: readonly string[];
}

export async function runMatrix(options: MatrixOptions): Promise<readonly Row[]> {
  const wanted = OPERATIONS.filter(({ name }) => name.includes(options.operation));
  const rows: Row[] = [];
  for (const { name } of wanted) {
    const row = await runOperation(options, name);
    options.say(`${name}: ${row.points} points, ${row.kills} kills, ${row.healed} healed`);
    rows.push(row);
  }
  return rows;
}

async function runOperation(options: MatrixOptions, operation: string): Promise<Row> {
  const random = randomOf(options.seed);
  const stands = Array.from(
    { length: options.lanes },
    (_, lane) =>
      new Stand(
        join(options.folder, `${operation.replaceAll(' ', '-')}-${lane}`),
        options.program,
        operation,
        options.isHeld,
      ),
  );
  try {
    for (const stand of stands) await stand.prepare();
    const points = (await stands[0]?.points(options.calls)) ?? [];
    // Of each operation at least one.
    const offset = Math.floor(random() * Math.min(options.every, points.length));
    const isMeant = (index: number): boolean => index % options.every === offset;
    const withEngine = (point: Point) => ({ point, both: random() < 0.5 });
    const left = points.filter((_, index) => isMeant(index)).map(withEngine);
    // The order of some calls is not fixed: a point that does not come again is made up for, where nothing else was killed.
    const spare = points
      .filter((_, index) => !isMeant(index))
      .slice(0, MAX_SPARE)
      .map(withEngine);
    let tries = 0;
    let kills = 0;
    let healed = 0;
    const broken: string[] = [];
    const take = () => left.shift() ?? (kills === 0 ? spare.shift() : undefined);
    await Promise.all(
      stands.map(async (stand) => {
        for (let next = take(); next !== undefined; next = take()) {
          tries += 1;
          const outcome = await stand.try(next.point, next.both);
          if (outcome.kind !== 'missed') kills += 1;
          if (outcome.kind === 'healed') healed += 1;
          if (outcome.kind === 'broken') {
            broken.push(`${nameOf(next.point)}${next.both ? ' with its engine' : ''}: ${outcome.text}`);
            options.say(`${operation}: ${broken.at(-1) ?? ''}`);
          }
        }
      }),
    );
    return { operation, points: tries, kills, healed, broken };
  } finally {
    await Promise.all(stands.map((stand) => stand.close()));
  }
}

/** The table, and whether every operation was killed at least once and healed each time. */
export function report(rows: readonly Row[]): { readonly table: string; readonly isGood: boolean } {
  const head = ['operation', 'points', 'kills', 'healed'];
  const table = tableOf(
    head,
    rows.map(({ operation, points, kills, healed }) => [operation, points, kills, healed]),
  );
  const isGood = rows.length > 0 && rows.every(({ kills, healed }) => kills > 0 && healed === kills);
  return { table, isGood };
}

function nameOf({ victim, call, nth }: Point): string {
  return `${victim} at ${call} ${nth}`;
}
