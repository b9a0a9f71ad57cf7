/** What the tests of the process room share. */

import { expect } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { createProcessRoom } from '../../src/process/room.ts';
import type { ProcessRoom, SpawnRequest } from '../../src/process/types.ts';
import { tempFolder } from '../support/temp.ts';

export const STARTER = resolve('dist/worker/process-starter.js');
export const GUARD = resolve('dist/worker/process-guard.js');

/** All ways; where there is no bubblewrap the first one is the fallback, too, and says why. */
export const WAYS = [
  { name: 'in a PID namespace', bwrapPath: undefined, starter: null },
  { name: 'in a PID namespace, started by a process of its own', bwrapPath: undefined, starter: STARTER },
  { name: 'in a process group', bwrapPath: null, starter: null },
  { name: 'in a process group, started by a process of its own', bwrapPath: null, starter: STARTER },
] as const;

export interface Rig {
  readonly home: string;
  readonly room: ProcessRoom;
  request(argv: readonly [string, ...string[]], changes?: Partial<SpawnRequest>): SpawnRequest;
}

export async function createRig(
  bwrapPath: string | null | undefined,
  starter: string | null = null,
  termGraceMs = 500,
  cpus = Infinity,
): Promise<Rig> {
  const home = await tempFolder('home');
  const room = await createProcessRoom({
    home,
    starter,
    termGraceMs,
    cpus,
    guard: GUARD,
    ...(bwrapPath === undefined ? {} : { bwrapPath }),
  });
  if (bwrapPath === null) expect(room.containment.kind).toBe('process-group');
  return {
    home,
    room,
    request: (argv, changes = {}) => ({
      argv,
      cwd: home,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      tag: 'task/1',
      outputFile: join(home, 'output'),
      maxOutputBytes: 1024 * 1024,
      onLine: null,
      idleTimeoutMs: 60_000,
      totalTimeoutMs: 60_000,
      signal: new AbortController().signal,
      ...changes,
    }),
  };
}

/** The pids, as this process sees them, of living processes with a marker in their command line. */
export function pidsWith(marker: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        if (!readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(marker)) return false;
        return !/\) [ZX] /.test(readFileSync(`/proc/${name}/stat`, 'utf8'));
      } catch {
        return false;
      }
    })
    .map(Number);
}
