/** What people see of a queue. */

import { batchSize, groupsOf, type Group } from './queue-batch.ts';
import { isAllowed, linksOf, slotsOf, type Link } from './queue-chain.ts';
import { checkOf, mustBeVerified } from './queue-checks.ts';
import { mayBeBuilt } from './queue-commands.ts';
import { gateKey } from './queue-keys.ts';
import { median } from './queue-line.ts';
import { isRedAtRest } from './queue-main.ts';
import type { Wanted } from './queue-exchange.ts';
import type { Halt, Queue, Run, Waiting } from './queue-state.ts';
import type { TaskId } from './ids.ts';
import type { QueueRow, QueueView, Target } from './queue-types.ts';

/** More rows than anybody reads; the rest is told as a number. */
const MAX_ROWS = 1_000;
const LATE_RUNS = 3;
const STILL_RUNS = 6;
/** What a gate run counts as at least: beside one of less, building and pushing are what takes the time. */
const MIN_RUN_MS = 10_000;

/** By which it is known whether anything may be done for one now. */
type About = Pick<Waiting, 'taskId' | 'priority'>;

export function queueViewOf(queue: Queue, target: Target, nowMs: number, maxRows = MAX_ROWS): QueueView {
  const slots = slotsOf(queue);
  const runMs = median(queue.runTimes);
  const estimateAt = (place: number, waiting: About): string | null => {
    if (queue.runTimes.length === 0 || queue.halt !== null || queue.redMain !== null) return null;
    // Who waits for a turn to be over begins then.
    const { turn } = queue;
    const beginMs = turn === null || isAllowed(queue, waiting) ? nowMs : Math.max(nowMs, turn.untilMs);
    return iso(beginMs + Math.ceil((place + 1) / (slots * batchSize(queue))) * runMs);
  };
  const { redMain, mainRun, mainAgainMs } = queue;
  const stop = queue.halt ?? redMain;
  // In a halt nothing is gated, main no more than anything else.
  const isHalted = queue.halt !== null && redMain !== null && mainRun === null;
  const atRest = isRedAtRest(queue) && mainRun === null && !isHalted;
  const isByClock = redMain !== null && mainRun === null && !atRest;
  const links = linksOf(queue);
  const groups = new Map(groupsOf(queue, links).flatMap((group) => group.links.map(({ entry }) => [entry, group])));
  const chain = links.map((link, at) => {
    const group = groups.get(link.entry) ?? null;
    return { ...chainRow(link, group, queue), estimate: estimateAt(at, link.entry.waited) };
  });
  const line = queue.line.slice(0, Math.max(0, maxRows - chain.length)).map((waiting, at) => ({
    id: waiting.taskId,
    title: waiting.item?.title ?? null,
    priority: waiting.priority,
    ...WAITING,
    waitingFor: whyNot(queue, waiting) ?? whyInLine(queue, waiting),
    since: iso(waiting.placeMs),
    ...checkRow(queue, waiting),
    estimate: estimateAt(chain.length + at, waiting),
  }));
  const rows = [...chain, ...line].map((row, at): QueueRow => ({ position: at + 1, ...row }));
  return {
    ...target,
    landed: queue.landed,
    window: slots,
    flakes: queue.flakes,
    rows,
    more: queue.chain.length + queue.line.length - rows.length,
    stopped: stop?.text ?? null,
    stoppedSince: stop === null ? null : iso(stop.sinceMs),
    evidence: redMain?.logTail ?? null,
    ...(!isHalted && { againAt: isByClock ? iso(Math.max(redMain.againMs, mainAgainMs)) : null }),
    ...(atRest && { atRest }),
    alarms: alarmsOf(queue, nowMs),
  };
}

const HALTED: Readonly<Record<Halt['kind'], string | null>> = {
  person: null,
  rewritten: 'main was rewritten',
  mismatch: 'main is not what was tested',
  protected: 'the origin lets nobody push',
};

const WAITING = { state: 'queued', base: null, tree: null, verdict: null } as const;

/** What is known of one that is verified. */
function checkRow(queue: Queue, waiting: Wanted & About): Partial<QueueRow> {
  const check = checkOf(queue, waiting);
  if (check === null) return {};
  const { stage } = check;
  const why = whyNot(queue, waiting);
  switch (stage.kind) {
    case 'building':
      // While nothing is built, it is one in line as any other.
      return queue.halt === null ? { state: 'verifying', waitingFor: why, since: iso(stage.sinceMs) } : {};
    case 'held':
      return { state: 'held', waitingFor: stage.held.text, since: iso(stage.held.sinceMs) };
    case 'candidate':
    case 'red': {
      const { main: base, tree } = stage.candidate;
      const isRed = stage.kind === 'red';
      const waitingFor = why ?? (isRed ? 'red: main is looked at first' : null);
      const verdict = isRed ? 'red' : null;
      const run = queue.runs.find(({ key }) => key === gateKey(stage.candidate)) ?? null;
      return { state: 'verifying', base, tree, verdict, waitingFor, since: iso(stage.sinceMs), ...runRow(run) };
    }
  }
}

function chainRow(
  { entry, candidate, isSound }: Link,
  group: Group | null,
  queue: Queue,
): Omit<QueueRow, 'position' | 'estimate'> {
  const { item, stage } = entry;
  const about = { id: item.taskId, title: item.title, priority: item.priority };
  const made = stage.kind === 'candidate' || stage.kind === 'red' || stage.kind === 'landing' ? stage.candidate : null;
  const place = { base: made?.main ?? null, tree: made?.tree ?? null };
  const row = { ...about, ...place, verdict: null, waitingFor: whyNot(queue, entry.waited) };
  const toBuild = (sinceMs: number) =>
    mayBeBuilt(queue, entry)
      ? ({ ...row, state: 'building', since: iso(sinceMs) } as const)
      : { ...row, ...WAITING, since: iso(entry.waited.placeMs) };
  switch (stage.kind) {
    case 'building':
      return toBuild(stage.sinceMs);
    case 'held':
      return { ...row, state: 'held', waitingFor: stage.held.text, since: iso(stage.held.sinceMs) };
    case 'behind':
      return {
        ...row,
        state: 'held',
        waitingFor: 'conflicts with one ahead: waits until that one is decided',
        since: iso(stage.sinceMs),
      };
    case 'red': {
      const waitingFor = isSound ? 'red: main is looked at first' : 'red: waits for the verdicts on those ahead';
      return { ...row, state: 'failing', verdict: 'red', waitingFor, since: iso(stage.sinceMs) };
    }
    case 'landing':
      return { ...row, state: 'landing', verdict: 'green', since: iso(stage.sinceMs) };
    case 'candidate': {
      if (candidate === null || group === null) return toBuild(stage.sinceMs);
      const { run, isGreen } = group.last;
      if (isGreen) return { ...row, state: 'green', verdict: 'green', since: iso(stage.sinceMs) };
      if (run?.state === 'suspect') {
        return { ...row, state: 'failing', waitingFor: 'red: run once more', since: iso(run.sinceMs) };
      }
      // Until it may be gated it has only been built.
      if (run === null && row.waitingFor !== null) return { ...row, state: 'queued', since: iso(entry.waited.placeMs) };
      const isNext = run === null || placeOf(queue, run) >= slotsOf(queue);
      const together = group.links.length === 1 ? null : `gated together, ${group.links.length} at once`;
      const { requires = [] } = candidate.gate;
      const slot = requires.length === 0 ? 'a gate slot' : `a gate slot of a worker with ${requires.join(', ')}`;
      const waitingFor = row.waitingFor ?? (isNext ? slot : together);
      return { ...row, state: 'gating', waitingFor, since: iso(run?.sinceMs ?? stage.sinceMs), ...runRow(run) };
    }
  }
}

function runRow(run: Run | null): Pick<QueueRow, 'run'> {
  return run?.runId == null ? {} : { run: run.key };
}

function whyInLine(queue: Queue, waiting: Waiting): string | null {
  if (waiting.silent === true) return 'its task, which does not answer: the log of a worker may say why';
  return mustBeVerified(queue, waiting) ? 'to be verified: a gate slot' : null;
}

/** How many of the queue's own runs were asked for before it. Those of other queues, which take slots too, are not known here. */
function placeOf({ runs, mainRun }: Queue, run: Run): number {
  const isAfterMain = mainRun !== null && mainRun.sinceMs <= run.sinceMs;
  return runs.indexOf(run) + (isAfterMain ? 1 : 0);
}

function whyNot(queue: Queue, waiting: About): string | null {
  const { halt, redMain, turn } = queue;
  // The whole of it, and what to do, is said once: of the queue.
  if (halt !== null) return HALTED[halt.kind] ?? halt.text.replace(/; to go on: .*$/, '');
  if (isAllowed(queue, waiting)) return null;
  if (redMain !== null || turn === null) return 'main itself is red';
  const { taskId, untilMs } = turn;
  return `the turn of ${taskId}, until ${iso(untilMs)} at the latest (to end it: ${wayOut(queue, taskId)})`;
}

/** What is not in the queue cannot be taken out of it: then its task is at work. */
function wayOut({ chain, line }: Queue, taskId: TaskId): string {
  const isHere = chain.some(({ item }) => item.taskId === taskId) || line.some((other) => other.taskId === taskId);
  return `${isHere ? 'tasks queue remove' : 'tasks cancel'} ${taskId}`;
}

/** What has gone on for longer than gate runs of late explain. */
function alarmsOf({ chain, lastLandedMs, halt, runTimes }: Queue, nowMs: number): readonly string[] {
  const [head] = chain;
  if (head === undefined || runTimes.length === 0 || halt !== null) return [];
  const runMs = Math.max(MIN_RUN_MS, median(runTimes));
  const alarms: string[] = [];
  const headMs = nowMs - startOf(head.stage);
  if (headMs > LATE_RUNS * runMs) alarms.push(`the first in line has been there for ${LATE_RUNS} gate runs and more`);
  if (lastLandedMs !== null && nowMs - lastLandedMs > STILL_RUNS * runMs && headMs > STILL_RUNS * runMs) {
    alarms.push(`nothing has landed for ${STILL_RUNS} gate runs and more`);
  }
  return alarms;
}

function startOf(stage: Queue['chain'][number]['stage']): number {
  return stage.kind === 'held' ? stage.held.sinceMs : stage.sinceMs;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** What Temporal's Web UI shows of it, in Markdown. */
export function queueDetailsOf(view: QueueView): string {
  const lines = [`${view.rows.length + view.more} in line, ${view.landed} landed`];
  if (view.stopped !== null) lines.push('', `**Stopped:** ${view.stopped}`);
  for (const alarm of view.alarms) lines.push('', `**Look:** ${alarm}`);
  for (const row of view.rows) {
    lines.push(
      `${row.position}. \`${row.id}\` ${row.title ?? ''}: ${row.state}${row.waitingFor === null ? '' : `, ${row.waitingFor}`}`,
    );
  }
  return lines.join('\n');
}
