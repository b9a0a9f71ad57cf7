/**
 * The conflict radar: which tasks in flight do not go together with main as it is by now, and which touch the same files.
 * It only tells; what lands is decided by the queue.
 */

import type { BranchName, ObjectId, ProjectName, TaskId } from './ids.ts';
import type { MainConflict, TaskStateName, TaskView } from './task-types.ts';

/** Tasks of one look; those that are landing already come last. */
export const MAX_LOOKED_AT = 200;
/** Pairs of tasks that are merged for trial in one look. */
export const MAX_PAIRS = 200;
export const MAX_CONFLICT_FILES = 20;
const MAX_FILES_CHARS = 4_000;
/** A file that so many touch says nothing about any two of them. */
const MAX_SHARING = 20;

/** One task's stored work. */
export interface Work {
  readonly id: TaskId;
  readonly attempt: number;
  readonly base: ObjectId;
  readonly head: ObjectId;
}

/** Two tasks that touch the same files. */
export interface Overlap {
  readonly one: TaskId;
  readonly other: TaskId;
  /** At most 20. */
  readonly files: readonly string[];
  /** Whether they can be merged; null: it was not tried. */
  readonly conflict: boolean | null;
}

/** What one look has found. */
export interface Sight {
  readonly main: ObjectId;
  /** The works that could be looked at. */
  readonly seen: readonly TaskId[];
  readonly conflicts: ReadonlyMap<TaskId, MainConflict>;
  readonly overlaps: readonly Overlap[];
}

interface Named {
  readonly id: TaskId;
  readonly title: string;
  readonly state: TaskStateName;
}

/** `tasks conflicts`, of one project's branch. */
export interface RadarReport {
  readonly project: ProjectName;
  readonly branch: BranchName;
  readonly main: ObjectId;
  /** ISO 8601. */
  readonly at: string;
  /** How many tasks were looked at. */
  readonly looked: number;
  readonly withMain: readonly (Named & Pick<MainConflict, 'files' | 'landed'>)[];
  readonly overlaps: readonly {
    readonly tasks: readonly [Named, Named];
    readonly files: readonly string[];
    readonly conflict: boolean | null;
  }[];
}

/** Whether a task's record may change what a look finds: it has landed, or has work that may conflict. */
export function concernsRadar({ state, checkpoint }: Pick<TaskView, 'state' | 'checkpoint'>): boolean {
  return state === 'landed' || (checkpoint?.changed === true && state !== 'canceled' && state !== 'unchanged');
}

export function workOf({ id, checkpoint }: Pick<TaskView, 'id' | 'checkpoint'>): Work | null {
  if (checkpoint === null || !checkpoint.changed) return null;
  const { attempt, base, head } = checkpoint;
  return { id, attempt, base, head };
}

/** As many of some paths as travel with a task: the first one whatever its length. */
export function someOf(files: readonly string[]): readonly string[] {
  let chars = 0;
  const end = files.findIndex((file, at) => {
    chars += file.length;
    return at > 0 && (at >= MAX_CONFLICT_FILES || chars > MAX_FILES_CHARS);
  });
  return end < 0 ? files : files.slice(0, end);
}

/** The pairs that touch the same files, those that share the most first. */
export function pairsOf(touched: ReadonlyMap<TaskId, readonly string[]>): readonly Omit<Overlap, 'conflict'>[] {
  const byFile = new Map<string, TaskId[]>();
  for (const [id, files] of touched) {
    for (const file of files) byFile.set(file, [...(byFile.get(file) ?? []), id]);
  }
  const pairs = new Map<string, { readonly one: TaskId; readonly other: TaskId; readonly files: string[] }>();
  for (const [file, ids] of byFile) {
    if (ids.length > MAX_SHARING) continue;
    for (const [at, one] of ids.entries()) {
      for (const other of ids.slice(at + 1)) {
        const key = `${one} ${other}`;
        const pair = pairs.get(key) ?? { one, other, files: [] };
        pair.files.push(file);
        pairs.set(key, pair);
      }
    }
  }
  return [...pairs.values()]
    .sort((one, other) => other.files.length - one.files.length)
    .slice(0, MAX_PAIRS)
    .map((pair) => ({ ...pair, files: someOf(pair.files) }));
}

/** Whether there is nothing new in what is told; where main is by now is none. */
export function isSameConflict(one: MainConflict | null, other: MainConflict | null): boolean {
  if (one === null || other === null) return one === other;
  return essenceOf(one) === essenceOf(other);
}

function essenceOf({ head, files, landed }: MainConflict): string {
  return JSON.stringify([head, files, landed.map(({ commit }) => commit)]);
}

/** Who is to be told what: those whose own record says something else. Landing tells its own. */
export function tellingsOf(
  views: readonly Pick<TaskView, 'id' | 'state' | 'checkpoint' | 'conflict'>[],
  { seen, conflicts }: Pick<Sight, 'seen' | 'conflicts'>,
): readonly { readonly id: TaskId; readonly head: ObjectId; readonly conflict: MainConflict | null }[] {
  return views.flatMap(({ id, state, checkpoint, conflict: known }) => {
    if (checkpoint === null || state === 'landing' || !seen.includes(id)) return [];
    const conflict = conflicts.get(id) ?? null;
    return isSameConflict(known, conflict) ? [] : [{ id, head: checkpoint.head, conflict }];
  });
}

export function reportOf(
  { project, branch }: { readonly project: ProjectName; readonly branch: BranchName },
  views: readonly TaskView[],
  sight: Sight,
  at: string,
): RadarReport {
  const named = new Map(views.map(({ id, title, state }) => [id, { id, title, state }]));
  const withMain = [...sight.conflicts].flatMap(([id, { files, landed }]) => {
    const task = named.get(id);
    return task === undefined ? [] : [{ ...task, files, landed }];
  });
  const overlaps = sight.overlaps.flatMap(({ one, other, files, conflict }) => {
    const [first, second] = [named.get(one), named.get(other)];
    return first === undefined || second === undefined ? [] : [{ tasks: [first, second] as const, files, conflict }];
  });
  return { project, branch, main: sight.main, at, looked: sight.seen.length, withMain, overlaps };
}

/** What of a report still holds, by the tasks' present states: those that have ended are in nobody's way any more. */
export function present(report: RadarReport, ended: ReadonlySet<TaskId>): RadarReport {
  return {
    ...report,
    withMain: report.withMain.filter(({ id }) => !ended.has(id)),
    overlaps: report.overlaps.filter(({ tasks }) => tasks.every(({ id }) => !ended.has(id))),
  };
}
