/** The `tasks` command of this clone as a child process, in a state home of its own. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../dist/bin/tasks.cjs', import.meta.url));

/** What would lead the command to somebody's own stack, or change how git works. */
const FOREIGN = /^(TEMPORAL_|DATABASE_URL$|TASKS_|TRIBUTARY_|GIT_|PG[A-Z]+$|NODE_OPTIONS$)/;

/**
 * @param {string} home the state home
 * @returns {NodeJS.ProcessEnv} this process's environment, of that home and no other stack
 */
export function environmentOf(home, extra = {}) {
  const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  return { ...Object.fromEntries(own), TASKS_HOME: home, ...extra };
}

/** A command that failed. `output` is what it said. */
class CommandFailed extends Error {
  constructor(command, code, output) {
    super(`${command} ended with ${code}${output === '' ? '' : `: ${output}`}`);
    this.name = 'CommandFailed';
    this.output = output;
  }
}

/**
 * Runs a program to its end. Bounded: it is killed when `timeoutMs` is over.
 *
 * @param {string[]} argv
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, timeoutMs?: number, show?: boolean, input?: string, signal?: AbortSignal, codes?: number[] }} options
 *   `show`: its output goes to this terminal; `codes`: exit codes that are no failure
 * @returns {Promise<string>} its standard output
 */
export function run(argv, { cwd, env, timeoutMs = 60_000, show = false, input = '', signal, codes = [0] }) {
  return new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    // In a process group of its own: Ctrl-C is for the demo, which then ends things in order.
    const child = spawn(program, args, {
      cwd,
      env,
      detached: true,
      stdio: ['pipe', show ? 'inherit' : 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const timer = setTimeout(kill, timeoutMs);
    signal?.addEventListener('abort', kill, { once: true });
    child.stdout?.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text;
      if (show) process.stderr.write(text);
    });
    child.stdin.on('error', () => undefined).end(input);
    const end = (code) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      if (codes.includes(code)) return resolve(out);
      reject(
        new CommandFailed(args.find((arg) => !arg.startsWith('/')) ?? program, code, (err || out).trim().slice(-4_000)),
      );
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, killedBy) => end(code ?? killedBy));
  });
}

/**
 * The command in one folder.
 *
 * @param {{ home: string, cwd: string, signal?: AbortSignal, env?: Record<string, string> }} options
 */
export function tasksCommand({ home, cwd, signal, env: extra }) {
  const env = environmentOf(home, extra);
  const tasks = (args, options = {}) => run([process.execPath, CLI, ...args], { cwd, env, signal, ...options });
  return {
    /** Its standard output as text. */
    tasks,
    /** Its standard output as an object. */
    json: async (args, options) => JSON.parse(await tasks([...args, '--json'], options)),
    /** Its standard output as one object a line. */
    lines: async (args, options) => {
      const text = await tasks([...args, '--json'], options);
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    },
  };
}
