/** Whether the kernel can hold what a worker runs to its limits, as far as this command can see from where it runs. */

import { accessSync, constants, readFileSync } from 'node:fs';
import {
  findPlace,
  groupFolder,
  ownGroup,
  tellMissing,
  type Controller,
  type GroupFiles,
} from '../../core/control-group.ts';
import { fine, warn, type Check } from '../render/checks.ts';

const ROOT = '/sys/fs/cgroup';
const WANTED: readonly Controller[] = ['memory', 'pids'];
/** A worker may have been started elsewhere than this command. */
const ELSEWHERE = 'a worker says at its start what holds for it';

/** None outside of Linux. @param root of the control groups' file systems @param own what /proc/self/cgroup says */
export function checkLimits(root = ROOT, own = textOf('/proc/self/cgroup') ?? ''): readonly Check[] {
  if (process.platform !== 'linux') return [];
  const files: GroupFiles = { root, own, read: textOf, mayWrite, isOwn: (pid) => pid === process.pid };
  const place = findPlace(files, WANTED);
  if (place === null) return [checkOld(files)];
  const lacks = place.kind === 'refused' ? place : tellMissing(place.parent, place.missing);
  return [lacks === null ? held(2) : watched(lacks.why, lacks.next)];
}

function checkOld(files: GroupFiles): Check {
  const closed = WANTED.find((controller) => {
    const path = ownGroup(files.own, controller);
    const top = `${files.root}/${controller}`;
    return path === null || !files.mayWrite(groupFolder(files, top, path));
  });
  if (closed === undefined) return held(1);
  return watched(
    `this account may make no control groups for ${closed} (version 1)`,
    'run the worker where it may, or use the limits of its service or container',
  );
}

function held(version: 1 | 2): Check {
  return fine('limits', `the kernel can hold agents to memory and processes (control groups, version ${version})`);
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
