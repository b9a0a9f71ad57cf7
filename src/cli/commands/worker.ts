/** Runs a worker in the foreground: the worker's own program, with this one's terminal. */

import { spawn } from 'node:child_process';
import { UsageError, Failed } from '../errors.ts';
import type { Session } from '../session.ts';
import { slotArguments } from '../stack-parts.ts';

export interface WorkerOptions {
  readonly json?: true;
  readonly agents?: number;
  readonly gates?: number;
}

/** `tasks worker`: its exit code is the worker's. */
export async function worker(session: Session, options: WorkerOptions): Promise<number> {
  if (session.json)
    throw new UsageError('--json: a worker prints no result; leave it out, its log is on standard error');
  const { io, environment } = session;
  // What is wrong is told in one line, before a program is started.
  const { postgres } = await session.connection();
  if (postgres === null) throw new UsageError('DATABASE_URL: is not set; name the Postgres that the ledger lives in');
  const [program, ...args] = io.programs.worker;
  const child = spawn(program, [...args, ...slotArguments(options)], {
    cwd: io.cwd,
    env: { ...environment.all, TASKS_HOME: environment.home },
    stdio: 'inherit',
    // The signals of the terminal reach it once, by this process.
    detached: true,
  });
  const stop = (): void => void child.kill('SIGTERM');
  io.interrupt.addEventListener('abort', stop, { once: true });
  // The second Ctrl-C ends this process, and the worker with it.
  const killNow = (): void => void child.kill('SIGKILL');
  process.once('exit', killNow);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Failed(`the worker cannot be run: ${error.message}; run npm run build`)));
    child.once('exit', (code, signal) => {
      process.off('exit', killNow);
      io.interrupt.removeEventListener('abort', stop);
      if (signal !== null) session.note(`tasks: the worker was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
}
