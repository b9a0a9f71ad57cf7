/** The whole benchmark, in the order in which its parts disturb each other least. */

import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { measureCommands } from './commands.js';
import { makeClone, measureLatency, runTasks, startStack } from './engine.js';
import { bundled } from './bundle.js';
import { measureGitHistory, measureGitLanding } from './git-landing.js';
import { measureLandingRates } from './landing-rate.js';
import { measureSandbox } from './sandbox.js';
import { machine } from './machine.js';
import { rounded, summaryOf } from './numbers.js';
import { measureQueueCost } from './queue-cost.js';
import { rowsOf, tableOf } from './report.js';
import { makeOrigin } from './repository.js';
import { LANDING, SECTIONS } from './sections.js';
import { measureWaiting } from './waiting.js';

const PROFILE = new URL('profile.js', import.meta.url).href;
const FLOOR = fileURLToPath(new URL('floor.js', import.meta.url));
const FULL = {
  files: [10, 1_000],
  parallel: [1, 4, 8],
  tasks: 100,
  latencies: 15,
  gitFiles: [10, 1_000, 10_000, 50_000],
  landings: 15,
  gitHistory: { landings: 30, history: 10_000, onEnd: 400 },
  rates: { red: [0, 0.02, 0.1, 0.3], slots: [1, 2, 4], tasks: 15, batchTasks: 40 },
  queue: { landings: 10_000, part: 1_000, turns: 5, waiting: 10_000, times: 50 },
  sandboxes: 60,
  pairs: 15,
  parked: 1_000,
  answers: 15,
};
const QUICK = {
  files: [10],
  parallel: [1, 8],
  tasks: 25,
  latencies: 7,
  gitFiles: [10, 1_000],
  landings: 7,
  gitHistory: { landings: 7, history: 10_000, onEnd: 50 },
  rates: { red: [0, 0.1], slots: [1, 4], tasks: 6, batchTasks: 10 },
  queue: { landings: 10_000, part: 1_000, turns: 1, waiting: 10_000, times: 10 },
  sandboxes: 20,
  pairs: 5,
  parked: 50,
  answers: 5,
};
/** Between two tasks that are to find an idle engine. */
const IDLE_MS = 100;

const RUN = {
  git: async (bench) => ({ gitLanding: await runGit(bench) }),
  history: async (bench) => ({ gitHistory: await runHistory(bench) }),
  queue: async (bench) => ({ queue: measureQueueCost(await rulesIn(bench), bench.plan.queue) }),
  rates: runRates,
  sandbox: runSandbox,
  tasks: runStacks,
  waiting: async (bench) => ({ waiting: await runWaiting(bench) }),
};

/**
 * @param {{ folder: string, quick: boolean, sections: string[], onEnd: number | null, profile: string | null, signal: AbortSignal, say: (line: string) => void }} options
 *   `sections`: all, when there are none; `onEnd`: so many landings one after another, instead of the plan's
 */
export async function runBench({ folder, quick, sections, onEnd, profile, signal, say }) {
  const chosenPlan = quick ? QUICK : FULL;
  const gitHistory = { ...chosenPlan.gitHistory, ...(onEnd === null ? {} : { onEnd }) };
  const plan = { ...chosenPlan, gitHistory };
  // As root the database runs as another user, who has to get through to its data.
  chmodSync(folder, 0o711);
  const bench = { folder, plan, signal, say, profile };
  const chosen = new Set(sections.flatMap((name) => (name === 'landing' ? LANDING : [name])));
  let measured = {};
  for (const name of SECTIONS) {
    if (chosen.size > 0 && !chosen.has(name)) continue;
    signal.throwIfAborted();
    measured = { ...measured, ...(await RUN[name](bench)) };
  }
  const figures = rounded(measured);
  const rows = rowsOf(figures);
  return { result: { version: 1, quick, machine: machine(), plan, figures, rows }, table: tableOf(rows) };
}

async function runGit({ folder, plan, signal, say }) {
  const gitLanding = [];
  for (const files of plan.gitFiles) {
    say(`git of a landing, ${files} files…`);
    signal.throwIfAborted();
    gitLanding.push(
      await measureGitLanding({ folder: madeIn(folder, `git-${files}`), files, landings: plan.landings }),
    );
  }
  return gitLanding;
}

function runHistory({ folder, plan, say }) {
  say(`git of a landing where ${plan.gitHistory.history} have landed…`);
  return measureGitHistory({ folder: madeIn(folder, 'git-history'), ...plan.gitHistory });
}

function rulesIn({ folder, say }) {
  say('the rules of the queue…');
  return bundled(folder, 'queue-rules.ts');
}

async function runRates(bench) {
  const { folder, plan, signal, say } = bench;
  const rules = await rulesIn(bench);
  return { rates: await measureLandingRates({ folder, rules, plan: plan.rates, signal, say }) };
}

async function runSandbox({ folder, plan, say }) {
  say('the sandbox of a phase…');
  return { sandbox: await measureSandbox({ folder: madeIn(folder, 'sandbox'), runs: plan.sandboxes }) };
}

async function runStacks(bench) {
  const { plan } = bench;
  const throughput = [];
  const latency = [];
  let commands = null;
  for (const parallel of plan.parallel) {
    const last = parallel === plan.parallel.at(-1);
    const measured = await withStack(bench, parallel, last);
    throughput.push(...measured.throughput);
    latency.push(...measured.latency);
    commands = measured.commands ?? commands;
  }
  return { throughput, latency, commands };
}

function madeIn(folder, name) {
  const place = join(folder, name);
  mkdirSync(place);
  chmodSync(place, 0o711);
  return place;
}

/** Everything at one number of slots, each engine run beside its floor. */
async function withStack(bench, parallel, last) {
  const { folder, plan, signal, say, profile } = bench;
  const place = madeIn(folder, `parallel-${parallel}`);
  const env = profile === null ? {} : { NODE_OPTIONS: `--import=${PROFILE}`, TRIBUTARY_PROFILE: profile };
  const stack = await startStack({ home: join(place, 'home'), agents: parallel, env });
  const measured = { throughput: [], latency: [], commands: null };
  try {
    for (const files of plan.files) {
      signal.throwIfAborted();
      say(`${plan.tasks} tasks, ${files} files, ${parallel} in parallel…`);
      const at = { place, files, parallel, tasks: plan.tasks };
      const floor = await runFloor({ ...at, gate: false, name: 'floor' });
      const origin = makeOrigin({ path: join(place, `${files}.git`), project: `files-${files}`, files });
      const clone = makeClone(origin, join(place, `clone-${files}`));
      const engine = await runTasks(stack, { origin, clone, tasks: plan.tasks });
      measured.throughput.push({
        files,
        parallel,
        engine: engineFigures(engine, plan.tasks),
        floor: floorFigures(floor, plan.tasks),
      });
      if (!last) continue;

      say(`latency on an idle engine, ${files} files…`);
      const idle = { pauseMs: IDLE_MS };
      const alone = await runFloor({ ...at, ...idle, parallel: 1, tasks: plan.latencies, gate: true, name: 'idle' });
      const times = await measureLatency(stack, { origin, like: engine.firstTask, times: plan.latencies, ...idle });
      measured.latency.push({
        files,
        engine: {
          landed: summaryOf(times.landedMs),
          ended: summaryOf(times.endedMs),
          events: summaryOf(times.eventCounts),
        },
        floor: summaryOf(alone.latenciesMs),
      });
      if (measured.commands !== null) continue;

      say('whole commands…');
      measured.commands = await measureCommands({
        home: stack.home,
        cwd: clone,
        pairs: plan.pairs,
        settle: (output) => stack.client.workflow.getHandle(`task/${JSON.parse(output).id}`).result(),
      });
    }
  } finally {
    await stack.stop();
  }
  return measured;
}

/** Tasks that wait for people, on a stack of its own. */
async function runWaiting({ folder, plan, signal, say }) {
  signal.throwIfAborted();
  say(`${plan.parked} tasks that wait for an answer…`);
  const place = madeIn(folder, 'waiting');
  const home = join(place, 'home');
  mkdirSync(home, { mode: 0o700 });
  // Its agents tell by files there that they run. There is room for all workspaces: to remove those beyond it is work, not waiting.
  const write = `write: [${JSON.stringify(join(place, 'started'))}]\n`;
  writeFileSync(join(home, 'host.yaml'), `${write}workspaces: { count: ${2 * plan.parked} }\n`);
  const stack = await startStack({ home, agents: 8 });
  try {
    return await measureWaiting(stack, { place, tasks: plan.parked, answers: plan.answers });
  } finally {
    await stack.stop();
  }
}

async function runFloor({ place, files, parallel, tasks, gate, name, pauseMs = 0 }) {
  const origin = makeOrigin({ path: join(place, `${name}-${files}.git`), project: name, files });
  const folder = join(place, `${name}-${files}`);
  const request = JSON.stringify({ origin, folder, tasks, parallel, gate, pauseMs });
  const { stdout } = await promisify(execFile)(process.execPath, [FLOOR, request], { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout);
}

function engineFigures({ elapsedMs, cpuMs, eventsATask, queue, memoryMib }, tasks) {
  return {
    tasksAMinute: (tasks * 60_000) / elapsedMs,
    msATask: elapsedMs / tasks,
    cpuMs,
    eventsATask,
    queueEventsATask: queue.events / tasks,
    memoryMib,
  };
}

function floorFigures({ elapsedMs, cpuMs, memoryMib }, tasks) {
  return {
    tasksAMinute: (tasks * 60_000) / elapsedMs,
    msATask: elapsedMs / tasks,
    cpuMs: (cpuMs.script + cpuMs.children) / tasks,
    memoryMib,
  };
}
