/** Which range of ports a workspace may have for itself. Pure. */

import { parseProjectName, parseTaskId, type ProjectName, type TaskId } from './ids.ts';

export interface PortRange {
  readonly first: number;
  readonly count: number;
}

/** The ranges of one host: `ranges` of them side by side from `base` on, of `each` ports. */
export interface PortPlan {
  readonly base: number;
  readonly each: number;
  readonly ranges: number;
}

/** Who leases: the workspace of a task, and a worktree of gates by its origin's folder and its number. */
export const portOwners = {
  task: (project: ProjectName, id: TaskId): string => `task ${project}/${id}`,
  gate: (origin: string, number: string): string => `gate ${origin}/${number}`,
};

export type PortOwner =
  | { readonly kind: 'task'; readonly project: ProjectName; readonly task: TaskId }
  | { readonly kind: 'gate'; readonly origin: string; readonly number: string };

/** Null: nobody that this version knows. */
export function parsePortOwner(owner: string): PortOwner | null {
  const [, kind, above = '', name = ''] = /^(task|gate) ([a-z0-9][a-z0-9-]*)\/([0-9a-z]+)$/.exec(owner) ?? [];
  if (kind === 'gate') return { kind, origin: above, number: name };
  const [project, task] = [parseProjectName(above), parseTaskId(name)];
  return kind === 'task' && project.kind === 'ok' && task.kind === 'ok'
    ? { kind, project: project.value, task: task.value }
    : null;
}

/** The ranges of the plan that no lease has a port of, lowest first: an older plan may have cut them otherwise. */
export function freeRanges({ base, each, ranges }: PortPlan, leased: readonly PortRange[]): readonly PortRange[] {
  return Array.from({ length: ranges }, (_, at) => ({ first: base + at * each, count: each })).filter(
    (range) => !leased.some((other) => overlap(range, other)),
  );
}

function overlap(one: PortRange, other: PortRange): boolean {
  return one.first < other.first + other.count && other.first < one.first + one.count;
}

/**
 * What tells a process of its ports. `PORT` is what most servers listen on by themselves; a gate does not get it, so that
 * its verdict is about the tree and not about where it ran.
 */
export function portVariables(
  ports: PortRange | null,
  purpose: 'agent' | 'setup' | 'gate',
): Readonly<Record<string, string>> {
  if (ports === null) return {};
  const first = String(ports.first);
  const range = { TASKS_PORT_BASE: first, TASKS_PORT_COUNT: String(ports.count) };
  return purpose === 'gate' ? range : { ...range, PORT: first };
}
