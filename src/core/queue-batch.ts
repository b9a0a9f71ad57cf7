/**
 * Which candidates one gate run covers, and how many: the groups that land together.
 *
 * Without `batch` each candidate is a group of its own. With it, on one gate slot, a group is as long as makes it about
 * as likely green as red: 0.7 / p, where p is the share of the last tasks that were red. One that is red is halved, and
 * its first half gated; when that is green, the other half is known to be red, and halved without being gated whole.
 * So only one that is alone is ever blamed.
 *
 * Kept true here: those of a group have one gate (a change of the gate itself is never covered by the gate that it
 * makes), and the last one's tree is the one that is gated (N3).
 */

import type { ObjectId } from './ids.ts';
import { activeRuns, isAllowed, linksOf, slotsOf, widthOf, type Link } from './queue-chain.ts';
import { gateKey, queueItemKey } from './queue-keys.ts';
import type { Part, SealAnswer } from './queue-batch-types.ts';
import type { Entry, Queue, QueueCommand, Run } from './queue-state.ts';
import type { Candidate } from './queue-types.ts';

export const MAX_BATCH = 32;
/** Fewer are not worth their halving: red is not rare then. */
const MIN_BATCH = 3;
/** How many of the last outcomes say what is usual. */
const MAX_OUTCOMES = 200;
/** A group of so many is red about as often as not: then its verdict says most. */
const AIM = 0.7;
/** Groups that are under way at a time: one is gated, one waits for the slot, one grows. */
const MAX_GROUPS = 3;

export type Standing = Link & { readonly candidate: Candidate };

/** Those that one gate run covers, the last of which is gated. */
export interface Group {
  readonly links: readonly [Standing, ...Standing[]];
  readonly last: Standing;
  /** False while it may still grow. */
  readonly isWhole: boolean;
}

export function isBatching(queue: Pick<Queue, 'batch' | 'slots' | 'window'>): boolean {
  return queue.batch && slotsOf(queue) === 1;
}

/** The share of tasks that is red: of none known a half, so that batches begin small. */
export function redShare(outcomes: string): number {
  const red = outcomes.split('1').length - 1;
  return (red + 1) / (outcomes.length + 2);
}

/** How many one run is to cover. */
export function batchSize(queue: Pick<Queue, 'batch' | 'slots' | 'window' | 'outcomes'>): number {
  if (!isBatching(queue)) return 1;
  const size = Math.floor(AIM / redShare(queue.outcomes));
  return size < MIN_BATCH ? 1 : Math.min(MAX_BATCH, size);
}

export function withOutcome(outcomes: string, outcome: 'landed' | 'red'): string {
  return `${outcomes}${outcome === 'red' ? '1' : '0'}`.slice(-MAX_OUTCOMES);
}

/** How many may be under way, whose end is not known. */
export function roomOf(queue: Queue): number {
  return Math.max(widthOf(queue), isBatching(queue) ? MAX_GROUPS * batchSize(queue) : 0);
}

/** The candidates that stand on what they should, from the first on, in groups. */
export function groupsOf(queue: Queue, links: readonly Link[] = linksOf(queue)): readonly Group[] {
  if (!isBatching(queue)) return links.flatMap((link) => (isStanding(link) ? [groupOf([link], true)] : []));
  const groups: Group[] = [];
  let open: Standing[] = [];
  const cut = (isWhole: boolean): void => {
    for (const piece of piecesOf(queue, open, isWhole)) groups.push(piece);
    open = [];
  };
  for (const link of links) {
    const { entry, run, isGreen } = link;
    const isSuspect = run?.state === 'suspect' && !isGreen;
    const { kind } = entry.stage;
    if (kind === 'red' || kind === 'behind' || kind === 'landing' || isSuspect) {
      // Nothing stands on it, and those behind it do not pass it.
      cut(true);
      if (isSuspect && isStanding(link)) groups.push(groupOf([link], true));
      continue;
    }
    if (!isStanding(link) || !isAllowed(queue, entry.waited)) break;
    const before = open.at(-1);
    if (before !== undefined && before.candidate.gate.hash !== link.candidate.gate.hash) cut(true);
    open.push(link);
    if (run === null && !(isGreen && saysMore(queue, open))) continue;
    const [first, ...others] = open;
    if (first !== undefined) groups.push(groupOf([first, ...others], true));
    open = [];
  }
  cut(false);
  return groups;
}

/** Those that were refused together are tried in halves, though the last one's tree is green. */
function saysMore({ suspects }: Queue, open: readonly Standing[]): boolean {
  const keys = new Set(open.map(({ entry }) => queueItemKey(entry.item)));
  return keys.size === 1 || suspects.length === 0 || !suspects.every((key) => keys.has(key));
}

function hasCandidate(link: Link): link is Standing {
  return link.candidate !== null;
}

function isStanding(link: Link): link is Standing {
  return hasCandidate(link) && link.entry.stage.kind === 'candidate';
}

function groupOf(links: Group['links'], isWhole: boolean): Group {
  return { links, last: links.at(-1) ?? links[0], isWhole };
}

/** Those that no run covers yet, in as many as one is to cover each. */
function piecesOf(queue: Queue, open: readonly Standing[], isWhole: boolean): readonly Group[] {
  const suspects = new Set(queue.suspects);
  const size = batchSize(queue);
  const pieces: Group[] = [];
  let known = open.findIndex(({ entry }) => !suspects.has(queueItemKey(entry.item)));
  if (known < 0) known = open.length;
  for (let at = 0; at < open.length;) {
    const left = known - at;
    const wanted = left > 0 ? Math.ceil(left / 2) : size;
    const [first, ...others] = open.slice(at, at + wanted);
    if (first === undefined) break;
    at += wanted;
    pieces.push(groupOf([first, ...others], isWhole || left > 0 || others.length + 1 >= wanted));
  }
  return pieces;
}

/** The group that a run is about; null when it is about none. */
export function groupGatedAs(queue: Queue, key: string): Group | null {
  return groupsOf(queue).find(({ last }) => gateKey(last.candidate) === key) ?? null;
}

/** Begins the runs for which there is room: one that may still grow is gated only when the slot is idle else. */
export function keysToGate(queue: Queue): ReadonlySet<string> {
  const free = widthOf(queue) - activeRuns(queue);
  const keys = new Set<string>();
  for (const { last, isWhole } of free > 0 ? groupsOf(queue) : []) {
    if (keys.size >= free) break;
    if (last.isGreen || last.run !== null || !isAllowed(queue, last.entry.waited)) continue;
    if (!isWhole && activeRuns(queue) + keys.size > 0) break;
    keys.add(gateKey(last.candidate));
  }
  return keys;
}

/**
 * A group that was red is no longer one, nor are those that stand on it: what is red in it is looked for in halves.
 * Nobody is blamed, and the same tree is not run once more.
 */
export function split(queue: Queue, { links }: Group): Queue {
  const from = queue.chain.indexOf(links[0].entry);
  const behind = new Set(
    queue.chain.slice(from).flatMap(({ stage }) => ('candidate' in stage ? [gateKey(stage.candidate)] : [])),
  );
  const gone = queue.runs.filter(({ key }) => behind.has(key));
  const begun = gone.filter((run) => run.runId !== null);
  return {
    ...queue,
    runs: queue.runs.filter((run) => !gone.includes(run)),
    dropped: [...queue.dropped, ...begun.map((run): Run => ({ ...run, state: 'running' }))],
    suspects: links.map(({ entry }) => queueItemKey(entry.item)),
  };
}

/** What the trailers of a group's commits are to say: of one that is alone nothing, its own tree is gated. */
function coverOf({ links, last }: Group): ObjectId | null {
  return links.length > 1 ? last.candidate.tree : null;
}

/** Whether all of its commits say what covers them. */
export function isSealed(group: Group): boolean {
  const cover = coverOf(group);
  return group.links.every(({ candidate }) => (candidate.cover ?? null) === cover);
}

/** Commits to be written anew: those of groups that are gated or green, and what stands on them. */
export function sealCommand(queue: Queue, links: readonly Link[]): QueueCommand | null {
  const groups = groupsOf(queue, links);
  const first = groups.find((group) => (group.last.run !== null || group.last.isGreen) && !isSealed(group))?.links[0];
  if (first === undefined || queue.halt !== null) return null;
  const covers = new Map<Entry, ObjectId | null>();
  for (const group of groups) {
    const isCovered = group.last.run !== null || group.last.isGreen;
    for (const { entry, candidate } of group.links)
      covers.set(entry, isCovered ? coverOf(group) : (candidate.cover ?? null));
  }
  const partOf = ({ entry, candidate }: Standing): Part => ({
    item: entry.item,
    candidate,
    cover: covers.get(entry) ?? null,
  });
  const behind = links.slice(links.findIndex(({ entry }) => entry === first.entry) + 1);
  const parts = [partOf(first), ...behind.flatMap((link) => (hasCandidate(link) ? [partOf(link)] : []))] as const;
  return {
    kind: 'seal',
    key: `seal/${first.candidate.commit}/${first.candidate.cover ?? ''}`,
    parts,
    below: first.below,
  };
}

/** What was written anew takes the place of what it was; the trees are the same, and so are the verdicts. */
export function sealed(queue: Queue, { parts }: Extract<SealAnswer, { kind: 'sealed' }>): Queue {
  const made = new Map(parts.map((part) => [part.was, part]));
  const chain = queue.chain.map((entry): Entry => {
    const { stage } = entry;
    if (stage.kind !== 'candidate' && stage.kind !== 'red') return entry;
    const part = made.get(stage.candidate.commit);
    if (part === undefined || queueItemKey(part) !== queueItemKey(entry.item)) return entry;
    const { commit, main, cover } = part;
    const { tree, gate } = stage.candidate;
    const candidate: Candidate = { commit, tree, main, gate, ...(cover === null ? {} : { cover }) };
    return { ...entry, stage: { ...stage, candidate } };
  });
  return { ...queue, chain };
}
