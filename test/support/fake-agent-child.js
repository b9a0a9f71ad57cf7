// A coding agent that does what it is told: by a test over a socket (--socket PATH), or by a script (--script FILE).
//
// It speaks the contract of a `command` agent: the TASKS_* variables say where things go. A script is one JSON object,
// {"<phase>": [action, …]}; the key "<phase>#2" is for the second attempt at that phase of the same task, and so on.
// Plain JavaScript without dependencies, since it runs as a process of its own.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const HOLD = 2 ** 30;
const worktree = process.env.TASKS_WORKTREE ?? process.cwd();
const taskDir = process.env.TASKS_TASK_DIR ?? process.cwd();
const reportFile = process.env.TASKS_REPORT_FILE ?? join(taskDir, 'report.json');
const phase = process.env.TASKS_PHASE ?? 'execute';

/** One function an action; what it returns goes back to the test. */
const ACTIONS = {
  write: ({ path, text }) => put(resolve(worktree, path), text),
  append: ({ path, text }) => appendFileSync(resolve(worktree, path), text),
  remove: ({ path }) => rmSync(resolve(worktree, path), { recursive: true, force: true }),
  read: ({ path }) => readFileSync(resolve(worktree, path), 'utf8'),
  exists: ({ path }) => existsSync(resolve(worktree, path)),
  prompt: () => readFileSync(process.env.TASKS_PROMPT_FILE ?? '', 'utf8'),
  note: ({ name, text }) => put(join(taskDir, name), text),
  report: ({ report }) => put(reportFile, JSON.stringify(report)),
  reportText: ({ text }) => put(reportFile, text),
  run: ({ command }) => execFileSync('/bin/sh', ['-c', command], { cwd: worktree, encoding: 'utf8', stdio: 'pipe' }),
  commit: ({ message }) => {
    git('add', '-A');
    git('-c', 'user.name=Fake', '-c', 'user.email=fake@example.com', 'commit', '-q', '--no-verify', '-m', message);
    return git('rev-parse', 'HEAD').trim();
  },
  print: ({ text, stream }) => print(stream, text),
  printBytes: ({ base64, stream }) => print(stream, Buffer.from(base64, 'base64')),
  flood: async ({ bytes, line, stream }) => {
    const piece = line === undefined ? Buffer.alloc(64 * 1024, 'x') : Buffer.from(`${line}\n`.repeat(1024));
    for (let left = bytes; left > 0; left -= piece.length) await print(stream, piece);
  },
  ignoreTerm: () => void process.on('SIGTERM', () => {}),
  exitOnTerm: ({ code }) =>
    void process.on('SIGTERM', () => {
      writeSync(1, 'ended by TERM\n');
      process.exit(code);
    }),
  grandchild: async (how) => {
    const script = `${how.ignoreTerm ? "process.on('SIGTERM', () => {});" : ''}process.stdout.write('up'); setInterval(() => {}, ${HOLD});`;
    const child = spawn(process.execPath, ['-e', script, '--', how.marker ?? 'grandchild'], {
      detached: how.detached === true,
      stdio: how.keepPipes ? ['ignore', 'pipe', 'inherit'] : ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    child.unref();
    return child.pid;
  },
  closeStreams: () => {
    process.stdout.destroy();
    process.stderr.destroy();
  },
  hang: () => new Promise(() => setInterval(() => {}, HOLD)),
  sleep: ({ ms }) => new Promise((done) => setTimeout(done, ms)),
  killSelf: ({ signal }) => process.kill(process.pid, signal),
  exit: ({ code }) => process.exit(code),
};

const [mode, value] = process.argv.slice(2);
if (mode === '--socket') obey(value);
else await follow(JSON.parse(readFileSync(value, 'utf8')));

async function act(action) {
  const run = ACTIONS[action.do];
  if (run === undefined) throw new Error(`the fake agent knows no action ${action.do}`);
  return run(action);
}

function obey(path) {
  const socket = connect(path);
  const say = (message) => socket.write(`${JSON.stringify(message)}\n`);
  say({ kind: 'started', pid: process.pid, cwd: process.cwd(), argv: process.argv, env: process.env });
  createInterface({ input: socket }).on('line', async (line) => {
    const { id, action } = JSON.parse(line);
    // These two end the process: the answer has to be out before.
    if (action.do === 'exit' || action.do === 'killSelf') {
      socket.end(`${JSON.stringify({ kind: 'reply', id, value: null })}\n`, () => act(action));
      return;
    }
    try {
      say({ kind: 'reply', id, value: (await act(action)) ?? null });
    } catch (error) {
      say({ kind: 'reply', id, error: String(error?.message ?? error) });
    }
  });
}

async function follow(script) {
  const times = countRun();
  const actions = script[`${phase}#${times}`] ??
    script[phase] ?? [{ do: 'report', report: { status: 'done', summary: `${phase} done` } }];
  for (const action of actions) await act(action);
}

/** How often this phase of the task has been started, kept in the task folder. */
function countRun() {
  const file = join(taskDir, `.fake-agent-${phase}`);
  const times = existsSync(file) ? Number(readFileSync(file, 'utf8')) + 1 : 1;
  put(file, String(times));
  return times;
}

function put(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function git(...args) {
  return execFileSync('git', args, { cwd: worktree, encoding: 'utf8', stdio: 'pipe' });
}

function print(stream, data) {
  const to = stream === 'stderr' ? process.stderr : process.stdout;
  return new Promise((done) => to.write(data, () => done(undefined)));
}
