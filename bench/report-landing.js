/** The rows about landing. */

import { show } from './numbers.js';

export function addLanding(add, { gitLanding = [], gitHistory = null, queue = null, rates = [] }) {
  for (const one of gitLanding) addGit(add, one);
  const [least, most] = [gitLanding[0], gitLanding.at(-1)];
  if (least !== undefined && most !== undefined && least !== most) {
    const raw = most.rawMs / least.rawMs;
    add(
      `git of a landing, ${most.files} files to ${least.files}`,
      most.engineMs / least.engineMs,
      '×',
      { most: 1.5 },
      `raw ${show(raw)}`,
    );
  }
  if (gitHistory !== null) addHistory(add, gitHistory);
  if (queue !== null) addQueue(add, queue);
  for (const cell of rates) addRate(add, cell);
}

function addGit(add, { files, engineMs, rawMs, gateCheckoutMs, pushMs, lockMs, refMs, rawRefMs, landings }) {
  const at = `${files} files: git of a landing`;
  add(at, engineMs, 'ms', null, `raw ${show(rawMs)}; the gate's checkout ${show(gateCheckoutMs)}; n ${landings}`);
  add(`${at}, of the raw commands`, engineMs / rawMs, '×', { most: 2 });
  add(
    `${files} files: main's lease, from the look before the push to the one after it`,
    pushMs,
    'ms',
    null,
    `main locked on the origin ${show(refMs)}, raw ${show(rawRefMs)}; the landing repository ${show(lockMs)}`,
  );
}

function addHistory(add, { landings, history, freshMs, oldMs, ratio, onEnd, part, firstMs, lastMs }) {
  add(
    `git of a landing after ${history} of them, of one on a new main`,
    ratio,
    '×',
    { most: 1.1 },
    `${show(oldMs)} ms, ${show(freshMs)} ms; n ${landings} each`,
  );
  add(
    `CPU of the git of the last ${part} of ${onEnd} landings, of the first ${part} of a new main, in turns`,
    lastMs / firstMs,
    '×',
    { most: 1.1 },
    `${show(lastMs)} ms, ${show(firstMs)} ms`,
  );
}

function addQueue(add, { landings, part, firstMs, lastMs, ratio, carriedBytes, line }) {
  add(
    `rules, CPU of the last ${part} of ${landings} landings, of the first ${part}`,
    ratio,
    '×',
    { most: 1.1 },
    `${show(lastMs)} ms a landing, ${show(firstMs)} ms; carried at the most ${show(carriedBytes / 1024)} KiB`,
  );
  const at = `${line.waiting} in line`;
  add(`${at}: carried`, line.bytes / 1024, 'KiB', null, 'a payload may have 2048');
  add(
    `${at}: one reconcile`,
    line.reconcileMs,
    'ms',
    null,
    `a hand-off while it grew ${show(line.handOffMs)}; its view ${show(line.viewMs)}; packing ${show(line.packMs)}`,
  );
}

function addRate(add, { red, slots, mode, tasks, redTasks, anHour, gateMs, load, simulated, bound, rulesOfBound }) {
  const at = `${mode}, ${red} red, ${slots} slot${slots === 1 ? '' : 's'}`;
  const limit = bound === null ? '' : `; bound ${show(bound)}, the rules come to ${show(rulesOfBound)} of it`;
  const beside = `simulation ${show(simulated)}${limit}; a run has its slot ${show(gateMs)} ms; load ${show(load)}; n ${tasks}, ${redTasks} red`;
  add(`${at}: landings an hour`, anHour, '', null, beside);
  add(`${at}: of the simulation`, anHour / simulated, '×', mode === 'strict' ? { least: 0.9 } : null);
}
