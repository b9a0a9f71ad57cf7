/** The table of figures and ratios, each with its goal beside it. */

import { addLanding } from './report-landing.js';
import { show } from './numbers.js';

/** @typedef {{ name: string, value: number, unit: string, goal: { most?: number, least?: number } | null, beside: string }} Row */

/** @returns {Row[]} of the sections that were run */
export function rowsOf({ throughput = [], latency = [], commands = {}, sandbox = null, waiting = null, ...landing }) {
  const rows = [];
  const add = (name, value, unit, goal = null, beside = '') => rows.push({ name, value, unit, goal, beside });
  addLanding(add, landing);
  for (const run of throughput) {
    const at = `${run.files} files, ${run.parallel} in parallel`;
    const { engine, floor } = run;
    const goal = run.parallel === 8 ? { least: 0.2 } : null;
    add(`${at}: tasks a minute`, engine.tasksAMinute, '', null, `floor ${show(floor.tasksAMinute)}`);
    add(`${at}: of the floor's tasks a minute`, engine.tasksAMinute / floor.tasksAMinute, '×', goal);
    add(`${at}: time a task`, engine.msATask, 'ms', null, `floor ${show(floor.msATask)}`);
    const { server, worker, postgres, children } = engine.cpuMs;
    add(
      `${at}: CPU a task`,
      server + worker + postgres + children,
      'ms',
      null,
      `server ${show(server)}, worker ${show(worker)}, Postgres ${show(postgres)}, children ${show(children)}; floor ${show(floor.cpuMs)}`,
    );
    add(`${at}: CPU of worker and children, of the floor's`, (worker + children) / floor.cpuMs, '×', { most: 3 });
    add(
      `${at}: history events a task`,
      engine.eventsATask,
      '',
      null,
      `and ${show(engine.queueEventsATask)} in the queue's history`,
    );
    const { memoryMib } = engine;
    add(
      `${at}: peak memory of the worker`,
      memoryMib.worker,
      'MiB',
      null,
      `server ${show(memoryMib.server)}, Postgres at the end ${show(memoryMib.postgres)}`,
    );
  }
  for (const { files, engine, floor } of latency) {
    add(
      `${files} files, idle: start to landed, median`,
      engine.landed.median,
      'ms',
      { most: 200 },
      `p90 ${show(engine.landed.p90)}, to the workflow's end ${show(engine.ended.median)}; floor ${show(floor.median)}`,
    );
  }
  if (sandbox !== null) {
    const { plainMs, noneMs, proxyMs, git } = sandbox;
    const beside = `a PID namespace alone ${show(plainMs)} ms`;
    add('what the sandbox adds to a phase, without a network', noneMs - plainMs, 'ms', { most: 10 }, beside);
    add("what the sandbox adds to a phase, with the worker's proxy", proxyMs - plainMs, 'ms', { most: 10 }, beside);
    const { plainMs: plain, heldMs: held } = git;
    add(
      'what it adds to the making of a workspace',
      held.make - plain.make,
      'ms',
      null,
      `${show(plain.make)} ms without`,
    );
    const stored = `stored and pushed: ${show(plain.store)} ms without`;
    add('what it adds to the storing of what a phase left', held.store - plain.store, 'ms', null, stored);
  }
  const goals = { help: { most: 1.3 }, list: null, submit: { most: 4 } };
  for (const [name, { ms, nodeMs, ratio }] of Object.entries(commands)) {
    add(
      `tasks ${name === 'help' ? '--help' : name}, of node -e 0`,
      ratio,
      '×',
      goals[name] ?? null,
      `${show(ms)} ms, node ${show(nodeMs)} ms`,
    );
  }
  if (waiting === null) return rows;
  for (const name of ['worker', 'server', 'postgres']) {
    const at = `${waiting.tasks} tasks waiting for an answer: ${name}`;
    const { none, parked } = waiting;
    add(`${at}'s memory`, parked.memoryMib[name], 'MiB', null, `with none ${show(none.memoryMib[name])}`);
    add(`${at}'s CPU a second`, parked.cpuMsASecond[name], 'ms', null, `with none ${show(none.cpuMsASecond[name])}`);
  }
  const { median, p90 } = waiting.answerMs;
  add("from tasks answer to the agent's next start, median", median, 'ms', null, `p90 ${show(p90)}`);
  return rows;
}

/** True, false, or null without a goal. */
export function isMet({ value, goal }) {
  if (goal === null) return null;
  return goal.most === undefined ? value >= goal.least : value <= goal.most;
}

export function tableOf(rows) {
  const cells = rows.map((row) => {
    const met = isMet(row);
    const goal = row.goal === null ? '' : row.goal.most === undefined ? `≥ ${row.goal.least}` : `≤ ${row.goal.most}`;
    return [
      met === null ? ' ' : met ? '✓' : '✗',
      row.name,
      `${show(row.value)} ${row.unit}`.trimEnd(),
      goal,
      row.beside,
    ];
  });
  const head = [' ', '', 'figure', 'goal', 'beside it'];
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column].length)));
  return [head, ...cells]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
