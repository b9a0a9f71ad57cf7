/**
 * The floor: the same tasks by a plain script with git and the agent alone. A process of its own, so that its CPU is
 * its own: `node bench/floor.js '{"origin":…,"folder":…,"tasks":100,"parallel":8,"gate":false}'` prints one JSON object.
 *
 * A task: worktree, three agent spawns, commit, push of the task's ref, merge-tree landing by a leased push, clean-up.
 */

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { cpuOf, peakMemoryMib } from './machine.js';
import { AGENT, GIT_ENV } from './repository.js';

const PHASES = ['understand', 'plan', 'execute'];
const PUSH = ['push', '--quiet', '--no-verify', 'origin'];

const { origin, folder, tasks, parallel, gate, pauseMs = 0 } = JSON.parse(process.argv[2]);
const clone = join(folder, 'clone');
const gateWorktree = join(folder, 'gate');
mkdirSync(folder, { recursive: true });
await run('git', ['clone', '--quiet', '--no-checkout', origin, clone]);
for (const setting of ['gc.auto=0', 'maintenance.auto=false', 'core.logAllRefUpdates=false']) {
  await git('config', ...setting.split('='));
}
let main = await git('rev-parse', 'refs/remotes/origin/main');
if (gate) await git('worktree', 'add', '--quiet', '--detach', gateWorktree, main);
const worktrees = makeMutex();
const landing = makeMutex();

const latenciesMs = [];
const before = cpuOf(process.pid);
const startedMs = performance.now();
let next = 0;
await Promise.all(Array.from({ length: parallel }, work));
const elapsedMs = performance.now() - startedMs;
const after = cpuOf(process.pid);
process.stdout.write(
  `${JSON.stringify({
    elapsedMs,
    latenciesMs,
    cpuMs: { script: after.own - before.own, children: after.children - before.children },
    memoryMib: peakMemoryMib(process.pid),
  })}\n`,
);

async function work() {
  while (next < tasks) {
    next += 1;
    const id = `floor${String(next).padStart(5, '0')}`;
    if (pauseMs > 0) await pause(pauseMs);
    const begunMs = performance.now();
    await doTask(id);
    latenciesMs.push(performance.now() - begunMs);
  }
}

async function doTask(id) {
  const worktree = join(folder, id);
  const taskDir = join(folder, `${id}.task`);
  mkdirSync(taskDir);
  await worktrees(() => git('worktree', 'add', '--quiet', '--detach', worktree, main));
  for (const phase of PHASES) {
    await run('/bin/sh', [AGENT], {
      cwd: worktree,
      env: {
        ...GIT_ENV,
        TASKS_PHASE: phase,
        TASKS_TASK_ID: id,
        TASKS_TASK_DIR: taskDir,
        TASKS_REPORT_FILE: join(taskDir, 'report.json'),
      },
    });
  }
  await run('git', ['add', '--all'], { cwd: worktree });
  await run('git', ['commit', '--quiet', `--message=task ${id}`], { cwd: worktree });
  const head = await run('git', ['rev-parse', 'HEAD'], { cwd: worktree });
  const ref = `refs/tasks/${id}/1/head`;
  await git(...PUSH, `${head}:${ref}`);
  await landing(() => land(id, head, ref));
  await worktrees(() => git('worktree', 'remove', '--force', worktree));
}

async function land(id, head, ref) {
  const tree = await git('merge-tree', '--write-tree', main, head);
  const commit = await git('commit-tree', tree, '-p', main, '-p', head, '-m', `task ${id}`);
  if (gate) {
    await run('git', ['checkout', '--quiet', '--detach', commit], { cwd: gateWorktree });
    await run('/bin/sh', ['-c', 'true'], { cwd: gateWorktree });
  }
  const lease = `--force-with-lease=refs/heads/main:${main}`;
  await git(...PUSH, '--atomic', lease, `${commit}:refs/heads/main`, `:${ref}`);
  main = commit;
}

function git(...args) {
  return run('git', args, { cwd: clone });
}

/** Runs a program to its end; its standard output, trimmed. */
function run(program, args, { cwd = folder, env = GIT_ENV } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve(out.trim());
      reject(new Error(`${program} ${args.join(' ')} ended with ${code}`));
    });
  });
}

/** One at a time. */
function makeMutex() {
  let last = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => undefined);
    return result;
  };
}
