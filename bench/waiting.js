/** What waiting costs: memory and CPU of the stack with many tasks parked on questions, beside the same stack with none. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CLI, environmentOf, tasksCommand } from '../demo/tasks-cli.js';
import { makeClone } from './engine.js';
import { cpuOf, cpuOfTree, treeMemoryMib } from './machine.js';
import { summaryOf } from './numbers.js';
import { makeOrigin } from './repository.js';

const AGENT = fileURLToPath(new URL('asking-agent.sh', import.meta.url));
/** So long the stack is watched, at rest. */
const WATCH_MS = 10_000;
const PARK_LIMIT_MS = 15 * 60_000;
const START_LIMIT_MS = 30_000;
const POLL_MS = 500;

/**
 * @param {{ home: string, pids: Record<'worker' | 'server' | 'postgres', number> }} stack
 * @param {{ place: string, tasks: number, answers: number }} plan
 */
export async function measureWaiting(stack, { place, tasks, answers }) {
  const started = join(place, 'started');
  mkdirSync(started);
  const agent = `  command: [/bin/sh, ${JSON.stringify(AGENT)}, ${JSON.stringify(started)}]\n  phases: [execute]\n`;
  const origin = makeOrigin({ path: join(place, 'waiting.git'), project: 'waiting', files: 10, agent });
  const clone = makeClone(origin, join(place, 'clone-waiting'));
  const command = tasksCommand({ home: stack.home, cwd: clone });
  const none = await watch(stack.pids);
  const list = join(place, 'waiting.jsonl');
  const lines = Array.from({ length: tasks }, (_, index) => `${JSON.stringify({ title: `Ask ${index}` })}\n`);
  writeFileSync(list, lines.join(''));
  const submitted = await command.lines(['submit', '--from', list], { timeoutMs: PARK_LIMIT_MS });
  await awaitAsking(command, tasks);
  const parked = await watch(stack.pids);
  const answerMs = [];
  for (const { id } of submitted.slice(0, answers)) answerMs.push(answer(stack.home, clone, started, id));
  return { tasks, none, parked, answerMs: summaryOf(await Promise.all(answerMs)) };
}

/** Memory at the end of a while at rest, in MiB, and CPU milliseconds a second. */
async function watch(pids) {
  const cpu = () => ({
    worker: cpuOf(pids.worker).own,
    server: cpuOfTree(pids.server),
    postgres: cpuOfTree(pids.postgres),
  });
  const before = cpu();
  await pause(WATCH_MS);
  const after = cpu();
  const each = (read) => Object.fromEntries(Object.keys(pids).map((name) => [name, read(name)]));
  return {
    memoryMib: each((name) => treeMemoryMib(pids[name])),
    cpuMsASecond: each((name) => (after[name] - before[name]) / (WATCH_MS / 1_000)),
  };
}

async function awaitAsking(command, tasks) {
  const untilMs = Date.now() + PARK_LIMIT_MS;
  while (Date.now() < untilMs) {
    const { tasks: counts } = await command.json(['status']);
    if ((counts?.waiting ?? 0) >= tasks) return;
    await pause(POLL_MS);
  }
  throw new Error(`${tasks} tasks did not come to wait`);
}

/** Milliseconds from the start of `tasks answer` until the agent runs again. */
function answer(home, cwd, started, id) {
  const begunMs = Date.now();
  const { status, stderr } = spawnSync(process.execPath, [CLI, 'answer', id, 'The first'], {
    cwd,
    env: environmentOf(home),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`tasks answer ended with ${status}: ${stderr}`);
  return begun(join(started, id), begunMs);
}

async function begun(path, begunMs) {
  const untilMs = Date.now() + START_LIMIT_MS;
  while (Date.now() < untilMs) {
    if (existsSync(path)) return Number(BigInt(readFileSync(path, 'utf8').trim()) / 1_000_000n) - begunMs;
    await pause(5);
  }
  throw new Error(`${path} was not written: the agent was not started again`);
}
