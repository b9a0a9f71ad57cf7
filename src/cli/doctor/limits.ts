/** Whether the kernel can hold what a worker runs to its limits, as far as this command can see from where it runs. */

import { accessSync, constants, readFileSync } from 'node:fs';
import {
  findPlace,
  groupFolder,
  ownGroup,
  tellMissing,
  tellMissingOld,
  type Controller,
  type GroupFiles,
  type RefusedPlace,
} from '../../core/control-group.ts';
import { fine, warn, type Check } from '../render/checks.ts';

const ROOT = '/sys/fs/cgroup';
/** A worker may have been started elsewhere than this command. */
const ELSEWHERE = 'a worker says at its start what holds for it';

/**
 * None outside of Linux.
 *
 * @param cpus limits.cpus of host.yaml; null: not set
 * @param root of the control groups' file systems
 * @param own what /proc/self/cgroup says
 */
export function checkLimits(
  cpus: number | null = null,
  root = ROOT,
  own = textOf('/proc/self/cgroup') ?? '',
): readonly Check[] {
  if (process.platform !== 'linux') return [];
  const files: GroupFiles = { root, own, read: textOf, mayWrite, isOwn: (pid) => pid === process.pid };
  const wanted: readonly Controller[] = cpus === null ? ['memory', 'pids'] : ['memory', 'pids', 'cpu'];
  const place = findPlace(files, wanted);
  const lacks =
    place === null
      ? lacksOld(files, wanted)
      : place.kind === 'refused'
        ? place
        : tellMissing(place.parent, place.missing);
  return [lacks === null ? held(wanted, place === null ? 1 : 2) : watched(lacks.why, lacks.next)];
}

function lacksOld(files: GroupFiles, wanted: readonly Controller[]): RefusedPlace | null {
  const closed = wanted.filter((controller) => {
    const path = ownGroup(files.own, controller);
    const top = `${files.root}/${controller}`;
    return path === null || !files.mayWrite(groupFolder(files, top, path));
  });
  return tellMissingOld(closed);
}

function held(wanted: readonly Controller[], version: 1 | 2): Check {
  const what = wanted.includes('cpu') ? 'memory, processes and limits.cpus' : 'memory and processes';
  return fine('limits', `the kernel can hold agents to ${what} (control groups, version ${version})`);
}

function watched(why: string, next: string): Check {
  return warn(
    'limits',
    `the kernel does not hold agents to all limits, they are watched alone: ${why}`,
    `${next}; ${ELSEWHERE}`,
  );
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
