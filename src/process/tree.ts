/** One started process tree, contained or not: how to signal it, end it, and know that nothing of it is left (N5). */

import type { Readable } from 'node:stream';

import { codeOf } from '../core/thrown.ts';
import type { Bound } from './bound.ts';
import { containedCommand } from './containment.ts';
import { startGroup } from './group.ts';
import type { GuardMeans } from './guard.ts';
import { launch, plainExit, type Grouped, type LaunchRequest } from './launch.ts';
import type { RunLimits } from './limits.ts';
import { namespaceMembers, type Members } from './members.ts';
import { reachHosts, type NetworkMeans, type Reaching } from './network.ts';
import { clearWhole, type Refused } from './run-group.ts';
import type { Sandbox } from './sandbox.ts';
import { readStat, sendSignal } from './proc.ts';
import type { ChildEnd, Starter } from './starter.ts';
import { findDescendants, findOne, killUntilGone } from './sweep.ts';
import type { SystemFiles } from './system-files.ts';

export interface TreeRequest extends LaunchRequest {
  readonly limits?: Pick<RunLimits, 'memoryBytes'>;
  readonly argv: readonly [string, ...string[]];
  readonly sandbox?: Sandbox | null;
}

/** How long the status may stay open once nothing of the tree lives. */
const STATUS_LIMIT_MS = 1_000;

export type Exit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: string }
  /** The program was never started. */
  | { readonly kind: 'not-started'; readonly why: string };

export interface Tree {
  /** How the direct child ended. */
  readonly ended: Promise<ChildEnd>;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Asks every process of the tree to end. */
  terminate(): void;
  /** Ends every process of the tree. */
  kill(): void;
  /** Its processes now; null when they are not known yet. */
  members(): Members | null;
  /** What the kernel has refused it by now. */
  refused(): Refused | null;
  /** Ends what is left, and returns when nothing is. @throws when something cannot be killed */
  clear(): Promise<void>;
  /** What the end of the direct child means. @throws when the containment itself failed */
  exitOf(code: number | null, signal: string | null, tail: string): Exit;
}

export interface TreeMeans extends NetworkMeans {
  /** Null: without containment. */
  readonly bwrap: string | null;
  /** What starts contained trees; null for this process itself. */
  readonly starter: Starter | null;
  /** Left out: sandboxes get each file of /etc by itself. */
  readonly systemFiles?: SystemFiles;
  readonly bound: Bound;
  /** What ends trees without containment after the worker's death; null: the next worker alone does. */
  readonly guard: GuardMeans | null;
}

/** Starts the tree. @throws what spawn throws for an argument list that is too long and the like */
export async function startTree(request: TreeRequest, means: TreeMeans): Promise<Tree> {
  const { bwrap, starter, bound } = means;
  // Who asked for one must not be given less without a word.
  if (bwrap === null && (request.sandbox ?? null) !== null) {
    throw new Error('there is no sandbox on this host: run it without, or not');
  }
  // Only what the starter starts is in a group from its first moment.
  const group = starter === null ? null : bound.forRun({ memoryBytes: request.limits?.memoryBytes ?? Infinity });
  try {
    const grouped = { ...request, group };
    const tree = bwrap === null ? await startGroup(grouped, means) : await startContained(grouped, bwrap, means);
    return {
      ...tree,
      refused: () => group?.refused() ?? null,
      clear: () => tree.clear().finally(() => group === null || bound.over(group)),
    };
  } catch (error) {
    if (group !== null) bound.over(group);
    throw error;
  }
}

/** What {@link startTree} adds to is the same for all. */
export type Held = Omit<Tree, 'refused'>;

async function startContained(request: Grouped<TreeRequest>, bwrap: string, ways: TreeMeans): Promise<Held> {
  const { sandbox = null } = request;
  if (sandbox === null) return startIn(request, bwrap, ways, null);
  const reaching = await reachHosts(sandbox, request, ways);
  try {
    const tree = await startIn(request, bwrap, ways, reaching);
    // Nobody of the tree is left who could be let through: what there is still to do is not waited for.
    return { ...tree, clear: () => tree.clear().finally(() => void reaching.close()) };
  } catch (error) {
    await reaching.close();
    throw error;
  }
}

async function startIn(
  request: Grouped<TreeRequest>,
  bwrap: string,
  ways: TreeMeans,
  reaching: Reaching | null,
): Promise<Held> {
  const { starter } = ways;
  const { cwd, sandbox = null } = request;
  const { argv: whole, env, mounts, isFirst } = reaching ?? { ...request, mounts: [], isFirst: false };
  const path = request.env['PATH'];
  const confined = sandbox === null ? null : { ...sandbox, mounts: [...sandbox.mounts, ...mounts] };
  const program = { argv: whole, visible: request.argv, isFirst, cwd, path, sandbox: confined };
  const argv = containedCommand(bwrap, program, confined === null ? null : (ways.systemFiles?.gather() ?? null));
  const started = await launch(argv, { ...request, env }, { starter, status: true });
  const { leader, ended, stdout, stderr, status: said } = started;
  const status = readStatus(said, () => {
    if (termWanted) terminate();
  });
  let termWanted = false;

  const kill = (): void => {
    if (status.init !== null) sendSignal(status.init.pid, 'SIGKILL');
    if (leader !== null && findOne(leader.pid, String(leader.startTime), { failed: false }).length > 0)
      sendSignal(leader.pid, 'SIGKILL');
  };
  // A signal to bubblewrap would end everything at once, and the namespace's first process ignores it: the ones below
  // it are asked.
  const terminate = (): void => {
    termWanted = true;
    if (status.init === null) return;
    const below = findDescendants(status.init.pid);
    if (below.length === 0) kill();
    for (const stat of below) sendSignal(stat.pid, 'SIGTERM');
  };

  return {
    ended,
    stdout,
    stderr,
    terminate,
    kill,
    members: () => (status.init === null ? null : namespaceMembers(status.init.pid)),
    async clear() {
      // What it said last may not have been read yet.
      if (status.init === null) await status.read();
      const { init } = status;
      if (init === null) return clearWhole(leader, request.tag, request.group);
      // The kernel lets a namespace's first process become a zombie only when all others of it are gone.
      await killUntilGone(request.tag, (look) => findOne(init.pid, init.startTime, look));
      await status.read();
    },
    exitOf(code, signal, tail) {
      if (signal === null && !status.started) {
        const line = /bwrap: .*/.exec(tail)?.[0] ?? `bubblewrap exited with ${code}`;
        if (line.includes('execvp')) return { kind: 'not-started', why: line };
        throw new Error(`the containment failed: ${line}`);
      }
      // A process that was killed by signal n shows as 128 + n. Only for KILL is that never a program's own choice.
      return code === 137 ? { kind: 'signaled', signal: 'SIGKILL' } : plainExit(code, signal);
    },
  };
}

interface Status {
  /** The namespace's first process, as seen from here. */
  readonly init: { readonly pid: number; readonly startTime: string } | null;
  /** Whether the program itself was started and has ended: bubblewrap tells an exit code only then. */
  readonly started: boolean;
  /** Waits until all that there will be is read, bounded. */
  read(): Promise<void>;
}

function readStatus(stream: Readable | null, onInit: () => void): Status {
  let text = '';
  let init: Status['init'] = null;
  const closed = new Promise<void>((resolve) => {
    if (stream === null) resolve();
    else stream.once('close', resolve);
  });
  stream?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('latin1')).slice(-4096);
    const pid = init === null ? Number(/"child-pid": (\d+)/.exec(text)?.[1] ?? 0) : 0;
    if (pid === 0) return;
    init = { pid, startTime: readStat(pid)?.startTime ?? '' };
    onInit();
  });
  return {
    get init() {
      return init;
    },
    get started() {
      return text.includes('"exit-code"');
    },
    async read() {
      const limit = setTimeout(() => stream?.destroy(), STATUS_LIMIT_MS);
      await closed;
      clearTimeout(limit);
    },
  };
}

/** Whether a start failed because there is no such program, or none that can be started. */
export function isMissing(error: Error): boolean {
  return ['ENOENT', 'EACCES', 'ENOTDIR'].includes(codeOf(error) ?? '');
}
