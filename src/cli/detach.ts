/**
 * Starts the stack in the background: this program again, in a session of its own, telling what happens as JSON lines
 * into a log of its own, which is read here until everything is ready. Bounded: obtaining a Temporal may take minutes,
 * everything else does not.
 */

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { oneLine } from '../core/text.ts';
import { openHome, readIfThere } from '../local/home.ts';
import { readStack } from '../local/stack-record.ts';
import type { StackEvent } from '../local/supervisor-types.ts';
import { EXIT, Failed } from './errors.ts';
import { isPolled } from './pollers.ts';
import { showProgress } from './progress.ts';
import { PLAIN } from './render/palette.ts';
import { addresses, describeStack, isLasting, stackEventLine } from './render/stack.ts';
import type { Session } from './session.ts';
import { slotArguments, type UpOptions } from './stack-parts.ts';

const LOOK_EVERY_MS = 50;
/** Without any news for this long it has failed. */
const SILENCE_MS = 10 * 60_000;
const WORKER_READY_MS = 30_000;

/** `tasks up --detach`. */
export async function detach(session: Session, options: UpOptions): Promise<number> {
  const paths = await openHome(session.environment.home);
  const log = join(paths.logs, 'up.log');
  const child = start(session, options, log);
  const progress = showProgress(session.io.stderr);
  try {
    session.io.interrupt.addEventListener('abort', () => child.kill(), { once: true });
    await untilReady(session, child, log, (event) => {
      const line = stackEventLine(event, PLAIN);
      if (line !== null && isLasting(event)) progress.say(line);
      else if (line !== null) progress.update(line);
    });
    if (options.worker) await untilPolled(session, (text) => progress.update(text));
  } finally {
    progress.stop();
  }
  const { record } = await readStack(paths.home);
  if (session.json) session.printJson({ kind: 'ready', stack: describeStack(record) });
  else session.print(...addresses(record), 'Stop it with: tasks down');
  return EXIT.ok;
}

interface Child {
  /** How it ended, in words; null while it runs. */
  ended: string | null;
  kill(): void;
}

function start(session: Session, options: UpOptions, log: string): Child {
  const { io, environment } = session;
  const [program, ...before] = io.programs.self;
  const args = [...before, 'up', '--json', ...(options.worker ? [] : ['--no-worker']), ...slotArguments(options)];
  // Of this start alone.
  const file = openSync(log, 'w', 0o600);
  try {
    const process = spawn(program, args, {
      cwd: environment.home,
      env: { ...environment.all, TASKS_HOME: environment.home },
      detached: true,
      stdio: ['ignore', file, file],
    });
    const child: Child = { ended: null, kill: () => process.kill('SIGTERM') };
    process.once('exit', (code, signal) => {
      child.ended = signal ?? `exit code ${code}`;
    });
    process.once('error', (error) => {
      child.ended = error.message;
    });
    process.unref();
    return child;
  } finally {
    closeSync(file);
  }
}

/** Follows the log until the stack is ready. @throws Failed with its last word and the log's path */
async function untilReady(
  session: Session,
  child: Child,
  log: string,
  report: (event: StackEvent) => void,
): Promise<void> {
  let read = 0;
  let lastNewsMs = Date.now();
  let complaint = '';
  for (;;) {
    const ended = child.ended;
    const text = (await readIfThere(log)) ?? '';
    const whole = text.slice(read, text.lastIndexOf('\n') + 1);
    read += whole.length;
    if (whole !== '') lastNewsMs = Date.now();
    for (const line of whole.split('\n')) {
      const event = parseEvent(line);
      // One that goes on over several lines is one.
      if (event === null) complaint = line.startsWith('tasks: ') ? line : `${complaint}\n${line}`.trim();
      else if (event.kind === 'ready') return;
      else if (event.kind === 'already-running') return;
      else report(event);
    }
    if (ended !== null) {
      const why = complaint === '' ? `it ended with ${ended}` : complaint.replace(/^tasks: /, '');
      throw new Failed(`the stack did not start: ${oneLine(why, 700)}; its log is ${log}`);
    }
    if (session.io.interrupt.aborted || Date.now() - lastNewsMs > SILENCE_MS) {
      child.kill();
      throw new Failed(`the stack was not ready, and is stopped; its log is ${log}`);
    }
    await pause(LOOK_EVERY_MS);
  }
}

type UpEvent = StackEvent | { readonly kind: 'already-running' };

function parseEvent(line: string): UpEvent | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as UpEvent;
  } catch {
    return null;
  }
}

/** The worker is ready when it polls. One that is not in time is told with its own last line. */
async function untilPolled(session: Session, report: (text: string) => void): Promise<void> {
  report('waiting for the worker');
  const paths = await openHome(session.environment.home);
  const temporal = await session.temporal();
  const untilMs = Date.now() + WORKER_READY_MS;
  while (Date.now() < untilMs && !session.io.interrupt.aborted) {
    if (await isPolled(temporal)) return;
    await pause(LOOK_EVERY_MS);
  }
  const log = await readFile(paths.workerLog, 'utf8').catch(() => '');
  const last = oneLine(log.trimEnd().split('\n').at(-1) ?? '', 500);
  session.note(`tasks: the worker does not poll yet: ${last}; its log is ${paths.workerLog}`);
}
