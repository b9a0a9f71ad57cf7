/** Runs a worker in the foreground: the worker's own program, with this one's terminal. */

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { parseLabels } from '../../core/labels.ts';
import { openHome } from '../../local/home.ts';
import { TASK_QUEUES } from '../../workflows/messages.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import type { Session } from '../session.ts';
import { slotArguments } from '../stack-parts.ts';

export interface WorkerOptions {
  readonly json?: true;
  readonly agents?: number;
  readonly gates?: number;
  readonly labels?: string;
}

/** `tasks worker`: its exit code is the worker's. */
export async function worker(session: Session, options: WorkerOptions): Promise<number> {
  const { io, environment } = session;
  const labels = options.labels === undefined ? null : parseLabels(options.labels);
  if (labels?.kind === 'invalid') throw new UsageError(`--labels: ${labels.message}`);
  // What is wrong is told in one line, before a program is started.
  const { postgres } = await session.connection();
  if (postgres === null) throw new UsageError('DATABASE_URL: is not set; name the Postgres that the ledger lives in');
  await openHome(environment.home);
  const [program, ...args] = io.programs.worker;
  // It may leave the control group that it is started in only where it knows all that is in there: this process, too.
  const child = spawn(program, [...args, ...slotArguments(options), '--parent', String(process.pid)], {
    cwd: io.cwd,
    env: { ...environment.all, TASKS_HOME: environment.home },
    stdio: ['inherit', 'inherit', session.json ? 'pipe' : 'inherit'],
    // The signals of the terminal reach it once, by this process.
    detached: true,
  });
  if (child.stderr !== null) tellStart(session, child.stderr);
  const stop = (): void => void child.kill('SIGTERM');
  io.interrupt.addEventListener('abort', stop, { once: true });
  // The second Ctrl-C ends this process, and the worker with it.
  const killNow = (): void => void child.kill('SIGKILL');
  process.once('exit', killNow);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Failed(`the worker cannot be run: ${error.message}; run npm run build`)));
    child.once('close', (code, signal) => {
      process.off('exit', killNow);
      io.interrupt.removeEventListener('abort', stop);
      if (session.json) session.printJson({ kind: 'ended', code, signal });
      // It has no signal handlers in its first second: it has ended as it was asked to, with nothing to drain.
      if (signal === 'SIGTERM' && io.interrupt.aborted) return resolve(EXIT.ok);
      if (signal !== null) session.note(`tasks: the worker was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
}

/** The line of the worker's log by which it says that it polls. */
const READY = /^\S+ worker ready (\{.*\})$/m;

const MAX_LOG_CHARS = 64 * 1024;

/** Passes the worker's log on, and prints the start as JSON once it is told there. */
function tellStart(session: Session, log: Readable): void {
  let begun: string | null = '';
  log.on('data', (part: Buffer) => {
    session.io.stderr.write(part);
    if (begun === null) return;
    begun = (begun + part.toString('utf8')).slice(-MAX_LOG_CHARS);
    const facts = READY.exec(begun)?.[1];
    if (facts === undefined) return;
    begun = null;
    const { host, agents, gates } = JSON.parse(facts) as { host: string; agents: number; gates: number };
    const queues = [
      TASK_QUEUES.tasks,
      ...(agents > 0 ? [TASK_QUEUES.agents] : []),
      ...(gates > 0 ? [TASK_QUEUES.gates] : []),
    ];
    session.printJson({ kind: 'started', host, agents, gates, queues });
  });
}
