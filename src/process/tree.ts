/** One started process tree, contained or not: how to signal it, end it, and know that nothing of it is left (N5). */

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import type { Readable } from 'node:stream';

import { containedCommand, STATUS_FD } from './containment.ts';
import { namespaceMembers, treeMembers, type Members } from './members.ts';
import type { OutputPipe } from './pipes.ts';
import { reachHosts, type NetworkMeans } from './network.ts';
import type { Sandbox } from './sandbox.ts';
import { hasCode, readStat, sendSignal } from './proc.ts';
import type { ChildEnd, Started, Starter } from './starter.ts';
import { findDescendants, findOne, findRun, killUntilGone, type Leader } from './sweep.ts';
import type { SystemFiles } from './system-files.ts';
import { TAG_VARIABLE } from './tag.ts';

export interface TreeRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly sandbox?: Sandbox | null;
  /** The whole tag, owner and attempt. */
  readonly tag: string;
  /** Standard output, standard error and the containment's status; null to have Node make them. */
  readonly pipes: readonly [OutputPipe, OutputPipe, OutputPipe] | null;
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
}

/** Starts the tree. @throws what spawn throws for an argument list that is too long and the like */
export async function startTree(request: TreeRequest, means: TreeMeans): Promise<Tree> {
  const { bwrap } = means;
  if (bwrap !== null) return startContained(request, bwrap, means);
  // Who asked for one must not be given less without a word.
  if ((request.sandbox ?? null) !== null) throw new Error('there is no sandbox on this host: run it without, or not');
  return startGroup(request);
}

function startGroup(request: TreeRequest): Tree {
  const child = start(request.argv, request, false);
  // Nobody writes a status: read to its end, the pipe can be used again.
  request.pipes?.[2].reader.resume();
  const leader = leaderOf(child);
  const toGroup = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined) sendSignal(-child.pid, signal);
  };
  return {
    ended: endOf(child),
    ...streamsOf(child, request),
    terminate: () => toGroup('SIGTERM'),
    kill: () => toGroup('SIGKILL'),
    members: () => (leader === null ? null : treeMembers(leader.pid)),
    async clear() {
      toGroup('SIGKILL');
      await clearByTag(leader, request.tag);
    },
    exitOf: (code, signal) => plainExit(code, signal),
  };
}

async function startContained(request: TreeRequest, bwrap: string, ways: TreeMeans): Promise<Tree> {
  const { starter } = ways;
  const { cwd, sandbox = null } = request;
  const reaching = sandbox === null ? null : await reachHosts(sandbox, request, ways);
  const { argv: whole, env, mounts } = reaching ?? { ...request, mounts: [] };
  const path = request.env['PATH'];
  const confined = sandbox === null ? null : { ...sandbox, mounts: [...sandbox.mounts, ...mounts] };
  const program = { argv: whole, visible: request.argv, cwd, path, sandbox: confined };
  const argv = containedCommand(bwrap, program, confined === null ? null : (ways.systemFiles?.gather() ?? null));
  const asked = { ...request, env };
  const { pid, ended, ...streams } = (await startElsewhere(argv, asked, starter)) ?? startHere(argv, asked);
  const leader = leaderOf({ pid });
  const status = readStatus(streams.status, () => {
    if (termWanted) terminate();
  });
  let termWanted = false;

  const kill = (): void => {
    if (status.init !== null) sendSignal(status.init.pid, 'SIGKILL');
    if (leader !== null && findOne(leader.pid, String(leader.startTime)).length > 0) sendSignal(leader.pid, 'SIGKILL');
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
    ...streams,
    terminate,
    kill,
    members: () => (status.init === null ? null : namespaceMembers(status.init.pid)),
    async clear() {
      // What it said last may not have been read yet.
      if (status.init === null) await status.read();
      const { init } = status;
      if (init === null) return clearByTag(leader, request.tag);
      // The kernel lets a namespace's first process become a zombie only when all others of it are gone.
      await killUntilGone(request.tag, () => findOne(init.pid, init.startTime));
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

type ContainedStart = Started & Pick<Tree, 'stdout' | 'stderr'> & { readonly status: Readable | null };

/** Null when the starter is not there, or cannot reach the pipes. */
async function startElsewhere(
  argv: readonly [string, ...string[]],
  request: TreeRequest,
  starter: Starter | null,
): Promise<ContainedStart | null> {
  const { cwd, pipes } = request;
  if (starter === null || pipes === null) return null;
  const env = { ...request.env, [TAG_VARIABLE]: request.tag };
  const started = await starter.start({ argv, cwd, env, pipes: pipes.map(({ writerPath }) => writerPath) });
  if (started === null) return null;
  for (const pipe of pipes) pipe.closeWriter();
  const [{ reader: stdout }, { reader: stderr }, { reader: status }] = pipes;
  return { ...started, stdout, stderr, status };
}

function startHere(argv: readonly [string, ...string[]], request: TreeRequest): ContainedStart {
  const child = start(argv, request, true);
  const made = child.stdio[STATUS_FD] as Readable | null | undefined;
  const status = request.pipes?.[2].reader ?? made ?? null;
  return { pid: child.pid, ended: endOf(child), ...streamsOf(child, request), status };
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.on('error', (error) => {
      // A failed kill is an error event, too; only a child that never was has no pid.
      if (child.pid === undefined) resolve({ error });
    });
  });
}

function start(argv: readonly [string, ...string[]], request: TreeRequest, withStatus: boolean): ChildProcess {
  const [program, ...args] = argv;
  const out = request.pipes?.[0].writer ?? 'pipe';
  const err = request.pipes?.[1].writer ?? 'pipe';
  const status = request.pipes?.[2].writer ?? 'pipe';
  const stdio: StdioOptions = withStatus ? ['ignore', out, err, status] : ['ignore', out, err];
  try {
    return spawn(program, args, {
      cwd: request.cwd,
      env: { ...request.env, [TAG_VARIABLE]: request.tag },
      // Its own session, so that no terminal's signal reaches it and its group can be signaled.
      detached: true,
      stdio,
    });
  } finally {
    for (const pipe of request.pipes ?? []) pipe.closeWriter();
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

function leaderOf({ pid }: { readonly pid?: number | undefined }): Leader | null {
  return pid === undefined ? null : { pid, startTime: Number(readStat(pid)?.startTime ?? 0) };
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
