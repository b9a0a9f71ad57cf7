/** What is true once a fact has come. Facts may come late, twice or never: each is taken for what it says and no more. */

import { handOff, obey, withdraw } from './queue-arrivals.ts';
import { finish, hold, leave, replaceEntry, tellChain, tellGoingOn } from './queue-answers.ts';
import { linksOf, type Link } from './queue-chain.ts';
import { gateKey } from './queue-keys.ts';
import { age, withDetails } from './queue-line.ts';
import type { Entry, LookAnswer, Queue, QueueClock, QueueFact } from './queue-state.ts';
import type { BuildAnswer, Candidate, LandResult, MainSeen } from './queue-types.ts';
import type { ObjectId } from './ids.ts';
import { afterGate, drop, mainIsGreen, markGreen, remember, turnOf } from './queue-verdicts.ts';

const MAX_WAITS = 31;
const MAX_VANISHED = 10;

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
    case 'pushed': {
      const entry = queue.chain.find(({ item }) => item.taskId === fact.taskId && item.attempt === fact.attempt);
      if (entry?.stage.kind !== 'landing') return queue;
      return fact.result.kind === 'protected'
        ? haltProtected(queue, entry, entry.stage.candidate, fact.result.text, clock)
        : afterPush(queue, entry, fact.result, clock);
    }
    case 'dropped':
      return { ...queue, dropped: queue.dropped.filter(({ key }) => key !== fact.key) };
    case 'details':
      return { ...queue, line: withDetails(queue.line, fact.asked, fact.items) };
    case 'looked':
      return looked(queue, fact.look, clock);
    case 'control':
      return obey(queue, fact.control, clock);
    case 'told':
      return fact.count > 0 ? { ...queue, replies: queue.replies.slice(fact.count) } : queue;
  }
}

function built(queue: Queue, fact: Extract<QueueFact, { kind: 'built' }>, clock: QueueClock): Queue {
  const { answer } = fact;
  const seen = seeMain(noteWidth(queue, answer), answer.main, fact.known, clock);
  const link = linksOf(seen).find(
    ({ entry }) => entry.item.taskId === fact.taskId && entry.item.attempt === fact.attempt,
  );
  // What was asked for may be of no use by now: it stands on what is gone, or is built and on its way.
  const parent = link?.base?.kind === 'ahead' ? link.base.commit : null;
  if (link === undefined || link.base === null || parent !== fact.parent || isSettled(link)) {
    const { result, run } = answer;
    return result.kind === 'candidate' && run !== null ? drop(seen, gateKey(result.candidate), run, clock) : seen;
  }
  return afterBuild(seen, link.entry, fact.parent, answer, clock);
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
      const key = gateKey(candidate);
      const stage = { kind: 'candidate', candidate, sinceMs: nowMs } as const;
      const next: Entry = { ...entry, stage, doubt: 'none' };
      const goesOn = queue.halt === null && queue.redMain === null;
      const replaced = replaceEntry(queue, entry, next);
      const placed = goesOn ? tellGoingOn(replaced, (other) => other === next) : replaced;
      if (result.knownGreen) return markGreen(remember(placed, key), key);
      if (queue.green.includes(key)) return markGreen(placed, key);
      if (run === null) return placed;
      const isKnown = placed.runs.some((other) => other.key === key);
      const begun: Queue = isKnown
        ? placed
        : { ...placed, runs: [...placed.runs, { key, state: 'starting', runId: null, sinceMs: nowMs }] };
      return afterGate(begun, key, run, clock);
    }
    case 'landed':
      return landed(queue, entry, result.landing.commit, result, clock);
    case 'nothing-to-land':
      return finish(queue, entry, { kind: 'nothing-to-land', handoff });
    case 'conflict': {
      const turnUntilMs = turnOf(entry, nowMs);
      const sent = finish(queue, entry, { kind: 'returned', handoff, request: result.request, turnUntilMs });
      return turnUntilMs === null ? sent : { ...sent, turn: { taskId: entry.item.taskId, untilMs: turnUntilMs } };
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

/** It is the branch's fault and nobody else's: the candidate stays one, green as it is, and lands once it may. */
function haltProtected(queue: Queue, entry: Entry, candidate: Candidate, text: string, clock: QueueClock): Queue {
  const stage = { kind: 'candidate', candidate, sinceMs: clock.nowMs } as const;
  const back =
    entry.doubt === 'withdraw'
      ? finish(queue, entry, { kind: 'withdrawn', handoff: entry.item.attempt })
      : replaceEntry(queue, entry, { ...entry, stage });
  return tellChain({ ...back, halt: { kind: 'protected', text, sinceMs: clock.nowMs } }, text, clock.nowMs);
}

function afterPush(
  queue: Queue,
  entry: Entry,
  result: Exclude<LandResult, { kind: 'protected' }>,
  clock: QueueClock,
): Queue {
  const handoff = entry.item.attempt;
  switch (result.kind) {
    case 'landed':
      return landed(queue, entry, result.landing.commit, result, clock);
    case 'moved':
      if (entry.doubt === 'withdraw') return finish(queue, entry, { kind: 'withdrawn', handoff });
      return replaceEntry(queue, entry, { ...entry, stage: { kind: 'building', sinceMs: clock.nowMs } });
    case 'mismatch': {
      const { text } = result;
      const stage = { kind: 'building', sinceMs: clock.nowMs } as const;
      // Only a person can tell now what is on main.
      const doubtful = replaceEntry(queue, entry, { ...entry, stage, doubt: 'pushed' });
      return tellChain({ ...doubtful, halt: { kind: 'mismatch', text, sinceMs: clock.nowMs } }, text, clock.nowMs);
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
  const waits = [...queue.waits, Math.max(0, clock.nowMs - entry.item.placeMs)].slice(-MAX_WAITS);
  const next: Queue = { ...told, landed: queue.landed + 1, lastLandedMs: clock.nowMs, waits };
  // One that was found on main says nothing of where main is now, unless it is just there.
  if (entry.stage.kind !== 'landing' && commit !== queue.main?.commit) return next;
  return mainIsGreen({ ...next, main: { commit, standing: 'green', foreign: false } }, clock);
}

function noteWidth(queue: Queue, { slots, window }: Pick<BuildAnswer, 'slots' | 'window'>): Queue {
  if ((slots ?? queue.slots) === queue.slots && window === queue.window) return queue;
  return { ...queue, slots: slots ?? queue.slots, window };
}

/** Takes note of where main is. While a push is under way, main moves by it: that word comes by itself. */
function seeMain(queue: Queue, seen: MainSeen | null, known: ObjectId | null, clock: QueueClock): Queue {
  const { main } = queue;
  if (seen === null || known !== (main?.commit ?? null) || seen.commit === main?.commit) return queue;
  if (queue.chain.some(({ stage }) => stage.kind === 'landing')) return queue;
  if (seen.since === 'rewritten') {
    const listed = seen.vanished.slice(0, MAX_VANISHED).join('; ');
    const more = seen.vanished.length > MAX_VANISHED ? ` and ${seen.vanished.length - MAX_VANISHED} more` : '';
    const lost = listed === '' ? 'no landing is lost' : `no longer there: ${listed}${more}`;
    const text = `main was rewritten (${main?.commit ?? ''} → ${seen.commit}): ${lost}. When that is right: tasks queue resume`;
    if (queue.halt?.kind === 'rewritten') return queue;
    return tellChain({ ...queue, halt: { kind: 'rewritten', text, sinceMs: clock.nowMs } }, text, clock.nowMs);
  }
  const redMain = queue.redMain === null ? null : { ...queue.redMain, againMs: clock.nowMs };
  return {
    ...queue,
    main: { commit: seen.commit, standing: 'unknown', foreign: main !== null },
    redMain,
    mainAgainMs: 0,
  };
}

function mainGate(queue: Queue, fact: Extract<QueueFact, { kind: 'main-gate' }>, clock: QueueClock): Queue {
  const { mainRun } = queue;
  if (mainRun === null || mainRun.commit !== fact.commit) return queue;
  const runId = fact.state.kind === 'running' ? fact.state.runId : mainRun.runId;
  return afterGate({ ...queue, mainRun: { ...mainRun, key: fact.key, runId } }, fact.key, fact.state, clock);
}

function looked(queue: Queue, look: LookAnswer, clock: QueueClock): Queue {
  let next = noteWidth(queue, { slots: look.slots, window: queue.window });
  next = seeMain(next, look.main, look.known, clock);
  for (const { key, state } of look.runs) next = afterGate(next, key, state, clock);
  if (look.turnOver !== null && next.turn?.taskId === look.turnOver) next = { ...next, turn: null };
  return age({ ...next, lookMs: null }, clock.nowMs);
}
