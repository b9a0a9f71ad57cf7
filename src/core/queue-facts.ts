/** What is true once a fact has come. Facts may come late, twice or never: each is taken for what it says and no more. */

import { handOff, obey, refusalOf, withdraw } from './queue-arrivals.ts';
import { finish, haltFor, hold, leave, replaceEntry, resumeCommand, tellGoingOn } from './queue-answers.ts';
import { sealed, withOutcome } from './queue-batch.ts';
import { linksOf, type Link } from './queue-chain.ts';
import { checkOf } from './queue-checks.ts';
import { gateKey, queueItemKey } from './queue-keys.ts';
import { age, withDetails, withSilence } from './queue-line.ts';
import { seeMain } from './queue-main.ts';
import type { Control, LookAnswer, QueueClock, QueueFact, Wanted } from './queue-exchange.ts';
import type { Entry, Queue } from './queue-state.ts';
import { afterCheckBuilt } from './queue-verify.ts';
import type { BuildAnswer, Candidate, LandResult } from './queue-types.ts';
import type { ObjectId } from './ids.ts';
import {
  afterGate,
  afterMainGate,
  drop,
  giveTurn,
  mainIsGreen,
  markGreen,
  remember,
  turnOf,
  waitsForTurn,
} from './queue-verdicts.ts';

const MAX_WAITS = 31;

export function take(queue: Queue, fact: QueueFact, clock: QueueClock): Queue {
  switch (fact.kind) {
    case 'handed-off':
      return handOff(queue, fact.item);
    case 'withdraw':
      return withdraw(queue, fact.taskId, fact.handoff, clock);
    case 'built':
      return built(queue, fact, clock);
    case 'gate':
      return afterGate(queue, fact.key, fact.state, clock);
    case 'main-gate':
      return mainGate(queue, fact, clock);
    case 'pushed':
      return afterPush(queue, fact, fact.result, clock);
    case 'sealed':
      return afterSeal(queue, fact, clock);
    case 'dropped':
      return { ...queue, dropped: queue.dropped.filter(({ key }) => key !== fact.key) };
    case 'details':
      return details(queue, fact);
    case 'looked':
      return looked(queue, fact.look, clock);
    case 'control':
      return obey(queue, fact.control, clock);
    case 'told':
      return fact.count > 0 ? { ...queue, replies: queue.replies.slice(fact.count) } : queue;
  }
}

/** Why an operator's word changes nothing once all is taken that came before it; null when it does. */
export function refusalAfter(
  queue: Queue,
  before: readonly QueueFact[],
  control: Control,
  clock: QueueClock,
): string | null {
  return refusalOf(
    before.reduce((next, fact) => take(next, fact, clock), queue),
    control,
  );
}

function details(queue: Queue, { asked, items, silent = [] }: Extract<QueueFact, { kind: 'details' }>): Queue {
  const line = withDetails(queue.line, asked, items);
  return { ...queue, line: queue.redRests === true ? withSilence(line, silent) : line };
}

function built(queue: Queue, fact: Extract<QueueFact, { kind: 'built' }>, clock: QueueClock): Queue {
  const { answer } = fact;
  const seen = seeMain(noteWidth(queue, answer), answer.main, fact.known, clock);
  const link = linksOf(seen).find(
    ({ entry }) => entry.item.taskId === fact.taskId && entry.item.attempt === fact.attempt,
  );
  const check = link === undefined && fact.parent === null ? checkOf(seen, fact) : null;
  if (check?.stage.kind === 'building') return afterGateBegun(afterCheckBuilt(seen, check, fact, clock), answer, clock);
  // What was asked for may be of no use by now: it stands on what is gone, or is built and on its way.
  const parent = link?.base?.kind === 'ahead' ? link.base.commit : null;
  if (link === undefined || link.base === null || parent !== fact.parent || isSettled(link)) {
    const { result, run } = answer;
    return result.kind === 'candidate' && run !== null ? drop(seen, gateKey(result.candidate), run, clock) : seen;
  }
  const builtAs = fact.title ?? link.entry.item.title;
  const known: Entry = answer.result.kind === 'candidate' ? { ...link.entry, builtAs } : link.entry;
  return afterBuild(replaceEntry(seen, link.entry, known), known, fact.parent, answer, clock);
}

function isSettled({ entry, candidate }: Link): boolean {
  return candidate !== null || entry.stage.kind === 'held' || entry.stage.kind === 'landing';
}

function afterBuild(
  queue: Queue,
  entry: Entry,
  parent: ObjectId | null,
  { result, run }: BuildAnswer,
  clock: QueueClock,
): Queue {
  const { nowMs } = clock;
  const handoff = entry.item.attempt;
  switch (result.kind) {
    case 'candidate': {
      if (entry.doubt === 'withdraw') return finish(queue, entry, { kind: 'withdrawn', handoff });
      const { candidate } = result;
      const stage = { kind: 'candidate', candidate, sinceMs: nowMs } as const;
      const next: Entry = { ...entry, stage, doubt: 'none' };
      const goesOn = queue.halt === null && queue.redMain === null && !maybeStillHeld(queue, entry, result);
      const replaced = replaceEntry(queue, entry, next);
      const placed = goesOn ? tellGoingOn(replaced, (other) => other === next) : replaced;
      return afterGateBegun(placed, { result, run }, clock);
    }
    case 'landed':
      return landed(queue, entry, result.landing.commit, result, clock);
    case 'nothing-to-land':
      return finish(queue, entry, { kind: 'nothing-to-land', handoff });
    case 'conflict': {
      // Git has looked: it is not on main.
      const sure: Entry = entry.doubt === 'pushed' ? { ...entry, doubt: 'none' } : entry;
      if (waitsForTurn(queue, sure, nowMs)) return replaceEntry(queue, entry, sure);
      const turnUntilMs = turnOf(queue, entry, nowMs);
      const sent = finish(queue, entry, { kind: 'returned', handoff, request: result.request, turnUntilMs });
      return giveTurn(sent, entry.item.taskId, turnUntilMs);
    }
    case 'behind': {
      const main = queue.main?.commit;
      if (parent === null || main === undefined) return queue;
      return replaceEntry(queue, entry, { ...entry, stage: { kind: 'behind', parent, main, sinceMs: nowMs } });
    }
    case 'refused':
      return finish(queue, entry, { kind: 'refused', handoff, failure: result.failure });
    case 'ended':
      // Nobody waits for an answer; should the task be taken up again, the same hand-off is a new one.
      return leave(queue, entry);
    case 'held':
      return hold(queue, entry, result.why, result.text, clock);
  }
}

type BuiltCandidate = Extract<BuildAnswer['result'], { kind: 'candidate' }>;

/** One that was held while it landed, and is green: whether it goes on only the next landing tells, which follows at once. */
function maybeStillHeld(queue: Queue, { doubt }: Entry, { candidate, knownGreen }: BuiltCandidate): boolean {
  const isGreen = knownGreen || queue.green.includes(gateKey(candidate));
  return queue.toldOnce === true && doubt === 'pushed' && isGreen;
}

/** It is the branch's fault and nobody else's: what was pushed is a candidate again, green as it is, and lands once it may. */
function haltProtected(queue: Queue, pushed: readonly Pushed[], text: string, clock: QueueClock): Queue {
  const back = pushed.reduce((next, { entry, candidate }) => {
    const stage = { kind: 'candidate', candidate, sinceMs: clock.nowMs } as const;
    return entry.doubt === 'withdraw'
      ? finish(next, entry, { kind: 'withdrawn', handoff: entry.item.attempt })
      : replaceEntry(next, entry, { ...entry, stage });
  }, queue);
  return haltFor(back, 'protected', text, clock);
}

function afterSeal(queue: Queue, { first, answer }: Extract<QueueFact, { kind: 'sealed' }>, clock: QueueClock): Queue {
  if (answer.kind === 'sealed') return sealed(queue, answer);
  return withEntry(queue, first, (entry) =>
    entry.stage.kind === 'candidate' ? hold(queue, entry, 'engine', answer.text, clock) : queue,
  );
}

/** What building a candidate has said of its verdict: that it is known, that it is on its way, or nothing. */
function afterGateBegun(queue: Queue, { result, run }: Pick<BuildAnswer, 'result' | 'run'>, clock: QueueClock): Queue {
  if (result.kind !== 'candidate') return queue;
  const key = gateKey(result.candidate);
  if (result.knownGreen) return markGreen(remember(queue, key), key, clock);
  if (queue.green.includes(key)) return markGreen(queue, key, clock);
  if (run === null) return queue;
  const isKnown = queue.runs.some((other) => other.key === key);
  const begun: Queue = isKnown
    ? queue
    : { ...queue, runs: [...queue.runs, { key, state: 'starting', runId: null, sinceMs: clock.nowMs }] };
  return afterGate(begun, key, run, clock);
}

type Unprotected = Exclude<LandResult, { kind: 'protected' }>;

/** One that is on its way to main. */
interface Pushed {
  readonly entry: Entry;
  readonly candidate: Candidate;
}

/** What came of a push holds for all that went with it, from the first on; `last` is the one that it was told of. */
function afterPush(queue: Queue, last: Wanted, result: LandResult, clock: QueueClock): Queue {
  const pushed = queue.chain.flatMap((entry): readonly Pushed[] =>
    entry.stage.kind === 'landing' ? [{ entry, candidate: entry.stage.candidate }] : [],
  );
  const keyOfLast = queueItemKey(last);
  const keys = pushed.map(({ entry }) => queueItemKey(entry.item));
  if (!keys.includes(keyOfLast)) return queue;
  if (result.kind === 'protected') return haltProtected(queue, pushed, result.text, clock);
  // Which of several is not wanted is found out by halves, as with one that is red.
  const isTriedAgain = pushed.length > 1 && result.kind === 'refused';
  const after = pushed.reduce((next, { entry: { item } }, at) => {
    const own: Unprotected = isTriedAgain
      ? { kind: 'moved' }
      : resultOf(result, queueItemKey(item) === keyOfLast ? null : at);
    // What is said of one may change the others.
    return withEntry(next, item, (entry) => afterOnePush(next, entry, own, clock));
  }, queue);
  return isTriedAgain ? { ...after, suspects: keys } : after;
}

/** @param under its place among those below the last; null: it is the last itself */
function resultOf(result: Unprotected, under: number | null): Unprotected {
  if (result.kind !== 'landed' || under === null) return result;
  const landing = result.under?.[under];
  // It may be on main all the same: git is asked.
  return landing === undefined
    ? { kind: 'held', why: 'engine', text: 'the push said nothing of it' }
    : { kind: 'landed', landing };
}

/** What is said of one that is no longer in the chain changes nothing. */
function withEntry(queue: Queue, wanted: Wanted, change: (entry: Entry) => Queue): Queue {
  const key = queueItemKey(wanted);
  const entry = queue.chain.find(({ item }) => queueItemKey(item) === key);
  return entry === undefined ? queue : change(entry);
}

function afterOnePush(queue: Queue, entry: Entry, result: Unprotected, clock: QueueClock): Queue {
  const handoff = entry.item.attempt;
  switch (result.kind) {
    case 'landed':
      return landed(queue, entry, result.landing.commit, result, clock);
    case 'moved':
      if (entry.doubt === 'withdraw') return finish(queue, entry, { kind: 'withdrawn', handoff });
      return replaceEntry(queue, entry, { ...entry, stage: { kind: 'building', sinceMs: clock.nowMs } });
    case 'mismatch': {
      const text = `${result.text}. When main is right: ${resumeCommand(clock.project)}`;
      const stage = { kind: 'building', sinceMs: clock.nowMs } as const;
      // Only a person can tell now what is on main.
      const doubtful = replaceEntry(queue, entry, { ...entry, stage, doubt: 'pushed' });
      return haltFor(doubtful, 'mismatch', text, clock);
    }
    case 'refused':
      return finish(queue, entry, { kind: 'refused', handoff, failure: result.failure });
    case 'held': {
      const doubt = entry.doubt === 'withdraw' ? 'withdraw' : 'pushed';
      const doubtful: Entry = { ...entry, doubt };
      return hold(replaceEntry(queue, entry, doubtful), doubtful, result.why, result.text, clock);
    }
  }
}

function landed(
  queue: Queue,
  entry: Entry,
  commit: ObjectId,
  { landing }: Extract<LandResult, { kind: 'landed' }>,
  clock: QueueClock,
): Queue {
  const told = finish(queue, entry, { kind: 'landed', handoff: entry.item.attempt, landing });
  const suspects = queue.suspects.filter((key) => key !== queueItemKey(entry.item));
  const outcomes = withOutcome(queue.outcomes, 'landed');
  const waits = [...queue.waits, Math.max(0, clock.nowMs - entry.item.placeMs)].slice(-MAX_WAITS);
  const turn = told.turn === null ? null : { ...told.turn, overtaken: true as const };
  const counted = { landed: queue.landed + 1, lastLandedMs: clock.nowMs };
  const next: Queue = { ...told, ...counted, turn, waits, outcomes, suspects };
  // One that was found on main says nothing of where main is now, unless it is just there.
  if (entry.stage.kind !== 'landing' && commit !== queue.main?.commit) return next;
  return mainIsGreen({ ...next, main: { commit, standing: 'green', foreign: false } }, clock);
}

function noteWidth(queue: Queue, answer: Pick<BuildAnswer, 'slots' | 'window' | 'batch' | 'verify'>): Queue {
  const { window, batch = queue.batch, verify = queue.verify } = answer;
  const slots = answer.slots ?? queue.slots;
  const isSame = window === queue.window && batch === queue.batch && verify === queue.verify;
  return isSame && slots === queue.slots ? queue : { ...queue, slots, window, batch, verify };
}

function mainGate(queue: Queue, fact: Extract<QueueFact, { kind: 'main-gate' }>, clock: QueueClock): Queue {
  const { mainRun } = queue;
  const { commit, key, state } = fact;
  if (mainRun?.commit !== commit) return queue;
  if (state.kind === 'ended') return afterMainGate(queue, mainRun, key, state.verdict, clock);
  return afterGate({ ...queue, mainRun: { ...mainRun, begun: { key, runId: state.runId } } }, key, state, clock);
}

function looked(queue: Queue, look: LookAnswer, clock: QueueClock): Queue {
  let next = noteWidth(queue, { slots: look.slots, window: queue.window });
  next = seeMain(next, look.main, look.known, clock);
  for (const { key, state } of look.runs) next = afterGate(next, key, state, clock);
  if (look.turnOver !== null && next.turn?.taskId === look.turnOver) next = { ...next, turn: null };
  return age({ ...next, lookMs: null }, clock.nowMs);
}
