/**
 * The queue's whole life, as a function of its value, of what was heard meanwhile, and of the time:
 * `reconcile(queue, facts, clock)` gives the next value and all that should be under way now. It is level-triggered: a
 * command whose word is lost is still wanted at the next look, and one that comes twice changes nothing.
 *
 * Who was handed off waits in the `line`. The first few are in the `chain`: each becomes a candidate on the nearest one
 * ahead that is not failing, the first on main, and they are gated side by side. Main advances by the first alone.
 *
 * ```
 *   line ─── a slot is free, or it is a hotfix ───────────────────▶ building
 *        (with `verify` only who was green by itself: queue-verify.ts)
 *
 *   building ───┬─ candidate ─────────────────────────────────────▶ candidate
 *               ├─ conflicts with a candidate ahead ──────────────▶ behind
 *               ├─ conflict with main, nothing to land, refused,
 *               │  landed ────────────────────────────────────────▶ answer
 *               ├─ its task was ended from outside ───────────────▶ gone, without a word
 *               └─ held ──────────────────────────────────────────▶ held ──── due ────▶ building
 *
 *   behind ──── what it stands on, or main, is another ───────────▶ building (its stage stays until then)
 *
 *   candidate ──┬─ what it stands on is another ──────────────────▶ building (its stage stays until then)
 *               ├─ green, and the first on main ──────────────────▶ landing
 *               ├─ red, twice on the same tree, and alone in it ──▶ red
 *               ├─ red, with others of a batch ───────────────────▶ candidate, of a smaller one
 *               └─ the gate could not be run ─────────────────────▶ held
 *
 *   red ────────┬─ what it stood on is another ───────────────────▶ building (its stage stays until then)
 *               ├─ all that it stood on is green, and main is ────▶ answer
 *               └─ main is red ───── and is green again ──────────▶ building
 *
 *   landing ────┬─ landed, refused ───────────────────────────────▶ answer
 *               ├─ main has moved ────────────────────────────────▶ building
 *               ├─ held ──────────────────────────────────────────▶ held, in doubt whether it landed
 *               ├─ the branch is protected ───────────────────────▶ candidate, and the whole queue halts
 *               └─ main is not what was tested ───────────────────▶ the whole queue halts
 * ```
 *
 * The whole queue halts for a person's pause, a rewritten main, a main that is not what was tested, and an origin that
 * lets nobody push to it, until somebody says `resume`; while main itself is red only hotfixes go on, and it is gated again for as long
 * as anything waits; and while a task has its turn, only that task and hotfixes.
 *
 * Kept true here: only a first candidate on main with a green verdict for its tree and its gate reaches `landing` (N3), or
 * with `batch` the first few with one for the last of them (queue-batch.ts);
 * an item leaves the queue only with an answer to its task, unless that was ended from outside (N1, queue-answers.ts); each hand-off has one answer (N2); a
 * task that was told `withdrawn` is not on main, and nothing of that hand-off will land.
 */

import { groupsOf, isBatching, isSealed, keysToGate, roomOf } from './queue-batch.ts';
import {
  activeRuns,
  behindFailing,
  hasBegun,
  isAllowed,
  isUndecided,
  letPass,
  linksOf,
  runOfMain,
  slotsOf,
  widthOf,
  type Link,
} from './queue-chain.ts';
import { commandsOf } from './queue-commands.ts';
import { take } from './queue-facts.ts';
import { gateKey } from './queue-keys.ts';
import { keysOfChecks, mustBeVerified } from './queue-checks.ts';
import { goesAhead, MAX_DETAILED, rankOf, without } from './queue-line.ts';
import type { QueueClock, QueueFact, Reconciled } from './queue-exchange.ts';
import type { Entry, Queue, Run, Waiting } from './queue-state.ts';
import { isRedAtRest } from './queue-main.ts';
import { endTurn, stopTurn } from './queue-turn.ts';
import { blame, needsMainGated } from './queue-verdicts.ts';
import {
  checkKeysToGate,
  checksNeedMain,
  dropChecks,
  goOnWithChecks,
  judgeChecks,
  sendBackUnverified,
  startCheck,
} from './queue-verify.ts';

export { EMPTY_QUEUE, NEW_QUEUE } from './queue-state.ts';
export type * from './queue-batch-types.ts';
export type * from './queue-check-types.ts';
export type * from './queue-exchange.ts';
export type * from './queue-state.ts';
export { queueDetailsOf, queueViewOf } from './queue-view.ts';
export { refusalOf } from './queue-arrivals.ts';
export { refusalAfter } from './queue-facts.ts';
export { MAX_ANSWERED, resumeCommand } from './queue-answers.ts';
export { MAX_GREEN } from './queue-verdicts.ts';

export const LOOK_EVERY_MS = 60_000;
/** Beyond those in question, so many may be in the chain that wait for one ahead. */
const MAX_BEHIND = 16;
const MAX_DROPPED = 64;
/** Each round settles one thing at least, and a chain has few. */
const MAX_ROUNDS = 1_000;

export function reconcile(queue: Queue, facts: readonly QueueFact[], clock: QueueClock): Reconciled {
  const heard = facts.reduce((next, fact) => take(next, fact, clock), queue);
  const settled = settle(heard, clock);
  return { queue: settled, commands: commandsOf(settled, clock), wakeAtMs: wakeAtMs(settled) };
}

const RULES: readonly ((queue: Queue, clock: QueueClock) => Queue)[] = [
  endTurn,
  stopTurn,
  goOnAfterHold,
  goOnWithChecks,
  letPass,
  blame,
  judgeChecks,
  sendBackUnverified,
  dropChecks,
  fill,
  startCheck,
  dropRuns,
  startLanding,
  gateMain,
  startRuns,
  nextLook,
];

function settle(queue: Queue, clock: QueueClock): Queue {
  let settled = queue;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = settled;
    settled = RULES.reduce((next, rule) => rule(next, clock), before);
    if (settled === before) return settled;
  }
  throw new Error('the queue does not come to rest');
}

function goOnAfterHold(queue: Queue, { nowMs }: QueueClock): Queue {
  const isDue = (entry: Entry): boolean =>
    entry.stage.kind === 'held' && nowMs >= entry.stage.untilMs && mayGoOn(queue, entry);
  if (!queue.chain.some(isDue)) return queue;
  const chain = queue.chain.map((entry): Entry =>
    isDue(entry) ? { ...entry, stage: { kind: 'building', sinceMs: nowMs } } : entry,
  );
  return { ...queue, chain };
}

/** While nothing lands, those alone that are asked back are tried again: whether they are on main, nobody else can tell. */
function mayGoOn({ halt, toldOnce }: Queue, { doubt }: Pick<Entry, 'doubt'>): boolean {
  return halt === null || (toldOnce === true && halt.kind === 'person' && doubt === 'withdraw');
}

/** Takes the next one in line into the chain, when there is room. */
function fill(queue: Queue, { nowMs }: QueueClock): Queue {
  if (queue.halt !== null) return queue;
  // Those that are still to be verified are passed by; nobody looks far for one that is not.
  const line = queue.verify ? queue.line.slice(0, MAX_DETAILED) : queue.line;
  const isReady = (waiting: Waiting): boolean => !mustBeVerified(queue, waiting) && waiting.silent !== true;
  const first = line.find(isReady);
  if (first === undefined) return queue;
  const isInChain = ({ taskId }: Waiting): boolean => queue.chain.some(({ item }) => item.taskId === taskId);
  // Only the first may pass: what waits for its details, or for an older hand-off of its own, is not overtaken.
  const next = isAllowed(queue, first)
    ? first
    : line.find((waiting) => isReady(waiting) && isAllowed(queue, waiting) && !isInChain(waiting));
  if (next === undefined || next.item === null || isInChain(next)) return queue;
  const width = roomOf(queue);
  const links = linksOf(queue);
  const ahead = links.filter(({ entry }) => rankOf(entry.waited) <= rankOf(next));
  const isAhead = goesAhead(next);
  const room = (some: readonly Link[]): boolean =>
    some.filter(isUndecided).length < width && some.filter(isInQuestion).length < 2 * width - 1;
  // Those that wait behind one ahead must not keep a hotfix out.
  const counted = isAhead && queue.oneTurn === true ? ahead : links;
  if (!room(isAhead ? ahead : links) || counted.length >= limitOf(queue)) return queue;
  const { item, heldText, ...waited } = next;
  const stage = { kind: 'building', sinceMs: nowMs } as const;
  const entry: Entry = { item, waited, stage, doubt: 'none', holds: 0, heldText, wasGreen: false };
  const at = isAhead ? placeAhead(queue, next) : queue.chain.length;
  return { ...queue, line: without(queue.line, next), chain: queue.chain.toSpliced(at, 0, entry) };
}

/** Those that wait for their end, those that have it and wait to land, and those behind one ahead. */
function limitOf(queue: Queue): number {
  return (isBatching(queue) ? roomOf(queue) : 3 * widthOf(queue)) + MAX_BEHIND;
}

function isInQuestion({ entry }: Link): boolean {
  return entry.stage.kind !== 'behind' && entry.stage.kind !== 'red' && entry.stage.kind !== 'landing';
}

/** Behind what may be on main already and those that go ahead themselves: a hotfix is before one that has its turn. */
function placeAhead({ chain }: Queue, next: Waiting): number {
  const first = chain.findIndex(
    ({ stage, doubt, waited }) => stage.kind !== 'landing' && doubt === 'none' && rankOf(waited) > rankOf(next),
  );
  return first < 0 ? chain.length : first;
}

/** Gives up the runs that say nothing about any candidate, or only about such as will be built anew for one that fails. */
function dropRuns(queue: Queue): Queue {
  const failed = behindFailing(queue);
  const wanted = new Set([
    ...queue.chain.flatMap((entry) =>
      entry.stage.kind === 'candidate' && !failed.has(entry) ? [gateKey(entry.stage.candidate)] : [],
    ),
    ...keysOfChecks(queue),
  ]);
  const kept = queue.runs.filter(
    (run) => wanted.has(run.key) && !queue.green.includes(run.key) && (hasBegun(run) || mayBegin(queue, run)),
  );
  const isOldMain = queue.mainRun !== null && queue.mainRun.commit !== queue.main?.commit;
  if (kept.length === queue.runs.length && !isOldMain) return queue;
  const gone = queue.runs.filter(hasBegun).filter((run) => !kept.includes(run) && !queue.green.includes(run.key));
  if (isOldMain) gone.push(...runOfMain(queue));
  return {
    ...queue,
    runs: kept,
    dropped: [...queue.dropped.filter(({ key }) => !wanted.has(key)), ...gone].slice(-MAX_DROPPED),
    mainRun: isOldMain ? null : queue.mainRun,
  };
}

/** A run of a candidate that does not stand where it should is not begun: it would count as one for as long as that is not built anew. */
function mayBegin(queue: Queue, { key }: Run): boolean {
  if (queue.oneTurn !== true || keysOfChecks(queue).includes(key)) return true;
  return linksOf(queue).some(({ candidate }) => candidate !== null && gateKey(candidate) === key);
}

/** Has main itself gated: when a judgement needs it, when it was red and that is of use, and when it is somebody else's and a slot is free. */
function gateMain(queue: Queue, { nowMs }: QueueClock): Queue {
  const { main, mainRun, redMain } = queue;
  if (main === null || mainRun !== null || queue.halt !== null || nowMs < queue.mainAgainMs) return queue;
  const isSpare = (): boolean =>
    main.foreign &&
    main.standing === 'unknown' &&
    !queue.chain.some(({ stage }) => stage.kind === 'landing') &&
    linksOf(queue).filter(isUndecided).length < slotsOf(queue);
  const wanted =
    redMain === null
      ? needsMainGated(queue) || checksNeedMain(queue) || isSpare()
      : nowMs >= redMain.againMs && !isRedAtRest(queue);
  if (!wanted) return queue;
  const again = main.standing !== 'unknown' || redMain !== null;
  return { ...queue, mainRun: { commit: main.commit, begun: null, again, sinceMs: nowMs } };
}

function startRuns(queue: Queue, { nowMs }: QueueClock): Queue {
  if (queue.halt !== null) return queue;
  const inChain = keysToGate(queue);
  const free = widthOf(queue) - activeRuns(queue) - inChain.size;
  const keys = new Set([...inChain, ...checkKeysToGate(queue, free)]);
  if (keys.size === 0) return queue;
  const begun = [...keys].map((key): Run => ({ key, state: 'starting', runId: null, sinceMs: nowMs }));
  return { ...queue, runs: [...queue.runs, ...begun], dropped: queue.dropped.filter(({ key }) => !keys.has(key)) };
}

/** The first candidates that one run covers, and no others, may move main: when the last one's tree was seen green (N3). */
function startLanding(queue: Queue, { nowMs }: QueueClock): Queue {
  if (queue.halt !== null || queue.chain[0]?.stage.kind !== 'candidate') return queue;
  const [group] = groupsOf(queue);
  if (group === undefined || group.links[0].entry !== queue.chain[0] || !group.last.isGreen || !isSealed(group))
    return queue;
  if (!group.links.every(({ entry }) => isAllowed(queue, entry.waited))) return queue;
  const landing = new Map(group.links.map(({ entry, candidate }) => [entry, candidate]));
  const chain = queue.chain.map((entry): Entry => {
    const candidate = landing.get(entry);
    return candidate === undefined ? entry : { ...entry, stage: { kind: 'landing', candidate, sinceMs: nowMs } };
  });
  return { ...queue, chain };
}

/** While there is something to ask after, each look says when the next one is. */
function nextLook(queue: Queue, { nowMs }: QueueClock): Queue {
  const busy = queue.chain.length > 0 || queue.line.length > 0 || queue.redMain !== null || queue.mainRun !== null;
  if (busy === (queue.lookMs !== null)) return queue;
  return { ...queue, lookMs: busy ? nowMs + LOOK_EVERY_MS : null };
}

function wakeAtMs(queue: Queue): number | null {
  const { chain, checks, turn, redMain, mainAgainMs, lookMs } = queue;
  const held = [...chain.filter((entry) => isByClock(queue, entry)), ...(isByClock(queue) ? checks : [])];
  const times = held.flatMap(({ stage }) => (stage.kind === 'held' ? [stage.untilMs] : []));
  if (turn !== null && turn.leftMs === undefined) times.push(turn.untilMs);
  if (redMain !== null && !isMainAsked(queue)) times.push(Math.max(redMain.againMs, mainAgainMs));
  if (lookMs !== null) times.push(lookMs);
  return times.length === 0 ? null : Math.min(...times);
}

/** Whether it goes on when its time has come: what waits for a word would else have the queue look again and again, without a pause. */
function isByClock(queue: Queue, entry: Pick<Entry, 'doubt'> = { doubt: 'none' }): boolean {
  return queue.toldOnce !== true || mayGoOn(queue, entry);
}

/** Whether a red main is gated again because of a word, and not of the clock: of its run, of where it is, of a person, of who comes. */
function isMainAsked(queue: Queue): boolean {
  if (isRedAtRest(queue)) return true;
  return queue.toldOnce === true && (queue.mainRun !== null || queue.main === null || queue.halt !== null);
}
