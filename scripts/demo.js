#!/usr/bin/env node
/**
 * `npm run demo`: the whole path, from eight tasks submitted at once to eight commits on main, in a throw-away home.
 * Exits 0 only if every task landed and main is green; leaves no process and no file behind.
 */

import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { awaitNoneOf } from '../demo/processes.js';
import { tellPeopleStory } from '../demo/people.js';
import { DemoFailed, tellStory } from '../demo/story.js';
import { CLI, tasksCommand } from '../demo/tasks-cli.js';
import { readArguments } from './arguments.js';

const HELP = `npm run demo: eight tasks submitted at once, each landed on main, in a throw-away home. The first run obtains what
is missing (some 200 MB, once). Ends with 0 if every task landed and main is green, and leaves nothing behind.

usage: npm run demo -- [options]

options:
  --people   one task and a person instead: a question, an edited plan, a patch sent back, landed
  --keep     leaves the stack up and the repository there, and says how to end it

examples:
  npm run demo
  npm run demo -- --people --keep
`;
const DOWN_LIMIT_MS = 90_000;
const GONE_LIMIT_MS = 5_000;

const say = (line) => process.stdout.write(`${line}\n`);
const complain = (line) => process.stderr.write(`${line}\n`);

const options = readArguments({
  name: 'demo',
  help: HELP,
  options: { keep: { type: 'boolean', default: false }, people: { type: 'boolean', default: false } },
});
const installed = spawnSync(process.execPath, [fileURLToPath(new URL('install.js', import.meta.url))], {
  stdio: 'inherit',
});
if (installed.status !== 0) process.exit(installed.status ?? 1);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    complain(stop.signal.aborted ? 'demo: clearing up, a moment…' : `\ndemo: ${signal}, clearing up…`);
    stop.abort();
  });
}

const folder = await realpath(await mkdtemp(join(tmpdir(), 'tributary-demo-')));
const places = { home: join(folder, 'home'), repository: join(folder, 'textkit') };
// As root the database runs as another user, who has to get through to its data.
await chmod(folder, 0o711);
await mkdir(places.repository);

let code = 1;
try {
  const tell = options.people ? tellPeopleStory : tellStory;
  const { uiUrl, ids } = await tell({ ...places, signal: stop.signal, say });
  code = 0;
  say(`\n${options.people ? 'It' : 'Every task'} landed, tested as it landed, and main is green.`);
  if (uiUrl !== null) {
    say(
      `${options.people ? 'The task' : 'The first of them'} in Temporal's Web UI: ${uiUrl}/namespaces/default/workflows/task%2F${ids[0]}`,
    );
    if (!options.keep) say('(which ends with this demo; npm run demo -- --keep leaves all of it up)');
  }
  sayHowToGoOn();
} catch (error) {
  if (stop.signal.aborted) code = 130;
  else complain(`\ndemo: ${error instanceof DemoFailed ? error.message : (error?.message ?? error)}`);
  if (code === 1) await showWorkerLog();
}
const kept = options.keep && !stop.signal.aborted;
if (kept) sayHowToEnd();
else if (!(await clearUp())) code = 1;
process.exit(code);

function sayHowToGoOn() {
  say(`
Go on in a repository of your own:
  npm link                         # once, here: puts \`tasks\` on the PATH
  tasks up --detach
  cd your-repository && tasks init
  tasks submit "What is to be done"
  tasks list`);
}

function sayHowToEnd() {
  say(`
The stack is still up. The repository is ${places.repository}; to look around and to end it:
  export TASKS_HOME=${places.home}
  alias tasks='node ${CLI}'
  cd ${places.repository} && tasks list
  tasks down && rm -r ${folder}`);
}

/** The end of what the worker said, where somebody will have to find out why. */
async function showWorkerLog() {
  const { tasks } = tasksCommand({ home: places.home, cwd: places.repository });
  const status = await tasks(['status']).catch((error) => error.message);
  complain(`\n$ tasks status\n${status.trimEnd()}`);
}

/** Ends the stack and removes the folder; false when something of it would not go. */
async function clearUp() {
  const { tasks } = tasksCommand({ home: places.home, cwd: folder });
  const down = await tasks(['down'], { timeoutMs: DOWN_LIMIT_MS }).catch((error) => {
    complain(`demo: tasks down: ${error.message}`);
    return null;
  });
  const left = await awaitNoneOf(folder, GONE_LIMIT_MS);
  for (const { pid, command } of left) {
    complain(`demo: process ${pid} was left and is killed: ${command}`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It went in the meantime.
    }
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return down !== null && left.length === 0;
}
