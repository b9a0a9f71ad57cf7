/**
 * Landings an hour by the engine, beside the simulation of the same rules (test/core/landing-simulation.ts) with the same
 * tasks red in the same order, and beside what no rules can beat. The gate sleeps, so that cores do not matter; all tasks
 * are in line before the first is taken, so that nothing but landing is measured.
 */

import { mkdirSync, chmodSync, statSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client as Postgres } from 'pg';
import { tasksCommand } from '../demo/tasks-cli.js';
import { makeClone, startStack, withLimit } from './engine.js';
import { median } from './numbers.js';
import { countLandings, makeOrigin } from './repository.js';

const GATE_MS = 1_000;
/** Red is what such a file is in the tree of. */
const GATE = `sleep ${GATE_MS / 1_000}; ! ls red-* >/dev/null 2>&1`;
const AGENTS = 8;
const POLL_MS = 250;
const LINE_LIMIT_MS = 5 * 60_000;
/** For the rules' own distance from the bound: enough that chance does not matter. */
const MANY = 2_000;
const MODES = {
  strict: { more: '', batch: false },
  /** With more gate slots a project that says so lands strictly. */
  batch: { more: 'batch: true\n', batch: true },
  serial: { more: 'window: 1\n', batch: false },
};

/** @param {{ folder: string, rules: object, plan: { red: number[], slots: number[], tasks: number, batchTasks: number }, signal: AbortSignal, say: (line: string) => void }} options */
export async function measureLandingRates({ folder, rules, plan, signal, say }) {
  const cells = [];
  for (const slots of plan.slots) {
    const place = join(folder, `slots-${slots}`);
    mkdirSync(place);
    chmodSync(place, 0o711);
    const stack = await startStack({ home: join(place, 'home'), agents: AGENTS, gates: slots });
    try {
      for (const red of plan.red) {
        for (const mode of slots === 1 ? ['strict', 'batch', 'serial'] : ['strict']) {
          signal.throwIfAborted();
          const cell = { red, slots, mode, tasks: tasksOf(plan, red, slots, mode) };
          say(`landing, ${red} red, ${slots} gate slots, ${mode}, ${cell.tasks} tasks…`);
          cells.push(await measureCell(stack, rules, { ...cell, place }));
        }
      }
    } finally {
      await stack.stop();
    }
  }
  return cells;
}

/** About as long with few slots as with many, and at least one that is red. */
function tasksOf({ tasks, batchTasks }, red, slots, mode) {
  return Math.max(mode === 'batch' ? batchTasks : tasks * slots, red === 0 ? 0 : Math.ceil(1 / red));
}

async function measureCell(stack, rules, { place, red, slots, mode, tasks }) {
  const { home, client } = stack;
  const project = `${mode}-${String(red).replace('.', '-')}`;
  const { more, batch } = MODES[mode];
  const origin = makeOrigin({
    path: join(place, `${project}.git`),
    project,
    files: 10,
    gate: GATE,
    more: `revisions: 0\n${more}`,
  });
  const command = tasksCommand({ home, cwd: makeClone(origin, join(place, project)) });
  // The first makes the repositories and the queue, and tells it how many slots there are.
  const [first] = await command.lines(['submit', 'The first', '--run', 'touch first']);
  await withLimit(client.workflow.getHandle(`task/${first.id}`).result(), LINE_LIMIT_MS, 'the first task');
  const queue = client.workflow.getHandle(`integration/${project}/main`);
  const say = (action) => queue.executeUpdate('control', { args: [{ action, actor: 'bench' }] });
  await say('pause');
  const isRed = spread(Math.round(tasks * red), tasks);
  const list = join(place, `${project}.jsonl`);
  const lines = isRed.map((red, at) => ({ title: `Task ${at}`, run: `touch ${red ? 'red' : 'green'}-${at}` }));
  writeFileSync(list, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const submitted = await command.lines(['submit', '--from', list], { timeoutMs: LINE_LIMIT_MS });
  const reds = new Set(submitted.flatMap(({ id }, at) => (isRed[at] ? [id] : [])));
  const order = await awaitLine(queue, tasks);

  const before = countLandings(origin);
  const begunMs = Date.now();
  await say('resume');
  const green = submitted.filter(({ id }) => !reds.has(id));
  const ended = Promise.all(green.map(({ id }) => client.workflow.getHandle(`task/${id}`).result()));
  // Each run red, and once more: nobody waits longer than for that.
  await withLimit(ended, LINE_LIMIT_MS + 4 * tasks * GATE_MS, `${tasks} tasks`);
  const tookMs = statSync(join(origin, 'refs/heads/main')).mtimeMs - begunMs;
  const landed = countLandings(origin) - before;
  if (landed !== green.length) throw new Error(`${landed} of ${green.length} landed`);
  await awaitLine(queue, 0);

  const tried = { red, slots, mode, tasks, redTasks: reds.size, anHour: anHour(landed, tookMs) };
  const gateMs = await gateTimes(stack.databaseUrl, project);
  const flags = order.map((id) => (reds.has(id) ? 0 : 1));
  return { ...tried, gateMs, load: loadavg()[0] ?? 0, ...ruled(rules, { red, slots, batch, flags }) };
}

/** How long a gate run had its slot, as the ledger has it: median, in milliseconds. */
async function gateTimes(databaseUrl, project) {
  const ledger = new Postgres({ connectionString: databaseUrl });
  await ledger.connect();
  try {
    const text = 'select duration_ms from tributary.verdicts where project = $1';
    const { rows } = await ledger.query({ text, values: [project] });
    return median(rows.map((row) => Number(row.duration_ms)));
  } finally {
    await ledger.end();
  }
}

/** What the rules come to with these red, and many at random, beside the bound. */
function ruled(rules, { red, slots, batch, flags }) {
  const options = { red, slots, gateMs: GATE_MS, batch };
  const rolls = [...flags];
  const dice = { roll: () => rolls.shift() };
  // The first task has landed.
  const same = rules.simulateLanding({ ...options, tasks: flags.length, dice, outcomes: '0' });
  const simulated = anHour(same.landed, same.lastLandedMs);
  // Of batches in which nothing is red there is none.
  if (batch && red === 0) return { simulated, bound: null, rulesOfBound: null };
  const many = rules.simulateLanding({ ...options, tasks: MANY, dice: rules.diceOf(7) });
  const bound = batch ? rules.batchBound(options) : rules.strictBound(options);
  return { simulated, bound, rulesOfBound: many.landingsPerHour / bound };
}

function anHour(count, ms) {
  return (count / ms) * 3_600_000;
}

/** So many of them, evenly, beginning in the middle of the first stretch. */
function spread(count, all) {
  return Array.from({ length: all }, (_, at) => {
    const place = (at * count) / all + 0.5;
    return Math.floor(place + count / all) > Math.floor(place);
  });
}

/** The tasks in line, in its order, when there are so many. */
async function awaitLine(queue, count) {
  const untilMs = Date.now() + LINE_LIMIT_MS;
  while (Date.now() < untilMs) {
    const { rows, more } = await queue.query('queue');
    if (rows.length + more === count) return rows.map(({ id }) => id);
    await pause(POLL_MS);
  }
  throw new Error(`there were not ${count} in line`);
}
