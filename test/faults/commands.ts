/** Programs that the fault suite runs: git, and the `tasks` command as a person has it. */

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_BYTES = 64 * 1024 * 1024;
const COMMAND_LIMIT_MS = 120_000;
const PERSON = ['-c', 'user.name=Ada Tester', '-c', 'user.email=ada@example.test', '-c', 'commit.gpgsign=false'];
/** What would lead to somebody's own stack, or change how git works. */
const FOREIGN = /^(TEMPORAL_|DATABASE_URL$|TASKS_|TRIBUTARY_|GIT_|PG[A-Z]+$|NODE_OPTIONS$|NODE_V8_COVERAGE$|JEST_)/;

export const CLI = resolve('dist/bin/tasks.cjs');
export const WORKER = resolve('dist/worker/main.js');

/** This process's environment without what belongs to another stack. */
export function cleanEnvironment(more: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value === undefined || FOREIGN.test(name) ? [] : [[name, value]],
  );
  return { ...Object.fromEntries(own), ...more };
}

export async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', [...PERSON, '-C', folder, ...args], {
    maxBuffer: MAX_BYTES,
    env: cleanEnvironment({ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }),
  });
  return stdout.trim();
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `tasks` to its end; a code other than 0 is an answer. */
export async function tasks(
  place: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  args: readonly string[],
  timeoutMs = COMMAND_LIMIT_MS,
  input = '',
): Promise<Ran> {
  return program([process.execPath, CLI, ...args], { ...place, timeoutMs, input });
}

/** Runs a program to its end; a code other than 0 is an answer. */
export async function program(
  [file, ...args]: readonly [string, ...string[]],
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly timeoutMs?: number;
    readonly input?: string;
  },
): Promise<Ran> {
  const { cwd, env, timeoutMs = COMMAND_LIMIT_MS, input = '' } = options;
  return new Promise((resolveRun) => {
    const child = execFile(
      file,
      args,
      { cwd, env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_BYTES },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolveRun({ code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr });
      },
    );
    // One that ends without reading is told by its code.
    child.stdin?.on('error', () => undefined).end(input);
  });
}

export function jsonLines(text: string): readonly unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}
