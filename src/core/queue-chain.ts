/**
 * The chain as it should be: on what each candidate stands, and what is known of it.
 *
 * Each stands on the nearest one ahead that is not failing, the first on main. While it is not known yet what the one
 * ahead will be, those behind wait as they are: their runs may turn out to be about the right tree after all.
 */

import type { ObjectId } from './ids.ts';
import { gateKey } from './queue-keys.ts';
import type { BegunRun, Entry, Queue, Run, Waiting } from './queue-state.ts';
import type { Below, Candidate, QueueItem } from './queue-types.ts';

/** What a candidate is to stand on: main as it is, a candidate ahead, or not known yet. */
export type Base = { readonly kind: 'main' } | { readonly kind: 'ahead'; readonly commit: ObjectId } | null;

export interface Link {
  readonly entry: Entry;
  readonly base: Base;
  /** The candidate when it stands on what it should, else null. */
  readonly candidate: Candidate | null;
  readonly run: Run | null;
  readonly isGreen: boolean;
  /** Whether all that it stands on is green. */
  readonly isSound: boolean;
  /** What it stands on, nearest main first. */
  readonly below: readonly Below[];
}

function candidateOfEntry({ stage }: Entry): Candidate | null {
  return stage.kind === 'candidate' || stage.kind === 'red' || stage.kind === 'landing' ? stage.candidate : null;
}

export function linksOf(queue: Queue): readonly Link[] {
  const runs = new Map(queue.runs.map((run) => [run.key, run]));
  const green = new Set(queue.green);
  const links: Link[] = [];
  let base: Base = { kind: 'main' };
  let below: readonly Below[] = [];
  let isSound = true;
  for (const entry of queue.chain) {
    const made = candidateOfEntry(entry);
    // Whether one is on main already is asked of main alone: those ahead say nothing of that.
    const isInDoubt = entry.doubt !== 'none' && entry.stage.kind !== 'landing';
    const own: Base = isInDoubt ? { kind: 'main' } : base;
    const candidate: Candidate | null = made !== null && standsOn(queue, made, own, entry) ? made : null;
    const key = made === null ? null : gateKey(made);
    const run = key === null ? null : (runs.get(key) ?? null);
    const isGreen = key !== null && green.has(key);
    links.push({ entry, base: own, candidate, run, isGreen, isSound, below: isInDoubt ? [] : below });
    const { kind } = entry.stage;
    // Not failing: those behind stand on it; failing or not in question: on what it stands on itself.
    if (kind === 'red' || kind === 'behind' || (run?.state === 'suspect' && !isGreen)) continue;
    if (candidate === null || base === null) {
      base = null;
      continue;
    }
    base = { kind: 'ahead', commit: candidate.commit };
    isSound = isSound && (isGreen || kind === 'landing');
    below = [...below, belowOf(entry.item, candidate)];
  }
  return links;
}

function belowOf(item: QueueItem, { commit, tree, main, gate, cover }: Candidate): Below {
  return { item, commit, tree, main, gateHash: gate.hash, ...(cover === undefined ? {} : { cover }) };
}

/** Those that still stand on one that is failing, or on one that does: what they are to become is another commit. */
export function behindFailing(queue: Pick<Queue, 'chain' | 'runs' | 'green'>): ReadonlySet<Entry> {
  const suspect = new Set(queue.runs.flatMap(({ key, state }) => (state === 'suspect' ? [key] : [])));
  const green = new Set(queue.green);
  const failing = new Set<ObjectId>();
  const behind = new Set<Entry>();
  for (const entry of queue.chain) {
    const made = candidateOfEntry(entry);
    if (made === null) continue;
    const key = gateKey(made);
    const isFailing = entry.stage.kind === 'red' || (suspect.has(key) && !green.has(key));
    if (failing.has(made.main) && entry.stage.kind === 'candidate') behind.add(entry);
    if (isFailing || behind.has(entry)) failing.add(made.commit);
  }
  return behind;
}

function standsOn(queue: Queue, candidate: Candidate, base: Base, entry: Entry): boolean {
  // What is on its way to main is what main becomes, or it comes back to be built again.
  if (entry.stage.kind === 'landing') return true;
  if (base === null || !hasItsTitle(entry)) return false;
  return base.kind === 'ahead' ? base.commit === candidate.main : candidate.main === queue.main?.commit;
}

/** A candidate whose task was given another title is built again; its tree, and so its verdict, stays. */
function hasItsTitle({ item, stage, builtAs }: Entry): boolean {
  return stage.kind !== 'candidate' || builtAs === undefined || builtAs === item.title;
}

/** Gate runs that can go on side by side. */
export function slotsOf({ slots, window }: Pick<Queue, 'slots' | 'window'>): number {
  return Math.max(1, Math.min(slots, window ?? slots));
}

/**
 * Gate runs that are asked for at a time: one more than there are slots, so that no slot waits while the end of a run is
 * told, main is moved and the next candidate is built. A project's window is a limit all the same.
 */
export function widthOf({ slots, window }: Pick<Queue, 'slots' | 'window'>): number {
  return Math.max(1, Math.min(slots + 1, window ?? slots + 1));
}

/** Whether anything may be done for it now: for a hotfix always, while main is red for nobody else, in a turn for its task. */
export function isAllowed({ redMain, turn, oneTurn }: Queue, waiting: Pick<Waiting, 'taskId' | 'priority'>): boolean {
  if (waiting.priority === 'hotfix') return true;
  if (redMain !== null && (turn === null || oneTurn === true)) return false;
  return turn === null || waiting.taskId === turn.taskId;
}

/** Those that may be on main already stay where they are. */
function isFree({ stage, doubt }: Entry): boolean {
  return stage.kind !== 'landing' && doubt === 'none';
}

/**
 * A hotfix, and who has its turn, do not stand behind one that may not go on, such as one whose push found that main has
 * moved, or whose own turn was over before it landed.
 */
export function letPass(queue: Queue): Queue {
  const { chain } = queue;
  const first = chain.findIndex((entry) => isFree(entry) && !isAllowed(queue, entry.waited));
  if (first < 0) return queue;
  const mayPass = ({ waited }: Entry): boolean =>
    queue.oneTurn === true ? isAllowed(queue, waited) : waited.priority === 'hotfix';
  const passing = chain.slice(first).filter((entry) => isFree(entry) && mayPass(entry));
  if (passing.length === 0) return queue;
  const others = chain.filter((entry) => !passing.includes(entry));
  return { ...queue, chain: others.toSpliced(first, 0, ...passing) };
}

export function activeRuns({ runs, mainRun }: Queue): number {
  return runs.length + (mainRun === null ? 0 : 1);
}

export function hasBegun(run: Run): run is BegunRun {
  return run.runId !== null;
}

/** Main's own gate run, when it has begun. */
export function runOfMain({ mainRun }: Pick<Queue, 'mainRun'>): readonly BegunRun[] {
  return mainRun?.begun == null ? [] : [{ ...mainRun.begun, sinceMs: mainRun.sinceMs, state: 'running' }];
}

/** Whether it is not known yet what becomes of it: such ones need a slot, now or soon. */
export function isUndecided({ entry, isGreen }: Link): boolean {
  switch (entry.stage.kind) {
    case 'building':
    case 'held':
      return true;
    case 'candidate':
      return !isGreen;
    case 'behind':
    case 'red':
    case 'landing':
      return false;
  }
}
