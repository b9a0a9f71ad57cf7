/**
 * What follows from the ends of gate runs, and who is blamed for a red one.
 *
 * An entry is blamed only when it was red twice on the same tree (the gate run sees to that), all that it stood on is
 * green, and main is not to blame: main that nobody has gated yet is gated first, and so is main when two in a row were
 * red on the same.
 */

import { tailOf } from './failure.ts';
import type { TaskId } from './ids.ts';
import { CANCELED_RUN } from './gate-run.ts';
import { finish, hold, replaceEntry, tellAllGoingOn, tellChain } from './queue-answers.ts';
import { groupGatedAs, split, withOutcome } from './queue-batch.ts';
import { isAllowed, linksOf, type Link } from './queue-chain.ts';
import { candidateOfCheck, endChecks, restartCheck } from './queue-checks.ts';
import { gateKey } from './queue-keys.ts';
import type { QueueClock } from './queue-exchange.ts';
import type { Entry, MainRun, Queue, Red, Run } from './queue-state.ts';
import type { Candidate, GateVerdict, LandingReply, QueueItem, RunState } from './queue-types.ts';
import { oneLine } from './text.ts';

export const MAX_GREEN = 50;
const MAX_REASON_CHARS = 500;
/** Carried with the queue for as long as main is red. */
const MAX_TAIL_CHARS = 2_000;
const MAX_LOG_CHARS = 16_384;
const MAX_TIMES = 15;
const RED_MAIN_AGAIN_MS = 60_000;
const RED_MAIN_CAP_MS = 15 * 60_000;
const MAIN_AGAIN_MS = 30_000;
const SIGNATURE_LINES = 3;

export function afterGate(queue: Queue, key: string, state: RunState, clock: QueueClock): Queue {
  const run = queue.runs.find((other) => other.key === key);
  if (state.kind === 'running') {
    // Who says that it is suspect is not the one who began it.
    if (run === undefined) return state.suspect ? queue : drop(queue, key, state, clock);
    const group = state.suspect ? groupGatedAs(queue, key) : null;
    if (group !== null && group.links.length > 1) return split(withRunId(queue, run, state.runId), group);
    const known = {
      ...run,
      runId: state.runId,
      state: state.suspect || run.state === 'suspect' ? ('suspect' as const) : ('running' as const),
    };
    return { ...queue, runs: queue.runs.map((other) => (other === run ? known : other)) };
  }
  const { verdict } = state;
  if (queue.mainRun?.begun?.key === key) return afterMainGate(queue, queue.mainRun, key, verdict, clock);
  // A green tree is green, whoever asked; of what nobody wants to know any more, nothing else is of use.
  if (run === undefined) return verdict.kind === 'green' ? remember(queue, key) : queue;
  const runTimes =
    verdict.kind === 'none' ? queue.runTimes : [...queue.runTimes, clock.nowMs - run.sinceMs].slice(-MAX_TIMES);
  const group = groupGatedAs(queue, key);
  const ended: Queue = { ...queue, runs: queue.runs.filter((other) => other !== run), runTimes };
  switch (verdict.kind) {
    case 'green': {
      const flakes = ended.flakes + (verdict.flake === undefined ? 0 : 1);
      return markGreen(remember({ ...ended, flakes, lastRed: null }, key), key, clock);
    }
    case 'red':
      if (group !== null && group.links.length > 1) return split(ended, group);
      return eachOf(endChecks(ended, key, bounded(verdict), clock), key, (next, entry, candidate) => {
        const stage = { kind: 'red', candidate, red: bounded(verdict), sinceMs: clock.nowMs } as const;
        return replaceEntry(next, entry, { ...entry, stage });
      });
    case 'none':
      // Given up, and then wanted again: it is begun anew, and nobody has to wait for that.
      if (verdict.reason === CANCELED_RUN) return ended;
      return (group?.links.map(({ entry }) => entry) ?? gatedAs(ended, key).map(({ entry }) => entry)).reduce(
        (next, entry) => hold(next, entry, 'gate', `the gate could not be run to its end: ${verdict.reason}`, clock),
        endChecks(ended, key, verdict, clock),
      );
  }
}

/** A run that began when nobody wanted it any more. */
export function drop(queue: Queue, key: string, state: RunState, { nowMs }: QueueClock): Queue {
  if (state.kind === 'ended' || queue.mainRun?.begun?.key === key || queue.runs.some((run) => run.key === key))
    return queue;
  const { runId } = state;
  if (queue.dropped.some((run) => run.runId === runId)) return queue;
  return { ...queue, dropped: [...queue.dropped, { key, runId, state: 'running', sinceMs: nowMs }] };
}

/** Of a candidate that is known as green without a run of this queue. */
export function markGreen(queue: Queue, key: string, clock: QueueClock): Queue {
  const marked = eachOf(queue, key, (next, entry) => {
    // What may still be held from landing is tried more and more rarely.
    const holds = queue.toldOnce === true && entry.heldText !== null ? entry.holds : 0;
    return replaceEntry(next, entry, { ...entry, wasGreen: true, holds });
  });
  return endChecks(marked, key, { kind: 'green' }, clock);
}

export function remember(queue: Queue, key: string): Queue {
  return { ...queue, green: [...queue.green.filter((other) => other !== key), key].slice(-MAX_GREEN) };
}

function eachOf(queue: Queue, key: string, change: (queue: Queue, entry: Entry, candidate: Candidate) => Queue): Queue {
  return gatedAs(queue, key).reduce((next, { entry, candidate }) => change(next, entry, candidate), queue);
}

function gatedAs({ chain }: Queue, key: string): readonly { readonly entry: Entry; readonly candidate: Candidate }[] {
  return chain.flatMap((entry) => {
    const { stage } = entry;
    return stage.kind === 'candidate' && gateKey(stage.candidate) === key
      ? [{ entry, candidate: stage.candidate }]
      : [];
  });
}

function withRunId(queue: Queue, run: Run, runId: string): Queue {
  return { ...queue, runs: queue.runs.map((other) => (other === run ? { ...run, runId } : other)) };
}

function bounded(red: Red): Red {
  return { ...red, text: oneLine(red.text, MAX_REASON_CHARS), logTail: tailOf(red.logTail, MAX_LOG_CHARS) };
}

export function afterMainGate(
  queue: Queue,
  { commit }: MainRun,
  key: string,
  verdict: GateVerdict,
  clock: QueueClock,
): Queue {
  const { main } = queue;
  const over: Queue = { ...queue, mainRun: null };
  if (main?.commit !== commit) return over;
  const { nowMs } = clock;
  switch (verdict.kind) {
    case 'green':
      return mainIsGreen({ ...over, main: { ...main, standing: 'confirmed' }, lastRed: null }, clock);
    case 'none':
      return { ...over, mainAgainMs: nowMs + MAIN_AGAIN_MS };
    case 'red': {
      const tries = (queue.redMain?.tries ?? 0) + 1;
      const againMs = nowMs + Math.min(RED_MAIN_CAP_MS, RED_MAIN_AGAIN_MS * 2 ** (tries - 1));
      const text = `main itself is red (${oneLine(verdict.text, MAX_REASON_CHARS)}): landing goes on by itself when it is green`;
      const logTail = tailOf(verdict.logTail, MAX_TAIL_CHARS);
      const redMain = { text, logTail, sinceMs: queue.redMain?.sinceMs ?? nowMs, tries, againMs };
      const green = over.green.filter((other) => other !== key);
      return tellChain({ ...over, green, redMain, main: { ...main, standing: 'red' } }, text, redMain.sinceMs);
    }
  }
}

/** Those that were red while main was are gated anew: it was not they. */
export function mainIsGreen(queue: Queue, clock: QueueClock): Queue {
  if (queue.redMain === null) return queue;
  const chain = queue.chain.map((entry): Entry =>
    entry.stage.kind === 'red' ? { ...entry, stage: { kind: 'building', sinceMs: clock.nowMs } } : entry,
  );
  const checks = queue.checks.map((check) =>
    candidateOfCheck(check) === null ? check : restartCheck(check, clock.nowMs),
  );
  const cleared: Queue = { ...queue, redMain: null, chain, checks };
  return queue.halt === null ? tellAllGoingOn(cleared) : cleared;
}

/** Whether somebody who is red can be judged only once main was gated. */
export function needsMainGated(queue: Queue): boolean {
  return judgeable(queue).some((link) => link.red !== null && !isMainCleared(queue, link.red));
}

/** Sends back the first one whose own fault a red run is; the same queue when there is none. */
export function blame(queue: Queue, clock: QueueClock): Queue {
  const guilty = judgeable(queue).find(
    ({ entry, red }) => isMainCleared(queue, red) && !waitsForTurn(queue, entry, clock.nowMs),
  );
  if (guilty === undefined) return queue;
  const { entry, red, candidate } = guilty;
  const { item } = entry;
  const semantic = entry.wasGreen ? 'semantic conflict, green without what landed meanwhile: ' : '';
  const turnUntilMs = turnOf(queue, entry, clock.nowMs);
  const sent = finish(queue, entry, returnedRed(item, candidate, red, semantic, turnUntilMs));
  const turned = giveTurn(sent, item.taskId, turnUntilMs);
  return { ...turned, lastRed: signatureOf(red), outcomes: withOutcome(turned.outcomes, 'red'), suspects: [] };
}

/** @param why what the reason begins with */
export function returnedRed(
  { attempt }: QueueItem,
  { main }: Candidate,
  red: Red,
  why: string,
  turnUntilMs: number | null,
): LandingReply {
  return {
    kind: 'returned',
    handoff: attempt,
    request: {
      kind: 'red',
      main,
      text: `${why}${red.text}`,
      files: [],
      failedCommand: red.failedCommand,
      evidence: red.logTail,
      landedSince: red.landedSince,
    },
    turnUntilMs,
  };
}

/**
 * Until when landing holds for one that goes back: after so many times it has one turn for itself, and once more for each that was
 * let pass in it. Null also while somebody else has one: of those that may go on in it (a hotfix) no turn is needed for that.
 */
export function turnOf(queue: Queue, { item }: Pick<Entry, 'item'>, nowMs: number): number | null {
  const { turn } = queue;
  const { taskId, returns, mayReturn, turnMs } = item;
  if (isOthers(queue, taskId)) return null;
  const isOvertaken = turn?.taskId === taskId && turn.overtaken === true;
  return mayReturn > 0 && (returns === mayReturn || isOvertaken) && turnMs > 0 ? nowMs + turnMs : null;
}

/**
 * Whether it would have a turn if somebody else had none. It stays, and is built on main as that is when the other's is over: sent
 * back now it would have no turn, and stand on what the other is about to change.
 */
export function waitsForTurn(
  queue: Queue,
  { item, doubt = 'none' }: Pick<Entry, 'item'> & Partial<Pick<Entry, 'doubt'>>,
  nowMs: number,
): boolean {
  if (!isOthers(queue, item.taskId) || isAllowed(queue, item) || doubt !== 'none') return false;
  return turnOf({ ...queue, turn: null }, { item }, nowMs) !== null;
}

function isOthers({ turn, oneTurn }: Queue, taskId: TaskId): boolean {
  return oneTurn === true && turn !== null && turn.taskId !== taskId;
}

/** Null: it gets none, and who has one keeps it. */
export function giveTurn(queue: Queue, taskId: TaskId, untilMs: number | null): Queue {
  return untilMs === null ? queue : { ...queue, turn: { taskId, untilMs } };
}

type Judgeable = Link & { readonly red: Red; readonly candidate: NonNullable<Link['candidate']> };

function judgeable(queue: Queue): readonly Judgeable[] {
  if (queue.halt !== null) return [];
  return linksOf(queue).flatMap((link) => {
    const { entry, candidate, isSound } = link;
    // While main is red, only those are judged that were to mend it.
    const isFree = queue.redMain === null || entry.item.priority === 'hotfix';
    return entry.stage.kind === 'red' && candidate !== null && isSound && isFree
      ? [{ ...link, candidate, red: entry.stage.red }]
      : [];
  });
}

export function isMainCleared(queue: Queue, red: Red): boolean {
  if (queue.redMain !== null) return true;
  const standing = queue.main?.standing;
  if (standing === 'confirmed') return true;
  if (standing !== 'green') return false;
  const signature = signatureOf(red);
  const alike = [...queue.chain, ...queue.checks].filter(
    ({ stage }) => stage.kind === 'red' && signatureOf(stage.red) === signature,
  );
  return queue.lastRed !== signature && alike.length <= 1;
}

/** Tells whether two are red on the same: the command and the end of its output, numbers and ids aside. */
export function signatureOf({ failedCommand, logTail }: Red): string {
  const lines = logTail.split('\n').filter((line) => line.trim() !== '');
  const end = lines.slice(-SIGNATURE_LINES).join('\n');
  return `${failedCommand}\n${end.replace(/[0-9a-f]*\d[0-9a-f]*/g, '#')}`.slice(0, MAX_REASON_CHARS);
}
