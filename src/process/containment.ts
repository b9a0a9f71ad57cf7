/** How process trees are held together on this host: decided once, by a trial. */

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';

import { oneLine } from '../core/text.ts';
import { codeOf } from '../core/thrown.ts';
import { sandboxArguments, type Sandbox } from './sandbox.ts';
import type { Gathered } from './system-files.ts';
import type { Containment, SandboxState } from './types.ts';

/** Where bubblewrap tells about the contained process: the descriptor after the three standard ones. */
export const STATUS_FD = 3;

/** Where bubblewrap is looked for: an agent's PATH says nothing of it. */
export const USUAL_PLACES: readonly string[] = [
  '/usr/bin/bwrap',
  '/usr/local/bin/bwrap',
  '/bin/bwrap',
  '/run/current-system/sw/bin/bwrap',
];
const TRIAL_LIMIT_MS = 10_000;
const TRIALS = 3;
const BETWEEN_MS = 200;
/** No process or descriptor was free. */
const OF_THE_MOMENT: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

export interface Container {
  readonly containment: Containment;
  /** Null: the processes are started as they are, and held together by their session, group and tag. */
  readonly bwrap: string | null;
  /** Whether a sandbox can be made here: known from one that was. */
  readonly sandbox: SandboxState;
}

/** What is to be started, and what of the host it sees. */
export interface Contained {
  readonly argv: readonly [string, ...string[]];
  /** The program that must be seen, where that is not the one that is started. */
  readonly visible?: readonly [string, ...string[]];
  /** It is itself the first process of the namespace; left out: bubblewrap's own is. */
  readonly isFirst?: boolean;
  readonly cwd: string;
  readonly path: string | undefined;
  /** Null: all that the worker sees. */
  readonly sandbox: Sandbox | null;
}

/** Undefined where it is in none of the usual places. */
export function usualBwrap(): string | undefined {
  return USUAL_PLACES.find((place) => existsSync(place));
}

/**
 * Chooses the best containment that works here.
 *
 * @param bwrapPath the program; undefined to look in the usual places, null to do without
 * @param limitMs so long a trial may take
 */
export async function chooseContainer(
  bwrapPath: string | null | undefined,
  limitMs = TRIAL_LIMIT_MS,
): Promise<Container> {
  if (bwrapPath === null) {
    const why = 'host.yaml has containment: off';
    return { ...withGroup(why), sandbox: { kind: 'missing', why, off: true } };
  }
  if (process.platform !== 'linux') {
    return withGroup('PID namespaces exist on Linux alone: a process that leaves its session can outlive its task');
  }
  // bubblewrap dies with the thread that started it, and any other thread may end before the process does.
  if (!isMainThread) return withGroup('the worker does not run on its main thread; start it as a process of its own');
  const bwrap = bwrapPath ?? usualBwrap();
  if (bwrap === undefined) {
    return withGroup('bubblewrap is not installed; install the package bubblewrap (apt, dnf, apk, pacman)');
  }
  const trouble = await tryOut(bwrap, null, limitMs);
  if (trouble === null) {
    const wrong = await tryOut(bwrap, TRIAL, limitMs);
    const sandbox: SandboxState =
      wrong === null ? { kind: 'works' } : { kind: 'missing', why: `${bwrap} cannot make a sandbox here (${wrong})` };
    return { containment: { kind: 'pid-namespace' }, bwrap, sandbox };
  }
  return withGroup(
    `${bwrap} does not work here (${trouble}); install bubblewrap, and allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000, or an AppArmor profile for bwrap)`,
  );
}

/**
 * The command line that starts a program in a PID namespace of its own, which ends with this process (N5).
 *
 * @param etc what stands for /etc in a sandbox; null: it is put in file by file
 */
export function containedCommand(
  bwrap: string,
  contained: Contained,
  etc: Gathered | null,
): readonly [string, ...string[]] {
  const { sandbox, argv, isFirst = false } = contained;
  const first = isFirst ? ['--as-pid-1'] : [];
  const seen =
    sandbox === null ? EVERYTHING : sandboxArguments(sandbox, { ...contained, argv: contained.visible ?? argv }, etc);
  return [
    bwrap,
    '--unshare-pid',
    ...first,
    '--die-with-parent',
    ...seen,
    '--json-status-fd',
    String(STATUS_FD),
    '--',
    ...argv,
  ];
}

/** Of the file system all that the worker itself sees. */
const EVERYTHING = ['--dev-bind', '/', '/', '--proc', '/proc'];
/** Any folder that is there will do for its /tmp. Not the worker's own: TMPDIR may name one that has gone. */
const TRIAL: Sandbox = { mounts: [], read: [], tmp: '/', network: 'none' };

function withGroup(why: string): Container {
  return { containment: { kind: 'process-group', why }, bwrap: null, sandbox: { kind: 'missing', why } };
}

/** Null when a contained shell runs; else one line. What comes of it holds for all that the worker ever starts, so it has several. */
async function tryOut(bwrap: string, sandbox: Sandbox | null, limitMs: number): Promise<string | null> {
  let tried = await tryOnce(bwrap, sandbox, limitMs);
  for (let tries = 1; tries < TRIALS && tried.kind === 'late'; tries += 1) {
    await pause(BETWEEN_MS);
    tried = await tryOnce(bwrap, sandbox, limitMs);
  }
  return tried.kind === 'works' ? null : tried.why;
}

type Tried =
  | { readonly kind: 'works' }
  | { readonly kind: 'wrong'; readonly why: string }
  /** On a machine that is overloaded just now. */
  | { readonly kind: 'late'; readonly why: string };

async function tryOnce(bwrap: string, sandbox: Sandbox | null, limitMs: number): Promise<Tried> {
  const argv = ['/bin/sh', '-c', ':'] as const;
  const [program, ...args] = containedCommand(bwrap, { argv, cwd: '/', path: undefined, sandbox }, null);
  return new Promise((resolve) => {
    // The status has a descriptor of its own: on standard error bubblewrap would close that before it says what is wrong.
    const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', 'pipe'];
    const trial = spawn(program, args, { env: {}, stdio });
    // Where no descriptor was free there are no streams at all.
    const status = (trial.stdio as ChildProcess['stdio'] | undefined)?.[STATUS_FD] as Readable | null | undefined;
    status?.resume();
    let said = '';
    trial.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const end = (tried: Tried): void => {
      clearTimeout(limit);
      resolve(tried);
    };
    // Node's own time-out would outlive a program that cannot be started, and keep this process from ending.
    const limit = setTimeout(() => {
      trial.kill('SIGKILL');
      // Whoever else holds them is not waited for.
      for (const stream of [status, trial.stderr]) stream?.destroy();
      end({ kind: 'late', why: `it did not answer within ${limitMs / 1_000} s, ${TRIALS} times` });
    }, limitMs);
    trial.once('error', (error) => {
      const kind = OF_THE_MOMENT.has(codeOf(error) ?? '') ? 'late' : 'wrong';
      end({ kind, why: oneLine(error.message, 200) });
    });
    trial.once('close', (code, signal) => {
      if (code === 0) end({ kind: 'works' });
      else end({ kind: 'wrong', why: oneLine(said, 200) || `ended by ${signal ?? code}` });
    });
  });
}
