/**
 * Starts the stack in the background: this program again, in a session of its own, telling what happens as JSON lines
 * into a log of its own, which is read here until everything is ready. Bounded: obtaining a Temporal may take minutes,
 * everything else does not.
 *
 * Kept true: `up.log` is that of the start which has the home's lock. Each start writes to a file of its own name first.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { oneLine } from '../core/text.ts';
import { openHome, readIfThere } from '../local/home.ts';
import { readStack } from '../local/stack-record.ts';
import type { StackEvent } from '../local/supervisor-types.ts';
import { EXIT, Failed } from './errors.ts';
import { awaitFound, tellFound, untilPolled } from './found-stack.ts';
import { showProgress } from './progress.ts';
import { PLAIN } from './render/palette.ts';
import { addresses, describeStack, isLasting, stackEventLine } from './render/stack.ts';
import type { Session } from './session.ts';
import { slotArguments, type UpOptions } from './stack-parts.ts';

const LOOK_EVERY_MS = 50;
/** Without any news for this long it has failed. */
const SILENCE_MS = 10 * 60_000;

/** `tasks up --detach`. */
export async function detach(session: Session, options: UpOptions): Promise<number> {
  const paths = await openHome(session.environment.home);
  const log = new UpLog(paths.logs);
  const child = start(session, options, log.path);
  const progress = showProgress(session);
  let isOurs = true;
  try {
    // Once: a second one would end it where it stands.
    session.io.interrupt.addEventListener('abort', () => child.kill(), { once: true });
    const end = await untilReady(session, child, log, (event) => {
      const line = stackEventLine(event, PLAIN);
      if (line !== null && isLasting(event)) progress.say(line);
      else if (line !== null) progress.update(line);
    });
    if (end === 'interrupted') {
      session.note('tasks: interrupted; what had been started is stopped');
      return EXIT.interrupted;
    }
    isOurs = end === 'ready';
    if (isOurs && options.worker) await untilPolled(session, (text) => progress.update(text));
  } finally {
    progress.stop();
  }
  if (!isOurs) return tellFound(session, await awaitFound(session));
  const { record } = await readStack(paths.home);
  if (session.json) session.printJson({ kind: 'ready', stack: describeStack(record) });
  else session.print(...addresses(record), 'Stop it with: tasks down');
  return EXIT.ok;
}

/** The log of one start, under a name of its own until it has the home's lock. */
class UpLog {
  readonly #folder: string;
  path: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, `up-${process.pid}-${randomBytes(4).toString('hex')}.log`);
  }

  async name(name: 'up.log' | 'up-failed.log'): Promise<void> {
    const path = join(this.#folder, name);
    if (this.path === path || this.path === join(this.#folder, 'up.log')) return;
    await rename(this.path, path);
    this.path = path;
  }

  /** Of a start that found another one's stack. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
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
  // To append: the supervisor empties its own log when that has grown too long.
  const file = openSync(log, 'ax', 0o600);
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

/** Follows the log until the stack is ready, or was found. @throws Failed with its last word and the log's path */
async function untilReady(
  session: Session,
  child: Child,
  log: UpLog,
  report: (event: StackEvent) => void,
): Promise<'ready' | 'found' | 'interrupted'> {
  let read = 0;
  let lastNewsMs = Date.now();
  let complaint = '';
  for (;;) {
    const ended = child.ended;
    const text = (await readIfThere(log.path)) ?? '';
    const whole = text.slice(read, text.lastIndexOf('\n') + 1);
    read += whole.length;
    if (whole !== '') lastNewsMs = Date.now();
    for (const line of whole.split('\n')) {
      const event = parseEvent(line);
      // One that goes on over several lines is one.
      if (event === null) complaint = line.startsWith('tasks: ') ? line : `${complaint}\n${line}`.trim();
      else if (event.kind === 'already-running') return log.remove().then(() => 'found');
      else {
        // What is told from here on is told under the lock.
        if (event.kind !== 'progress') await log.name('up.log');
        if (event.kind === 'ready') return 'ready';
        report(event);
      }
    }
    if (ended !== null) {
      if (session.io.interrupt.aborted) return log.name('up-failed.log').then(() => 'interrupted');
      const why = complaint === '' ? `it ended with ${ended}` : complaint.replace(/^tasks: /, '');
      await log.name('up-failed.log');
      throw new Failed(`the stack did not start: ${oneLine(why, 700)}; its log is ${log.path}`);
    }
    // What was interrupted stops what it has started, in order, and ends by itself.
    if (!session.io.interrupt.aborted && Date.now() - lastNewsMs > SILENCE_MS) {
      child.kill();
      await log.name('up-failed.log');
      throw new Failed(`the stack was not ready, and is being stopped; its log is ${log.path}`);
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
