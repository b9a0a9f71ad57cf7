/** What the queue's own rules cost: CPU of many landings on end, and a long line's size and time. No git, no server. */

import { performance } from 'node:perf_hooks';
import { median } from './numbers.js';

const GATE_MS = 1_000;
/** Waiting at a time while the many land. */
const BACKLOG = 100;
const SLOTS = 4;

/**
 * @param {Awaited<ReturnType<typeof import('./bundle.js').bundled>>} rules
 * @param {{ landings: number, part: number, turns: number, waiting: number, times: number }} plan `part`: so many landings at
 *   the beginning and at the end are compared, in so many turns
 */
export function measureQueueCost(rules, { landings, part, turns, waiting, times }) {
  // What the compiler has not seen is slow, whoever comes first.
  landMany(rules, 2 * part, part);
  const runs = Array.from({ length: turns }, () => landMany(rules, landings, part));
  const middle = (read) => median(runs.map(read));
  return {
    landings,
    part,
    firstMs: middle(({ firstMs }) => firstMs),
    lastMs: middle(({ lastMs }) => lastMs),
    ratio: middle(({ firstMs, lastMs }) => lastMs / firstMs),
    carriedBytes: middle(({ carriedBytes }) => carriedBytes),
    line: measureLine(rules, waiting, times),
  };
}

/** CPU milliseconds a landing of the first and the last ones, packing the queue once each hundred as the workflow does. */
function landMany({ simulateLanding, packQueue, diceOf }, landings, part) {
  const marks = new Map();
  let carriedBytes = 0;
  let packedAt = 0;
  const watch = (queue) => {
    if (queue.landed % part === 0 && !marks.has(queue.landed)) marks.set(queue.landed, cpuMs());
    if (queue.landed < packedAt + 100) return;
    packedAt = queue.landed;
    carriedBytes = Math.max(carriedBytes, Buffer.byteLength(JSON.stringify(packQueue(queue))));
  };
  simulateLanding({ tasks: landings, red: 0, slots: SLOTS, gateMs: GATE_MS, backlog: BACKLOG, dice: diceOf(7), watch });
  const between = (from, to) => (marks.get(to) - marks.get(from)) / part;
  return { firstMs: between(0, part), lastMs: between(landings - part, landings), carriedBytes };
}

function measureLine({ EMPTY_QUEUE, itemOf, packQueue, queueViewOf, reconcile, taskIdFromBytes }, waiting, times) {
  const clock = { nowMs: Date.now(), random: 0.5 };
  const item = (number) => {
    const bytes = Uint8Array.from({ length: 10 }, (_, at) => (number >> (5 * at)) & 31);
    return itemOf(1, 1, { taskId: taskIdFromBytes(bytes), placeMs: clock.nowMs + number });
  };
  const handOff = (number) => ({ kind: 'handed-off', item: item(number) });
  const target = { project: 'bench', branch: 'main', origin: '/srv/bench.git' };
  const begunMs = performance.now();
  let { queue } = reconcile({ ...EMPTY_QUEUE, slots: SLOTS }, [], clock);
  for (let number = 0; number < waiting; number += 1) ({ queue } = reconcile(queue, [handOff(number)], clock));
  const filledMs = performance.now() - begunMs;
  const time = (work) => {
    const all = [];
    for (let turn = 0; turn <= times; turn += 1) {
      const beforeMs = performance.now();
      work(turn);
      if (turn > 0) all.push(performance.now() - beforeMs);
    }
    return median(all);
  };
  return {
    waiting,
    bytes: Buffer.byteLength(JSON.stringify(packQueue(queue))),
    handOffMs: filledMs / waiting,
    reconcileMs: time((turn) => reconcile(queue, [handOff(waiting + turn)], clock)),
    viewMs: time(() => queueViewOf(queue, target, clock.nowMs, 20)),
    packMs: time(() => packQueue(queue)),
  };
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
