/**
 * A small process of its own that starts the contained trees for a worker.
 *
 * Starting a process copies the page tables of the one that starts it, with all its threads held up: from a worker of a
 * quarter of a gigabyte three to four milliseconds, from a small process less than one.
 *
 * It owns the starter process. Kept true (N5): it ends with the worker, by its closed channel, however the worker ends;
 * contained trees die with it, by bubblewrap, and each other one has a guard; when it dies itself, every run that it had
 * started is told as ended, and what is left of it is then cleared away as ever. One that says nothing, as when it was
 * stopped, is killed, and nothing is started instead before it is gone.
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
  | { readonly kind: 'ended'; readonly id: number; readonly code: number | null; readonly signal: string | null }
  /** The answer to {@link ASK}. */
  | { readonly kind: 'here' };

/** What it is asked, beside the orders, so that it shows that it goes on. */
export const ASK = 'are you there?';

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
  /**
   * Null when it has to be started by this process itself.
   *
   * @throws when the starter died meanwhile, or was killed since it said nothing: it may have started it
   */
  start(order: Omit<StartOrder, 'id'>): Promise<Started | null>;
  /** Ends the process, and with it all that it has started. @throws when it outlives that */
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
  readonly onNews: (news: Exclude<StarterNews, { readonly kind: 'here' }>) => void;
  /** @param wasThere whether it may have started something: it has answered before, or took orders and said nothing */
  readonly onDeath: (reason: string, wasThere: boolean) => void;
}

export interface StarterLimits {
  /** So long one is done without that could not run; the host may just have had no process or descriptor left. */
  readonly againMs: number;
  /** So long without a word it is killed, while a start is waited for. */
  readonly silentMs: number;
  /** The same while there is nothing to wait for but the ends of what it has started, which end with it. */
  readonly quietMs: number;
  /** How long it has for its end, and then for its death. */
  readonly endMs: number;
}

const LIMITS: StarterLimits = { againMs: 60_000, silentMs: 30_000, quietMs: 300_000, endMs: 5_000 };
/** In so many steps the silence is counted: one is a while, however long, in which this process itself stood still. */
const STEPS = 10;

/** @param program the built starter-program @param onLaunched told before it starts anything */
export function openStarter(
  program: string,
  onLaunched: (pid: number) => void = () => undefined,
  limits: Partial<StarterLimits> = {},
): Starter {
  const { againMs, silentMs, quietMs, endMs } = { ...LIMITS, ...limits };
  const runs = new Map<number, Run>();
  const unanswered = new Set<number>();
  let child: ChildProcess | null = null;
  /** One that was killed, while it is waited for or outlives that. */
  let dying: ChildProcess | null = null;
  let closed = false;
  /** Whether it has ever answered. */
  let works = false;
  let notBefore = -Infinity;
  let lastId = 0;

  const launch = (): ChildProcess => {
    const launched = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: {}, ...beginning() });
    if (launched.pid !== undefined) onLaunched(launched.pid);
    let silentForMs = 0;
    launched.on('message', (news: StarterNews) => {
      works = true;
      silentForMs = 0;
      if (news.kind === 'here') return;
      unanswered.delete(news.id);
      runs.get(news.id)?.onNews(news);
    });
    const gone = (reason: string, wasThere = works): void => {
      clearInterval(asking);
      if (child !== launched) return;
      child = null;
      if (!works) notBefore = performance.now() + againMs;
      for (const run of runs.values()) run.onDeath(reason, wasThere);
      runs.clear();
      unanswered.clear();
    };
    const giveUp = async (): Promise<void> => {
      clearInterval(asking);
      dying = launched;
      launched.kill('SIGKILL');
      const isGone = await endsWithin(launched, endMs);
      if (isGone) dying = null;
      const why = `it said nothing for ${silentForMs} ms`;
      gone(isGone ? `${why}, and was killed` : `${why}, and ${outlives(launched)}`, true);
    };
    const asking = setInterval(() => {
      silentForMs = runs.size === 0 ? 0 : silentForMs + silentMs / STEPS;
      if (silentForMs > (unanswered.size > 0 ? silentMs : quietMs)) void giveUp();
      else if (runs.size > 0 && launched.connected) launched.send(ASK, () => undefined);
    }, silentMs / STEPS).unref();
    const end = (reason: string): void => {
      if (dying !== launched) gone(reason);
    };
    launched.on('error', (error) => end(error.message));
    launched.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    return launched;
  };

  const order = (what: Omit<StartOrder, 'id'>): Promise<Started | null> =>
    new Promise((resolve, reject) => {
      child ??= launch();
      lastId += 1;
      const id = lastId;
      runs.set(id, runOf({ resolve, reject, isOver: () => runs.delete(id) }));
      unanswered.add(id);
      // One that was never there has no channel; its end is told in a moment.
      if (!child.connected) return;
      child.send({ id, ...what } satisfies StartOrder, (error) => {
        if (error === null) return;
        runs.get(id)?.onDeath(error.message, works);
        runs.delete(id);
        unanswered.delete(id);
      });
    });

  return {
    async start(what) {
      // What it was told before it was stopped it would still do.
      if (dying !== null && !(await endsWithin(dying, endMs))) throw diedWith(outlives(dying));
      return closed || performance.now() < notBefore ? null : order(what);
    },
    async close() {
      closed = true;
      const ending = child ?? dying;
      if (ending === null) return;
      const gone = endsWithin(ending, endMs);
      if (ending.connected) ending.disconnect();
      if (await gone) return;
      ending.kill('SIGKILL');
      if (!(await endsWithin(ending, endMs))) throw diedWith(outlives(ending));
    },
  };
}

function outlives({ pid }: ChildProcess): string {
  return `it outlives SIGKILL; look at it with ps -o pid,stat,wchan -p ${pid}`;
}

function diedWith(reason: string): Error {
  return new Error(`the process that starts agents ended: ${reason}`);
}

/** Whether it is gone by then, or was never there. */
function endsWithin(child: ChildProcess, limitMs: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (isGone: boolean): void => {
      clearTimeout(limit);
      child.off('exit', onExit);
      resolve(isGone);
    };
    const onExit = (): void => end(true);
    const limit = setTimeout(() => end(false), limitMs);
    child.once('exit', onExit);
  });
}

/** What the starter's news mean for whoever waits for one start. */
function runOf({
  resolve,
  reject,
  isOver,
}: {
  readonly resolve: (started: Started | null) => void;
  readonly reject: (error: Error) => void;
  readonly isOver: () => void;
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
    onDeath: (reason, wasThere) => {
      // A run that had begun has died with it.
      end({ code: null, signal: 'SIGKILL' });
      if (!wasThere) return resolve(null);
      reject(diedWith(reason));
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
