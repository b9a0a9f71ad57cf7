/** How process trees are held together on this host: decided once, by a trial. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

import { oneLine } from '../core/text.ts';
import type { Containment } from './types.ts';

/** Where bubblewrap tells about the contained process: the descriptor after the three standard ones. */
export const STATUS_FD = 3;

const USUAL_PLACES = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap', '/run/current-system/sw/bin/bwrap'];
const TRIAL_LIMIT_MS = 10_000;

export interface Container {
  readonly containment: Containment;
  /** Null: the processes are started as they are, and held together by their session, group and tag. */
  readonly bwrap: string | null;
}

/**
 * Chooses the best containment that works here.
 *
 * @param bwrapPath the program; undefined to look in the usual places, null to do without
 */
export async function chooseContainer(bwrapPath: string | null | undefined): Promise<Container> {
  if (bwrapPath === null) return withGroup('bubblewrap is switched off in the host configuration');
  if (process.platform !== 'linux') {
    return withGroup('PID namespaces exist on Linux alone: a process that leaves its session can outlive its task');
  }
  // bubblewrap dies with the thread that started it, and any other thread may end before the process does.
  if (!isMainThread) return withGroup('the worker does not run on its main thread; start it as a process of its own');
  const bwrap = bwrapPath ?? USUAL_PLACES.find((place) => existsSync(place));
  if (bwrap === undefined) {
    return withGroup('bubblewrap is not installed; install the package bubblewrap (apt, dnf, apk, pacman)');
  }
  const trouble = await tryOut(bwrap);
  if (trouble === null) return { containment: { kind: 'pid-namespace' }, bwrap };
  return withGroup(
    `${bwrap} does not work here (${trouble}); install bubblewrap, and allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000, or an AppArmor profile for bwrap)`,
  );
}

/** The command line that starts a program in a PID namespace of its own, which ends with this process (N5). */
export function containedCommand(bwrap: string, argv: readonly string[]): readonly [string, ...string[]] {
  return [
    bwrap,
    '--unshare-pid',
    '--die-with-parent',
    ...mounts(),
    '--json-status-fd',
    String(STATUS_FD),
    '--',
    ...argv,
  ];
}

/** What the contained process sees of the file system. */
function mounts(): readonly string[] {
  return ['--dev-bind', '/', '/', '--proc', '/proc'];
}

function withGroup(why: string): Container {
  return { containment: { kind: 'process-group', why }, bwrap: null };
}

/** Null when a contained shell runs; else one line. */
async function tryOut(bwrap: string): Promise<string | null> {
  const [program, ...args] = containedCommand(bwrap, ['/bin/sh', '-c', ':']);
  // Standard error stands in for the status here: nobody reads it.
  const trial = args.map((arg) => (arg === String(STATUS_FD) ? '2' : arg));
  return new Promise((resolve) => {
    execFile(program, trial, { timeout: TRIAL_LIMIT_MS, env: {} }, (error, _stdout, stderr) => {
      if (error === null) return resolve(null);
      resolve(oneLine(stderr.replace(/^\{.*\}$/gm, ''), 200) || oneLine(error.message, 200));
    });
  });
}
