/**
 * What of a host's files and of an origin's refs may go, and why not: for `tasks gc`. Everything that a task has made goes on
 * proof alone (N8): its workflow's own end, or the commit of main that says so. What can be made again at any time goes when
 * nobody has used it for long.
 */

import { isStored, type Stored } from './relief.ts';
import type { TaskView } from './task-types.ts';

export type Verdict = { readonly verdict: 'remove' | 'keep'; readonly why: string };

/** What is known of a task; `landed`, of one that Temporal keeps no more, is what main's own commits say. */
export type TaskFacts =
  | { readonly kind: 'open'; readonly state: string }
  | { readonly kind: 'closed'; readonly view: TaskView }
  | { readonly kind: 'terminated'; readonly view: TaskView | null }
  /** Its workflow failed, timed out or was canceled as no version of Tributary ends one. */
  | { readonly kind: 'broken'; readonly status: string }
  | { readonly kind: 'landed'; readonly view: TaskView; readonly commit: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unreachable'; readonly reason: string };

const remove = (why: string): Verdict => ({ verdict: 'remove', why });
const keep = (why: string): Verdict => ({ verdict: 'keep', why });

const DAY_MS = 24 * 60 * 60_000;
/** What can be made again stays for so long after its last use. */
const UNUSED_MS = { 'mirror': 30 * DAY_MS, 'landing': 30 * DAY_MS, 'scratch': 30 * DAY_MS, 'set-up': 7 * DAY_MS, 'gate': 7 * DAY_MS } as const; // prettier-ignore

/** How a task stands: over, so that nothing of it is wanted; ended, so that it may be retried; or held by something. */
type Standing =
  | { readonly kind: 'over'; readonly why: string }
  | { readonly kind: 'held'; readonly why: string }
  | { readonly kind: 'ended'; readonly view: TaskView };

function standingOf(facts: TaskFacts): Standing {
  switch (facts.kind) {
    case 'open':
      return { kind: 'held', why: `its task is open (${facts.state})` };
    case 'closed':
      return standingOfClosed(facts.view);
    case 'terminated':
      return { kind: 'over', why: 'its workflow was terminated' };
    case 'landed':
      return { kind: 'over', why: `it landed as ${facts.commit.slice(0, 12)}, as main says` };
    case 'broken':
      return { kind: 'held', why: `its workflow ended as ${facts.status}, which says nothing of its work` };
    case 'unknown':
      return { kind: 'held', why: 'neither Temporal nor main knows its task, which proves nothing' };
    case 'unreachable':
      return { kind: 'held', why: `its task could not be asked: ${facts.reason}` };
  }
}

function standingOfClosed(view: TaskView): Standing {
  const { state, commit } = view;
  if (state === 'unchanged') return { kind: 'over', why: 'it changed nothing' };
  if (state !== 'landed') return { kind: 'ended', view };
  return { kind: 'over', why: commit === null ? 'it landed' : `it landed as ${commit.slice(0, 12)}` };
}

export interface Kept {
  /** How long the workspace of a task stays that ended without landing, in milliseconds. */
  readonly keptMs: number;
  readonly nowMs: number;
}

/** A workspace. */
export function judgeWorkspace(facts: TaskFacts, stored: Stored, isUsed: boolean, kept: Kept): Verdict {
  if (isUsed) return keep('a process of this host is at work in it');
  const standing = standingOf(facts);
  const verdict = judgeHome(facts, kept);
  if (verdict.verdict === 'keep' || standing.kind !== 'ended' || isStored(standing.view, stored)) return verdict;
  return keep('what an attempt left in it is stored nowhere else');
}

/** The home of a task's processes, without its workspace. */
export function judgeHome(facts: TaskFacts, { keptMs, nowMs }: Kept): Verdict {
  const standing = standingOf(facts);
  if (standing.kind === 'over') return remove(standing.why);
  if (standing.kind === 'held') return keep(standing.why);
  const { state, endedAt } = standing.view;
  const agoMs = endedAt === null ? 0 : nowMs - Date.parse(endedAt);
  const said = `it ended as ${state} ${spanOf(agoMs)} ago`;
  return agoMs > keptMs
    ? remove(`${said}, and what it has stored is on the origin`)
    : keep(`${said}: it stays for ${spanOf(keptMs)} (workspaces.keep in host.yaml)`);
}

/** The refs of a task on the origin. */
export function judgeRefs(facts: TaskFacts): Verdict {
  const standing = standingOf(facts);
  if (standing.kind === 'over') return remove(standing.why);
  if (standing.kind === 'held') return keep(standing.why);
  return keep(`tasks retry goes on from them: it ended as ${standing.view.state}`);
}

/** What can be made again: a mirror, a landing repository, a set-up, a gate's worktree, a home of gates and set-up. */
export interface Remade {
  readonly kind: keyof typeof UNUSED_MS;
  readonly usedMs: number;
  /** Tasks that have refs or branches in it. */
  readonly tasks: number;
  /** Whether a run of this host has it just now. */
  readonly isLeased: boolean;
}

/** @param isWorked whether a worker of this host runs: it may use it any time */
export function judgeRemade({ kind, usedMs, tasks, isLeased }: Remade, isWorked: boolean, nowMs: number): Verdict {
  const agoMs = nowMs - usedMs;
  const said = `last used ${spanOf(agoMs)} ago`;
  if (isLeased) return keep('a run of this host has it');
  if (tasks > 0) return keep(`it has refs of ${tasks} task${tasks === 1 ? '' : 's'}`);
  if (agoMs <= UNUSED_MS[kind]) return keep(`${said}: it stays for ${spanOf(UNUSED_MS[kind])}`);
  // A run leases its worktree; nothing says who has a repository open.
  if (isWorked && kind !== 'gate') return keep(`${said}, but a worker of this host runs; stop it first`);
  return remove(`${said}, and made again when it is needed`);
}

/** In one unit: `3 d`. */
function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
