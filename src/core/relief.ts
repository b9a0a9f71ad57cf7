/**
 * Whose workspace on a host goes, and why: decided from the task's own view. A workspace that goes is hibernated: its task
 * gets it again, from its checkpoint, when it goes on.
 */

import type { ProjectName, TaskId } from './ids.ts';
import { isEnd, needsPeople, type Checkpoint, type TaskView } from './task-types.ts';

/** What the workspaces of one host may be together; Infinity: no limit. */
export interface WorkspaceCaps {
  readonly count: number;
  readonly bytes: number;
}

/** Why room has to be made: the disk runs short, or there is more than the host is to have. */
export type Pressure = 'disk' | 'count' | 'bytes';

/** Null: there is room. @param held what there is by now; bytes of what was never measured are 0 */
export function pressureOn(held: WorkspaceCaps, caps: WorkspaceCaps, isDiskShort: boolean): Pressure | null {
  if (isDiskShort) return 'disk';
  if (held.count > caps.count) return 'count';
  return held.bytes > caps.bytes ? 'bytes' : null;
}

/** A task whose workspace this host has given up for as long as it waits. */
export interface Hibernated {
  readonly project: ProjectName;
  readonly task: TaskId;
  /** ISO 8601. */
  readonly since: string;
  readonly why: Pressure;
}

/** What a worker reports of its host's workspaces. */
export interface WorkspacesReport {
  readonly count: number;
  /** Null: nobody measures, as long as nothing limits it. */
  readonly bytes: number | null;
  /** How many are hibernated, and the latest of them. */
  readonly hibernated: number;
  readonly latest: readonly Hibernated[];
}

/** In which order they go: `soon` may go on by itself within minutes. */
export type Turn = 'first' | 'later' | 'soon';
export const TURNS: readonly Turn[] = ['first', 'later', 'soon'];

/** What a workspace holds: a checkpoint, nothing but what main has, or (null) what is stored nowhere else. */
export type Stored = Checkpoint | 'nothing' | null;

/** What decides of a task. */
export type Seen = Pick<TaskView, 'state' | 'waitingFor' | 'checkpoint' | 'agent'>;

/** When the workspace of a task may go; null: it stays. */
export function turnOf(view: Seen, stored: Stored): Turn | null {
  if (!isStored(view, stored)) return null;
  if (isEnd(view.state)) return 'first';
  if (view.state === 'landing') return 'later';
  if (view.state !== 'waiting' || view.waitingFor === null) return null;
  if (needsPeople(view.waitingFor.kind)) return 'first';
  return view.waitingFor.kind === 'limit' ? 'later' : 'soon';
}

/**
 * Whether everything in the workspace that is wanted is stored on the origin: what the last attempt left without storing it
 * stays (N8). Of a shell command that failed nothing is wanted: it is run again from main.
 */
export function isStored({ checkpoint, agent }: Pick<Seen, 'checkpoint' | 'agent'>, stored: Stored): boolean {
  if (stored === 'nothing') return checkpoint === null;
  if (checkpoint === null) return agent === 'shell';
  return stored !== null && stored.head === checkpoint.head && stored.attempt === checkpoint.attempt;
}
