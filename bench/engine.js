/** The engine side: the embedded stack as people start it, the built worker, the ledger on. */

import { Client, Connection } from '@temporalio/client';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { awaitNoneOf } from '../demo/processes.js';
import { tasksCommand } from '../demo/tasks-cli.js';
import { cpuOf, cpuOfTree, peakMemoryMib, treeMemoryMib } from './machine.js';
import { countLandings, git } from './repository.js';

const UP_LIMIT_MS = 15 * 60_000;
const DOWN_LIMIT_MS = 90_000;
const TASKS_LIMIT_MS = 5 * 60_000;
const LANDING_LIMIT_MS = 30_000;
/** Letters and digits of task ids. */
const ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Starts a stack in a home of its own. `gates`: as many as agents when left out; `env`: added to its environment, as for a profile. */
export async function startStack({ home, agents, gates = agents, env = {} }) {
  const command = tasksCommand({ home, cwd: join(home, '..'), env });
  const slots = ['--agents', String(agents), '--gates', String(gates)];
  const down = () => command.tasks(['down'], { timeoutMs: DOWN_LIMIT_MS });
  try {
    await command.tasks(['up', '--detach', ...slots], { timeoutMs: UP_LIMIT_MS });
    const { temporal } = await command.json(['status']);
    const connection = await Connection.connect({ address: temporal.address });
    const client = new Client({ connection, namespace: temporal.namespace ?? 'default' });
    /** Fails when a process stays. */
    const stop = async () => {
      await connection.close();
      await down();
      const left = await awaitNoneOf(home, 5_000);
      if (left.length > 0) throw new Error(`processes were left: ${left.map((one) => one.command).join('; ')}`);
    };
    return { home, client, ...recordOf(home), stop };
  } catch (error) {
    await down().catch(() => undefined);
    throw error;
  }
}

/** As the local room writes it. */
function recordOf(home) {
  const { temporal, worker, postgres } = JSON.parse(readFileSync(join(home, 'stack.json'), 'utf8'));
  return { pids: { server: temporal.pid, worker: worker.pid, postgres: postgres.pid }, databaseUrl: postgres.url };
}

/** A clone of an origin, from which tasks are submitted. */
export function makeClone(origin, folder) {
  git(join(folder, '..'), ['clone', '--quiet', origin, folder]);
  git(folder, ['config', 'user.name', 'Bench']);
  git(folder, ['config', 'user.email', 'bench@example.invalid']);
  return folder;
}

/**
 * Submits tasks at once and waits until all have landed.
 *
 * @returns figures of the whole: milliseconds from the first task's start to the last one's end, by the server's clock
 */
export async function runTasks(stack, { origin, clone, tasks }) {
  const { home, client, pids } = stack;
  const list = join(home, '..', 'tasks.jsonl');
  writeFileSync(
    list,
    Array.from({ length: tasks }, (_, index) => `${JSON.stringify({ title: `Add file ${index}` })}\n`).join(''),
  );
  const landedBefore = countLandings(origin);
  const before = cpuNow(pids);
  const submitted = await tasksCommand({ home, cwd: clone }).lines(['submit', '--from', list], {
    timeoutMs: TASKS_LIMIT_MS,
  });
  const ids = submitted.map(({ id }) => id);
  const ended = Promise.all(ids.map((id) => client.workflow.getHandle(`task/${id}`).result()));
  await withLimit(ended, TASKS_LIMIT_MS, `${tasks} tasks`);
  const after = cpuNow(pids);
  const landed = countLandings(origin) - landedBefore;
  if (landed !== tasks) throw new Error(`${landed} of ${tasks} tasks landed`);

  const described = [];
  for (const id of ids) described.push(await client.workflow.getHandle(`task/${id}`).describe());
  const queueEvents = await eventsOfRuns(client, await queueIdOf(client, ids[0]));
  const starts = described.map(({ startTime }) => startTime.getTime());
  const ends = described.map(({ closeTime }) => closeTime.getTime());
  const cpu = (name) => (after[name] - before[name]) / tasks;
  return {
    elapsedMs: Math.max(...ends) - Math.min(...starts),
    cpuMs: { server: cpu('server'), worker: cpu('worker'), postgres: cpu('postgres'), children: cpu('children') },
    eventsATask: described.reduce((sum, { historyLength }) => sum + historyLength, 0) / tasks,
    queue: { events: queueEvents },
    memoryMib: {
      worker: peakMemoryMib(pids.worker),
      server: peakMemoryMib(pids.server),
      postgres: treeMemoryMib(pids.postgres),
    },
    firstTask: ids[0],
  };
}

async function queueIdOf(client, id) {
  const { spec } = await client.workflow.getHandle(`task/${id}`).query('detail');
  return `integration/${spec.project}/${spec.branch}`;
}

/** Of all its runs: it continues as new often. */
async function eventsOfRuns(client, workflowId) {
  let events = 0;
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    events += (await client.workflow.getHandle(workflowId, runId).describe()).historyLength;
  }
  return events;
}

/** CPU milliseconds so far. The worker's children are all below it: agents, git and the process that starts git. */
function cpuNow(pids) {
  const worker = cpuOf(pids.worker);
  if (worker === null) throw new Error('the worker has died: see logs/worker.log');
  return {
    server: cpuOfTree(pids.server),
    postgres: cpuOfTree(pids.postgres),
    worker: worker.own,
    children: cpuOfTree(pids.worker) - worker.own,
  };
}

/**
 * One task after another on an idle engine: milliseconds from the call that starts it until main has moved on the
 * origin, and until its workflow has ended. `like`: the id of a task that was submitted to this origin.
 */
export async function measureLatency(stack, { origin, like, times, pauseMs }) {
  const { client } = stack;
  const model = client.workflow.getHandle(`task/${like}`);
  const [{ spec }, { typedSearchAttributes }] = await Promise.all([model.query('detail'), model.describe()]);
  const mainFile = join(origin, 'refs/heads/main');
  const landedMs = [];
  const endedMs = [];
  const eventCounts = [];
  for (let time = 0; time <= times; time += 1) {
    await pause(pauseMs);
    const id = newId();
    const before = readFileSync(mainFile, 'utf8');
    const begunMs = performance.now();
    const handle = await client.workflow.start('task', {
      workflowId: `task/${id}`,
      taskQueue: 'tasks',
      args: [{ spec: { ...spec, id, requestId: null, createdAtMs: Date.now() }, carried: null }],
      typedSearchAttributes,
    });
    const ended = handle.result();
    while (readFileSync(mainFile, 'utf8') === before) {
      if (performance.now() - begunMs > LANDING_LIMIT_MS) throw new Error(`${id} did not land`);
      await turn();
      await pause(1);
    }
    const landed = performance.now() - begunMs;
    await ended;
    // The first one warms up.
    if (time === 0) continue;
    landedMs.push(landed);
    endedMs.push(performance.now() - begunMs);
    eventCounts.push((await handle.describe()).historyLength);
  }
  return { landedMs, endedMs, eventCounts };
}

function newId() {
  return Array.from(randomBytes(10), (byte) => ID_ALPHABET[byte & 31]).join('');
}

export async function withLimit(promise, limitMs, what) {
  const stop = new AbortController();
  const limit = pause(limitMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} did not end within ${limitMs / 1_000} s`);
  });
  limit.catch(() => undefined);
  try {
    return await Promise.race([promise, limit]);
  } finally {
    stop.abort();
  }
}
