/** Starts the first process of a tree: by the small process that does so for the worker, or by the worker itself. */

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { openSync, closeSync, constants } from 'node:fs';
import type { Readable } from 'node:stream';

import { STATUS_FD } from './containment.ts';
import { guardCommand, startGuard, type Guard, type GuardMeans } from './guard.ts';
import type { OutputPipe } from './pipes.ts';
import { readStat } from './proc.ts';
import { clearWhole, type RunGroup } from './run-group.ts';
import type { ChildEnd, Started, Starter } from './starter.ts';
import { NOBODY, type Leader } from './sweep.ts';
import { TAG_VARIABLE } from './tag.ts';
import type { Exit } from './tree.ts';

export interface LaunchRequest {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The whole tag, owner and attempt. */
  readonly tag: string;
  /** Standard output, standard error and the containment's status or the guard's; null to have Node make them. */
  readonly pipes: readonly [OutputPipe, OutputPipe, OutputPipe] | null;
}

/** Beside the request, what {@link launch} needs of the tree's control groups. */
export type Grouped<T> = T & { readonly group: RunGroup | null };

export interface LaunchMeans {
  /** Null: this process itself. */
  readonly starter: Starter | null;
  /** Whether the third pipe is for what bubblewrap says of its state. */
  readonly status: boolean;
  /** What guards the tree; null: nothing needs to, or can. The third pipe then tells the guard that the worker lives. */
  readonly guard?: GuardMeans | null;
}

export interface Launched extends Started {
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly status: Readable | null;
}

type Command = readonly [string, ...string[]];

/** Starts it. @throws what spawn throws for an argument list that is too long and the like */
export async function launch(argv: Command, request: Grouped<LaunchRequest>, means: LaunchMeans): Promise<Launched> {
  return (await launchElsewhere(argv, request, means)) ?? launchHere(argv, request, means);
}

/** Null when the starter is not there, or cannot reach the pipes. */
async function launchElsewhere(
  argv: Command,
  request: Grouped<LaunchRequest>,
  means: LaunchMeans,
): Promise<Launched | null> {
  const { cwd, pipes, tag, group } = request;
  const { starter, guard = null } = means;
  if (starter === null || pipes === null) return null;
  const env = { ...request.env, [TAG_VARIABLE]: tag };
  const [out, err, third] = pipes;
  const given = means.status ? pipes : [out, err];
  const order = {
    argv,
    cwd,
    env,
    pipes: given.map(({ writerPath }) => writerPath),
    guard: guard === null ? null : { command: guardCommand(guard, tag, group?.folders ?? []), pipe: third.writerPath },
    doors: group === null ? null : { enter: group.enter, leave: group.leave },
  };
  const started = await starter.start(order).catch(async (error: unknown) => {
    // Whether it had started it nobody has said: then nobody else would ever end it.
    await clearWhole(NOBODY, tag, group);
    throw error;
  });
  if (started === null) return null;
  for (const pipe of given) pipe.closeWriter();
  return { ...started, stdout: out.reader, stderr: err.reader, status: third.reader };
}

function launchHere(argv: Command, request: Grouped<LaunchRequest>, { status, guard = null }: LaunchMeans): Launched {
  const { pipes, tag, cwd, group } = request;
  const [program, ...args] = argv;
  const given = (pipes ?? []).slice(0, status ? 3 : 2);
  const fallback = status ? ['pipe', 'pipe', 'pipe'] : ['pipe', 'pipe'];
  const stdio = ['ignore', ...(pipes === null ? fallback : given.map(({ writer }) => writer))] as StdioOptions;
  const env = { ...request.env, [TAG_VARIABLE]: tag };
  try {
    // Its own session, so that no terminal's signal reaches it and its group can be signaled.
    const child = spawn(program, args, { cwd, env, detached: true, stdio });
    const ended = new Promise<ChildEnd>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.on('error', (error) => {
        // A failed kill is an error event, too; only a child that never was has no pid.
        if (child.pid === undefined) resolve({ error });
      });
    });
    // Where no descriptor was free there are no streams at all, whatever the types say.
    const { stdout = null, stderr = null, stdio: streams = [] } = child as Partial<ChildProcess>;
    const leader = leaderOf(child);
    // This process does not go there itself: it would have to find its way back, with all its threads.
    if (leader !== null) group?.take(leader, tag);
    const guarded = guard === null || leader === null ? null : guardHere(guard, leader, request);
    const made = { leader, ended, guard: guarded };
    if (pipes !== null) return { ...made, stdout: pipes[0].reader, stderr: pipes[1].reader, status: pipes[2].reader };
    return { ...made, stdout, stderr, status: (streams[STATUS_FD] as Readable | null | undefined) ?? null };
  } finally {
    for (const pipe of given) pipe.closeWriter();
  }
}

function guardHere(guard: GuardMeans, leader: Leader, { tag, pipes, group }: Grouped<LaunchRequest>): Guard | null {
  const command = guardCommand(guard, tag, group?.folders ?? []);
  // What writes to it is open here, so that this does not wait for anybody.
  const end = pipes === null ? null : openSync(pipes[2].writerPath, constants.O_RDONLY);
  try {
    return startGuard(command, leader, end ?? 'pipe');
  } finally {
    if (end !== null) closeSync(end);
  }
}

/** The first process of a run; null when there was none. */
export function leaderOf({ pid }: { readonly pid?: number | undefined }): Leader | null {
  return pid === undefined ? null : { pid, startTime: Number(readStat(pid)?.startTime ?? 0) };
}

/** What the end of a process means where nothing stands between it and this process. */
export function plainExit(code: number | null, signal: string | null): Exit {
  return signal === null ? { kind: 'exited', code: code ?? 1 } : { kind: 'signaled', signal };
}
