/**
 * The process room: starts agents' and gates' process trees and ends them whole.
 *
 * It owns every process that it starts, and nothing else. Kept true: when {@link ProcessRoom.run} resolves nothing of
 * that tree lives (N5); after a kill -9 of this process the kernel ends contained trees at once (the PID namespace
 * dies with us), others are ended by their guards, and what those miss by the next room's sweep, by its tag.
 */

import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

import { createBound } from './bound.ts';
import { chooseContainer } from './containment.ts';
import { confinedBy } from './confined-command.ts';
import { createDiskKeeper } from './disk-keeper.ts';
import { createPipePool } from './pipes.ts';
import { createProxies } from './proxy.ts';
import { runProcess } from './run.ts';
import { openStarter } from './starter.ts';
import { findLeftovers, killUntilGone } from './sweep.ts';
import { createSystemFiles } from './system-files.ts';
import { hashOfHome, ownerTag } from './tag.ts';
import type { ProcessRoom } from './types.ts';
import { ETC } from './visible.ts';

const TERM_GRACE_MS = 2_000;
const DEFAULT_PROCESSES = 8_192;
const MIN_PROCESSES = 64;

export interface ProcessRoomOptions {
  /** The state home; it exists. */
  readonly home: string;
  /** The bubblewrap program; undefined to look in the usual places, null to do without. */
  readonly bwrapPath?: string | null;
  /** The built starter-program, which starts the trees; null for this process itself. */
  readonly starter?: string | null;
  /** The built guard-program, which ends uncontained trees when this process is killed; null: the next room's sweep does. */
  readonly guard?: string | null;
  /** The built bridge-program, which leads confined trees to the proxy; null where none reaches hosts. */
  readonly bridge?: string | null;
  /** False: as on a machine without perl. */
  readonly perl?: boolean;
  /** False: as on a Linux before 5.3. */
  readonly pidfd?: boolean;
  /** Processes and threads of all trees together, where the kernel can be told. */
  readonly processes?: number;
  /** Processors of each tree, where the kernel can be told; Infinity, as when it is left out: as many as there are. */
  readonly cpus?: number;
  /** A process whose control group this one may leave with it and all that it has started; null: none but this one. */
  readonly startedBy?: number | null;
  /** How long a process has between SIGTERM and SIGKILL. */
  readonly termGraceMs?: number;
}

/** Opens the room for one state home. */
export async function createProcessRoom(options: ProcessRoomOptions): Promise<ProcessRoom> {
  const homeHash = hashOfHome(await realpath(options.home));
  const owner = ownerTag(homeHash);
  const { containment, bwrap, sandbox } = await chooseContainer(options.bwrapPath);
  const processes = Math.max(MIN_PROCESSES, options.processes ?? DEFAULT_PROCESSES);
  const bound = createBound({ processes, cpus: options.cpus ?? Infinity, startedBy: options.startedBy ?? null });
  let boundBy: ReturnType<typeof bound.hold> = null;
  const hold = (pid: number): void => {
    boundBy = bound.hold(pid);
  };
  const starter = (options.starter ?? null) === null ? null : openStarter(options.starter ?? '', hold);
  const proxies = createProxies(join(options.home, 'net'));
  const network = { proxies, bridge: options.bridge ?? null, perl: options.perl ?? true, pidfd: options.pidfd ?? true };
  const systemFiles = createSystemFiles(join(options.home, 'system'), '/etc', ETC);
  const pipes = createPipePool(join(options.home, 'processes'));
  const disk = createDiskKeeper();
  const termGraceMs = options.termGraceMs ?? TERM_GRACE_MS;
  const { guard: program = null } = options;
  const guard = program === null ? null : { program, graceMs: termGraceMs };
  const means = { bwrap, starter, guard, bound, ...network, systemFiles, pipes, termGraceMs, disk };
  return {
    containment,
    sandbox,
    confined: confinedBy({ bwrap, sandbox }),
    boundBy: () => boundBy,
    holdsMemory: () => starter !== null && bound.holdsMemory(),
    holdsCpus: () => starter !== null && bound.holdsCpus(),
    lacks: () => (starter === null ? null : bound.lacks()),
    run: async (request) => runProcess(request, { ...means, tag: `${owner}/${request.tag}` }),
    refused: (hosts, sinceMs) => proxies.refused(hosts, sinceMs),
    sweepLeftovers: async () => killUntilGone(`leftovers of ${options.home}`, (look) => findLeftovers(homeHash, look)),
    close: async () => {
      try {
        await starter?.close();
      } finally {
        bound.release();
        await proxies.close();
        systemFiles.close();
      }
    },
  };
}
