/** What tasks and people ask of the queue: hand-offs, withdrawals, and what an operator says. */

import {
  answer,
  answerTo,
  finish,
  haltFor,
  heldBy,
  MAX_REASON_CHARS,
  replaceEntry,
  resumeCommand,
  tellAgain,
  tellChain,
  tellAllGoingOn,
  tellHeld,
} from './queue-answers.ts';
import { checkOf, replaceCheck, restartCheck, withoutCheckOf } from './queue-checks.ts';
import { insert, MAX_LINE, promote, waitingOf, without } from './queue-line.ts';
import type { Control, QueueClock } from './queue-exchange.ts';
import type { Entry, Queue, Waiting } from './queue-state.ts';
import type { LandingReply, QueueItem } from './queue-types.ts';
import type { TaskId } from './ids.ts';
import { oneLine } from './text.ts';

export function handOff(queue: Queue, item: QueueItem): Queue {
  const { taskId, attempt, head } = item;
  const inChain = queue.chain.filter((entry) => entry.item.taskId === taskId);
  const inLine = queue.line.filter((waiting) => waiting.taskId === taskId);
  const same = inChain.find((entry) => entry.item.attempt === attempt);
  if (same !== undefined) return renameEntry(queue, same, item);
  if (inChain.some((entry) => entry.item.attempt > attempt)) return queue;
  if (inLine.some((waiting) => waiting.attempt >= attempt)) return tellWaiting(rename(queue, item), item);
  const before = answerTo(queue, taskId, attempt);
  if (before !== null && (before.head === null || before.head === head)) return tellAgain(queue, before);
  if (inLine.length === 0 && queue.line.length >= MAX_LINE) return queue;
  // A newer hand-off of the same task replaces an older one; one that may be on main already is answered first.
  let next = queue;
  for (const waiting of inLine) next = leaveLine(next, waiting, { kind: 'withdrawn', handoff: waiting.attempt });
  for (const entry of inChain.filter(mayLeave)) {
    next = finish(next, entry, { kind: 'withdrawn', handoff: entry.item.attempt });
  }
  // Its turn goes on with the newer hand-off.
  const turned: Queue = { ...next, turn: queue.turn };
  const [why, heldText] = tellArrival(turned, item);
  return { ...why, line: insert(why.line, { ...waitingOf(why, item), heldText }) };
}

/** Takes one that waits out of the line, with an answer. */
function leaveLine(queue: Queue, waiting: Waiting, reply: LandingReply): Queue {
  const { taskId, item } = waiting;
  const rest = queue.oneTurn === true ? withoutCheckOf(queue, waiting) : queue;
  return answer({ ...rest, line: without(queue.line, waiting) }, { taskId, head: item?.head ?? null }, reply);
}

/** Tells one that nothing lands, if so; with the words. */
function tellArrival(queue: Queue, item: QueueItem): readonly [Queue, string | null] {
  const { halt, redMain } = queue;
  const why = halt ?? (item.priority === 'hotfix' ? null : redMain);
  return why === null ? [queue, null] : [tellHeld(queue, [item], heldBy(why)), oneLine(why.text, MAX_REASON_CHARS)];
}

/**
 * The same of one that is a candidate or about to be; what is on its way to main keeps the title that it has. One that may be on main
 * has the new one should git not find it there.
 */
function renameEntry(queue: Queue, entry: Entry, { title }: QueueItem): Queue {
  const mayBeRenamed = queue.toldOnce === true ? entry.stage.kind !== 'landing' : mayLeave(entry);
  if (entry.item.title === title || !mayBeRenamed) return queue;
  return replaceEntry(queue, entry, { ...entry, item: { ...entry.item, title } });
}

/** The same hand-off again, under a title that was edited. */
function rename(queue: Queue, item: QueueItem): Queue {
  const known = queue.line.find((other) => other.taskId === item.taskId && other.attempt === item.attempt);
  if (known?.item == null || known.item.title === item.title) return queue;
  const renamed = { ...known, item: { ...known.item, title: item.title } };
  return { ...queue, line: queue.line.map((other) => (other === known ? renamed : other)) };
}

/**
 * One in line is told when it asks again that nothing lands since, or that landing goes on, unless it was among the first, who are
 * told that at once: to tell all that wait could be thousands of signals.
 */
function tellWaiting(queue: Queue, item: QueueItem): Queue {
  const known = queue.line.find((other) => other.taskId === item.taskId && other.attempt === item.attempt);
  if (queue.oneTurn !== true || known === undefined) return queue;
  const check = checkOf(queue, item);
  const [held, heldText] = tellArrival(queue, item);
  if (heldText === null) {
    const isTold = known.heldText !== null && check === null;
    return isTold ? tellHeld({ ...queue, line: withText(queue.line, known, null) }, [item], null) : queue;
  }
  if (known.heldText !== null || (check?.heldText ?? null) !== null) return queue;
  // What is found of it takes this back.
  if (check !== null) return replaceCheck(held, check, { ...check, heldText });
  return { ...held, line: withText(held.line, known, heldText) };
}

function withText(line: Queue['line'], known: Waiting, heldText: string | null): Queue['line'] {
  return line.map((other) => (other === known ? { ...known, heldText } : other));
}

/** Neither on its way to main nor in doubt whether it is there. */
function mayLeave({ stage, doubt }: Entry): boolean {
  return stage.kind !== 'landing' && doubt === 'none';
}

export function withdraw(queue: Queue, taskId: TaskId, handoff: number, clock: QueueClock): Queue {
  const reply = { kind: 'withdrawn', handoff } as const;
  const entry = queue.chain.find(({ item }) => item.taskId === taskId && item.attempt === handoff);
  if (entry !== undefined) {
    if (mayLeave(entry)) return finish(queue, entry, reply);
    if (entry.doubt === 'withdraw') return queue;
    // Until somebody has looked what is on main, git says nothing: it is asked then, before anything of it can land.
    if (queue.halt?.kind === 'mismatch')
      return queue.redRests === true ? replaceEntry(queue, entry, { ...entry, doubt: 'withdraw' }) : queue;
    // A push is under way, or one has ended without an answer: only git can tell, and is asked at once.
    const stage: Entry['stage'] =
      entry.stage.kind === 'held' ? { kind: 'building', sinceMs: clock.nowMs } : entry.stage;
    return replaceEntry(queue, entry, { ...entry, doubt: 'withdraw', stage });
  }
  const waiting = queue.line.find((other) => other.taskId === taskId && other.attempt === handoff);
  if (waiting !== undefined) return leaveLine(queue, waiting, reply);
  // Answered already, or it never came; then it must not land when it comes yet.
  const before = answerTo(queue, taskId, handoff);
  return before === null ? answer(queue, { taskId, head: null }, reply) : tellAgain(queue, before);
}

/** Why an operator's word changes nothing; null when it does. */
export function refusalOf(queue: Queue, control: Control): string | null {
  switch (control.action) {
    case 'pause':
      return queue.halt === null ? null : `nothing lands already: ${queue.halt.text}`;
    case 'resume':
      return queue.halt === null ? whyNotAgain(queue) : null;
    case 'promote':
    case 'remove': {
      const { taskId } = control;
      const entry = queue.chain.find(({ item }) => item.taskId === taskId);
      if (entry !== undefined) {
        if (control.action === 'promote') return `${taskId} is a candidate already`;
        return mayLeave(entry) ? null : `${taskId} is being landed`;
      }
      const waiting = queue.line.find((other) => other.taskId === taskId);
      if (waiting === undefined) return `${taskId} does not wait for landing`;
      const isNext = control.action === 'promote' && waiting.lift === 'turn' && queue.oneTurn === true;
      return isNext ? `${taskId} has its turn, and is the next one already` : null;
    }
  }
}

/** Why a red main is not gated again by an operator's word; null when it is. */
function whyNotAgain({ redMain, mainRun, oneTurn }: Queue): string | null {
  if (redMain === null) return 'the queue is not paused';
  if (oneTurn !== true) return 'main itself is red, and gated again in its time: the queue began by an older version';
  return mainRun === null ? null : 'main itself is red, and is being gated again already';
}

export function obey(queue: Queue, control: Control, clock: QueueClock): Queue {
  if (refusalOf(queue, control) !== null) return queue;
  const { actor } = control;
  switch (control.action) {
    case 'pause': {
      const text = `paused by ${actor}; to go on: ${resumeCommand(clock.project)}`;
      return haltFor(queue, 'person', text, clock);
    }
    case 'resume':
      return resume(gateMainAgain(queue, clock), clock);
    case 'promote':
      return { ...queue, line: promote(queue.line, control.taskId) };
    case 'remove':
      return remove(queue, control.taskId, actor);
  }
}

/** What has made main red may lie elsewhere, and is mended: main is gated at once, and if it is red still, soon again. */
function gateMainAgain(queue: Queue, { nowMs }: QueueClock): Queue {
  if (queue.redMain === null || whyNotAgain(queue) !== null) return queue;
  return { ...queue, redMain: { ...queue.redMain, tries: 0, againMs: nowMs }, mainAgainMs: 0 };
}

function resume(queue: Queue, clock: QueueClock): Queue {
  if (queue.halt === null) return queue;
  // A pause that a person has made before lasts until it is lifted by itself.
  const pause = queue.halt.pause ?? null;
  const resumed =
    pause === null
      ? tellAllGoingOn({ ...queue, halt: null })
      : tellChain({ ...queue, halt: pause }, pause.text, pause.sinceMs);
  if (queue.halt.kind === 'person' || queue.halt.kind === 'protected') return resumed;
  // What main is, is looked at anew; what may be on it is built again, and so found there. Nobody is on the way to main:
  // while main is not what it was, nothing is pushed, and what was is in doubt already.
  const stage = { kind: 'building', sinceMs: clock.nowMs } as const;
  const chain = resumed.chain.map((entry): Entry => ({ ...entry, stage }));
  const checks = resumed.checks.map((check) => restartCheck(check, clock.nowMs));
  return { ...resumed, main: null, mainRun: null, chain, checks };
}

function remove(queue: Queue, taskId: TaskId, actor: string): Queue {
  const reply = (handoff: number) =>
    ({
      kind: 'refused',
      handoff,
      failure: {
        kind: 'landing-refused',
        message: `${actor} took it out of the queue`,
        next: 'when it is to land after all: tasks retry',
      },
    }) as const;
  const entry = queue.chain.find(({ item }) => item.taskId === taskId);
  if (entry !== undefined) return finish(queue, entry, reply(entry.item.attempt));
  const inLine = queue.line.filter((other) => other.taskId === taskId);
  const turn = queue.turn?.taskId === taskId ? null : queue.turn;
  return inLine.reduce((next, waiting) => leaveLine(next, waiting, reply(waiting.attempt)), { ...queue, turn });
}
