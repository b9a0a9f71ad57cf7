/** One started process tree, contained or not: how to signal it, end it, and know that nothing of it is left (N5). */

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';

import { containedCommand, STATUS_FD } from './containment.ts';
import type { OutputPipe } from './pipes.ts';
import { hasCode, readStat, sendSignal } from './proc.ts';
import { findDescendants, findOne, findRun, killUntilGone, type Leader } from './sweep.ts';
import { TAG_VARIABLE } from './tag.ts';

export interface TreeRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The whole tag, owner and attempt. */
  readonly tag: string;
  /** Standard output and standard error; null to have Node make them. */
  readonly pipes: readonly [OutputPipe, OutputPipe] | null;
}

export type Exit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: string }
  /** The program was never started. */
  | { readonly kind: 'not-started'; readonly why: string };

export interface Tree {
  readonly child: ChildProcess;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Asks every process of the tree to end. */
  terminate(): void;
  /** Ends every process of the tree. */
  kill(): void;
  /** Ends what is left, and returns when nothing is. @throws when something cannot be killed */
  clear(): Promise<void>;
  /** What the end of the direct child means. @throws when the containment itself failed */
  exitOf(code: number | null, signal: string | null, tail: string): Exit;
}

/** Starts the tree. @throws what spawn throws for an argument list that is too long and the like */
export function startTree(request: TreeRequest, bwrap: string | null): Tree {
  return bwrap === null ? startGroup(request) : startContained(request, bwrap);
}

function startGroup(request: TreeRequest): Tree {
  const child = start(request.argv, request, false);
  const leader = leaderOf(child);
  const toGroup = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined) sendSignal(-child.pid, signal);
  };
  return {
    child,
    ...streamsOf(child, request),
    terminate: () => toGroup('SIGTERM'),
    kill: () => toGroup('SIGKILL'),
    async clear() {
      toGroup('SIGKILL');
      await clearByTag(leader, request.tag);
    },
    exitOf: (code, signal) => plainExit(code, signal),
  };
}

function startContained(request: TreeRequest, bwrap: string): Tree {
  const child = start(containedCommand(bwrap, request.argv), request, true);
  const leader = leaderOf(child);
  const status = readStatus(child, () => {
    if (termWanted) terminate();
  });
  let termWanted = false;

  const kill = (): void => {
    if (status.init !== null) sendSignal(status.init.pid, 'SIGKILL');
    child.kill('SIGKILL');
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
    child,
    ...streamsOf(child, request),
    terminate,
    kill,
    async clear() {
      const { init } = status;
      if (init === null) return clearByTag(leader, request.tag);
      // The kernel lets a namespace's first process become a zombie only when all others of it are gone.
      await killUntilGone(request.tag, () => findOne(init.pid, init.startTime));
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

function start(argv: readonly [string, ...string[]], request: TreeRequest, withStatus: boolean): ChildProcess {
  const [program, ...args] = argv;
  const out = request.pipes?.[0].writer ?? 'pipe';
  const err = request.pipes?.[1].writer ?? 'pipe';
  const stdio: StdioOptions = withStatus ? ['ignore', out, err, 'pipe'] : ['ignore', out, err];
  try {
    return spawn(program, args, {
      cwd: request.cwd,
      env: { ...request.env, [TAG_VARIABLE]: request.tag },
      // Its own session, so that no terminal's signal reaches it and its group can be signaled.
      detached: true,
      stdio,
    });
  } finally {
    // Ours would keep the readers from seeing the end.
    for (const pipe of request.pipes ?? []) closeSync(pipe.writer);
  }
}

function streamsOf(child: ChildProcess, { pipes }: TreeRequest): Pick<Tree, 'stdout' | 'stderr'> {
  if (pipes !== null) return { stdout: pipes[0].reader, stderr: pipes[1].reader };
  return { stdout: child.stdout, stderr: child.stderr };
}

interface Status {
  /** The namespace's first process, as seen from here. */
  readonly init: { readonly pid: number; readonly startTime: string } | null;
  /** Whether the program itself was started and has ended: bubblewrap tells an exit code only then. */
  readonly started: boolean;
}

function readStatus(child: ChildProcess, onInit: () => void): Status {
  let text = '';
  let init: Status['init'] = null;
  const stream = child.stdio[STATUS_FD] as Readable | null | undefined;
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
  };
}

function leaderOf(child: ChildProcess): Leader | null {
  return child.pid === undefined ? null : { pid: child.pid, startTime: Number(readStat(child.pid)?.startTime ?? 0) };
}

async function clearByTag(leader: Leader | null, tag: string): Promise<void> {
  if (leader === null) return;
  await killUntilGone(tag, () => findRun(leader, tag));
}

function plainExit(code: number | null, signal: string | null): Exit {
  return signal === null ? { kind: 'exited', code: code ?? 1 } : { kind: 'signaled', signal };
}

/** Whether a start failed because there is no such program, or none that can be started. */
export function isMissing(error: Error): boolean {
  return hasCode(error, 'ENOENT') || hasCode(error, 'EACCES') || hasCode(error, 'ENOTDIR');
}
