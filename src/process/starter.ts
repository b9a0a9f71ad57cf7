/**
 * A small process of its own that starts the contained trees for a worker.
 *
 * Starting a process copies the page tables of the one that starts it, with all its threads held up: from a worker of a
 * quarter of a gigabyte three to four milliseconds, from a small process less than one.
 *
 * It owns the starter process. Kept true (N5): it ends with the worker, by its closed channel, however the worker ends;
 * contained trees die with it, by bubblewrap, and each other one has a guard; when it dies itself, every run that it had
 * started is told as ended, and what is left of it is then cleared away as ever.
 */

import { fork, type ChildProcess, type ForkOptions } from 'node:child_process';
import { existsSync } from 'node:fs';

import type { Guard } from './guard.ts';
import type { Doors } from './run-group.ts';
import type { Leader } from './sweep.ts';

/** What a process is to be started with; the paths are of pipes that the worker holds open until it has started. */
export interface StartOrder {
  readonly id: number;
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** For the descriptors 1, 2 and so on. */
  readonly pipes: readonly string[];
  /** What is started beside it, and the pipe that it reads from; null where nothing is. */
  readonly guard: { readonly command: readonly string[]; readonly pipe: string } | null;
  /** The control groups that it is started in; null: those of the starter. */
  readonly doors: Doors | null;
}

export type StarterNews =
  | { readonly kind: 'started'; readonly id: number; readonly leader: Leader; readonly guard: Guard | null }
  /** Nothing was started: `pipes` when they could not be opened from there, else what spawn said. */
  | { readonly kind: 'not-started'; readonly id: number; readonly why: 'pipes' | 'program'; readonly error: ErrorFacts }
  | { readonly kind: 'ended'; readonly id: number; readonly code: number | null; readonly signal: string | null };

export interface ErrorFacts {
  readonly code: string | null;
  readonly message: string;
}

export type ChildEnd = { readonly code: number | null; readonly signal: string | null } | { readonly error: Error };

export interface Started {
  /** Null when it could not be started; `ended` then has the reason. */
  readonly leader: Leader | null;
  readonly ended: Promise<ChildEnd>;
  readonly guard: Guard | null;
}

export interface Starter {
  /** Null when it has to be started by this process itself. @throws when the starter died meanwhile */
  start(order: Omit<StartOrder, 'id'>): Promise<Started | null>;
  /** Ends the process, and with it all that it has started. */
  close(): Promise<void>;
}

const PERL = '/usr/bin/perl';
/** The number of `keyctl` where it is known. */
const KEYCTL: Readonly<Record<string, string>> = { x64: '250', arm64: '219' };
/** KEYCTL_JOIN_SESSION_KEYRING: a new one, without a name. */
const WITH_A_KEYRING_OF_ITS_OWN = 'syscall(shift() + 0, 1, 0); exec { $ARGV[0] } @ARGV; exit 127;';

/**
 * How the starter begins, and with it all that it starts: without the keys that the worker's session has in the kernel,
 * such as Kerberos tickets (N10). No program of Node's can say so itself.
 */
function beginning(): Pick<ForkOptions, 'execPath' | 'execArgv'> {
  const number = process.platform === 'linux' ? KEYCTL[process.arch] : undefined;
  if (number === undefined || !existsSync(PERL)) return { execArgv: [] };
  return { execPath: PERL, execArgv: ['-e', WITH_A_KEYRING_OF_ITS_OWN, number, process.execPath] };
}

interface Run {
  readonly onNews: (news: StarterNews) => void;
  readonly onDeath: (reason: string) => void;
}

/** So long one is done without that could not run; the host may just have had no process or descriptor left. */
const AGAIN_MS = 60_000;

/** @param program the built starter-program @param onLaunched told before it starts anything */
export function openStarter(
  program: string,
  onLaunched: (pid: number) => void = () => undefined,
  againMs = AGAIN_MS,
): Starter {
  const runs = new Map<number, Run>();
  let child: ChildProcess | null = null;
  let closed = false;
  /** Whether it has ever answered. */
  let works = false;
  let notBefore = -Infinity;
  let lastId = 0;

  const launch = (): ChildProcess => {
    const launched = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: {}, ...beginning() });
    if (launched.pid !== undefined) onLaunched(launched.pid);
    launched.on('message', (news: StarterNews) => {
      works = true;
      runs.get(news.id)?.onNews(news);
    });
    const gone = (reason: string): void => {
      if (child !== launched) return;
      child = null;
      if (!works) notBefore = performance.now() + againMs;
      for (const run of runs.values()) run.onDeath(reason);
      runs.clear();
    };
    launched.on('error', (error) => gone(error.message));
    launched.on('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
    return launched;
  };

  const start = (order: Omit<StartOrder, 'id'>): Promise<Started | null> =>
    new Promise((resolve, reject) => {
      child ??= launch();
      lastId += 1;
      const id = lastId;
      runs.set(id, runOf({ resolve, reject, isOver: () => runs.delete(id), hasWorked: () => works }));
      // One that was never there has no channel; its end is told in a moment.
      if (!child.connected) return;
      child.send({ id, ...order } satisfies StartOrder, (error) => {
        if (error === null) return;
        runs.get(id)?.onDeath(error.message);
        runs.delete(id);
      });
    });

  return {
    start: (order) => (closed || performance.now() < notBefore ? Promise.resolve(null) : start(order)),
    close: async () => {
      closed = true;
      const ending = child;
      if (ending === null) return;
      const gone = new Promise((resolve) => ending.once('exit', resolve).once('error', resolve));
      if (ending.connected) ending.disconnect();
      await gone;
    },
  };
}

/** What the starter's news mean for whoever waits for one start. */
function runOf({
  resolve,
  reject,
  isOver,
  hasWorked,
}: {
  readonly resolve: (started: Started | null) => void;
  readonly reject: (error: Error) => void;
  readonly isOver: () => void;
  readonly hasWorked: () => boolean;
}): Run {
  const { promise: ended, settle: end } = deferred<ChildEnd>();
  return {
    onNews: (news) => {
      if (news.kind === 'started') return resolve({ leader: news.leader, ended, guard: news.guard });
      isOver();
      if (news.kind === 'ended') return end(news);
      if (news.why === 'pipes') return resolve(null);
      end({ error: Object.assign(new Error(news.error.message), { code: news.error.code }) });
      resolve({ leader: null, ended, guard: null });
    },
    onDeath: (reason) => {
      // A run that had begun has died with it.
      end({ code: null, signal: 'SIGKILL' });
      if (!hasWorked()) return resolve(null);
      reject(new Error(`the process that starts agents ended: ${reason}`));
    },
  };
}

function deferred<T>(): { readonly promise: Promise<T>; readonly settle: (value: T) => void } {
  let kept: ((value: T) => void) | null = null;
  const promise = new Promise<T>((resolve) => {
    kept = resolve;
  });
  return { promise, settle: (value) => kept?.(value) };
}
