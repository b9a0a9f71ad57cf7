/**
 * Workers as processes of their own, so that a test can kill one as the kernel would.
 *
 * It owns the processes that it starts, and a folder below node_modules/.cache with the worker's present code, made once
 * a test file and removed after it.
 */

import { afterAll } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Engine } from './engine.ts';
import { eventually } from './eventually.ts';
import { workflowBundle } from './workflow-bundle.ts';

const FOLDER = resolve(`node_modules/.cache/test-worker-${process.pid}`);
const MAX_LOG_LINES = 200;

let built: Promise<string> | null = null;
const running = new Set<ChildProcess>();

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(FOLDER, { recursive: true, force: true });
});

/** The worker's code with the workflows' beside it, as the build has them. */
async function build(): Promise<string> {
  const folder = join(FOLDER, 'worker');
  await mkdir(folder, { recursive: true });
  const flags = ['--bundle', '--platform=node', '--format=esm', '--packages=external', `--outdir=${folder}`];
  const entries = [
    'main=src/worker/main.ts',
    'git-runner=src/git/runner-program.ts',
    'process-starter=src/process/starter-program.ts',
    'process-guard=src/process/guard-program.ts',
    'network-bridge=src/process/bridge-program.ts',
  ];
  await promisify(execFile)(resolve('node_modules/.bin/esbuild'), [...entries, ...flags]);
  await writeFile(join(FOLDER, 'package.json'), '{"type":"module"}');
  await writeFile(join(FOLDER, 'workflows.js'), (await workflowBundle()).code);
  return join(folder, 'main.js');
}

export class WorkerProcess {
  readonly pid: number;
  readonly log: string[];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess, pid: number, log: string[]) {
    this.#child = child;
    this.pid = pid;
    this.log = log;
    this.#ended = once(child, 'exit');
  }

  /** Resolves when it polls. @param home another state home than the engine's: a host of its own */
  static async start(
    engine: Pick<Engine, 'home' | 'servers'>,
    args: readonly string[] = [],
    home = engine.home,
  ): Promise<WorkerProcess> {
    built ??= build();
    // As in Engine: tests tell agents and gates how to go on by files there.
    const host = join(home, 'host.yaml');
    if (!existsSync(host)) await writeFile(host, `write: [${JSON.stringify(engine.home)}]\n`);
    const child = spawn(process.execPath, [await built, ...args], {
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        TASKS_HOME: home,
        ...engine.servers,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const log: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log.push(...text.split('\n').filter((line) => line !== ''));
      log.splice(0, log.length - MAX_LOG_LINES);
    });
    const worker = new WorkerProcess(child, child.pid ?? 0, log);
    await eventually('the worker to be ready', () => {
      if (child.exitCode !== null) throw new Error(log.join('\n'));
      return log.some((line) => line.includes('worker ready'));
    });
    return worker;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it has ended, by whatever. */
  async ended(): Promise<void> {
    if (this.alive) await this.#ended;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended();
  }

  /** Drains it. @returns its exit code */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    await this.ended();
    return this.#child.exitCode;
  }

  /** The process that starts git's for it. */
  async gitRunner(): Promise<number | null> {
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
      if (line.includes(`/test-worker-${process.pid}/worker/git-runner.js`) && parent === String(this.pid))
        return Number(pid);
    }
    return null;
  }

  /** The command lines of what it has started for agents and gates. */
  async children(): Promise<readonly string[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const owned = await Promise.all(
      pids.map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
        if (!new RegExp(`(?:^|\\0)TASKS_TAG=[0-9a-f]+\\.${this.pid}\\.`).test(environment)) return null;
        return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
      }),
    );
    return owned.filter((line) => line !== null && line !== '').map((line) => String(line).replaceAll('\0', ' '));
  }
}
