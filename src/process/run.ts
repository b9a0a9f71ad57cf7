/**
 * One run, from start to the moment when nothing of its tree is left.
 *
 * Kept true: the first cause of the end is the one that is told; the memory that a run takes does not grow with its
 * output; nothing of the tree lives when it resolves or rejects (N5).
 */

import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';

import { createRedactor, type Redactor } from '../core/secrets.ts';
import { isNoSpace } from '../files/errors.ts';
import { watchIdle } from './idle.ts';
import { createLineCutter } from './lines.ts';
import type { DiskKeeper } from './disk-keeper.ts';
import { freeFor, kernelRefused, watchLimits, type Exceeded } from './limits.ts';
import { openOutputFile, type OutputFile } from './output.ts';
import type { OutputPipe, PipePool } from './pipes.ts';
import { startFailure, whyNotRunnable } from './program.ts';
import type { ChildEnd } from './starter.ts';
import { isMissing, startTree, type Exit, type Tree, type TreeMeans } from './tree.ts';
import type { ExitResult, SpawnRequest } from './types.ts';

/** The longest that a timer can be set for; longer is for ever. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How long the pipes may stay open once nothing of the tree lives: somebody else then holds them. */
const PIPES_LIMIT_MS = 1_000;

export interface RunMeans extends TreeMeans {
  readonly tag: string;
  readonly pipes: PipePool;
  readonly termGraceMs: number;
  readonly disk: DiskKeeper;
}

type Cause = 'idle-timeout' | 'total-timeout' | 'aborted' | 'no-space' | Exceeded;

/** Runs one process tree. @throws for faults of the host or of the caller's reader, never for what the process does */
export async function runProcess(request: SpawnRequest, means: RunMeans): Promise<ExitResult> {
  const beganAt = performance.now();
  const facts = { tail: '', outputBytes: 0, truncated: false };
  const took = (): number => Math.round(performance.now() - beganAt);
  if (request.signal.aborted) return { ...facts, kind: 'aborted', durationMs: took() };
  if (statSync(request.cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Error(`there is no folder ${request.cwd} to run in`);
  }
  const missing = whyNotRunnable(request.argv[0], request.cwd, request.env['PATH']);
  if (missing !== null) return { ...facts, kind: 'missing', message: missing, durationMs: took() };

  const output = openOutput(request);
  if (output === null) {
    return { ...facts, kind: 'no-space', message: noSpace(request.outputFile), durationMs: took() };
  }
  try {
    const end = await runWithPipes(request, means, output);
    return {
      tail: output.tail(),
      outputBytes: output.bytes,
      truncated: output.truncated,
      ...end,
      durationMs: took(),
    };
  } finally {
    output.close();
  }
}

type End = ExitResult extends infer R ? (R extends ExitResult ? Omit<R, keyof Facts> : never) : never;
type Facts = Pick<ExitResult, 'tail' | 'outputBytes' | 'truncated' | 'durationMs'>;

async function runWithPipes(request: SpawnRequest, means: RunMeans, output: OutputFile): Promise<End> {
  const pipes = await takePipes(means.pipes);
  try {
    return await watch(request, means, output, pipes);
  } finally {
    for (const pipe of pipes ?? []) {
      pipe.reader.destroy();
      pipe.release();
    }
  }
}

async function watch(request: SpawnRequest, means: RunMeans, output: OutputFile, pipes: Pipes): Promise<End> {
  const { onLine, secrets = [] } = request;
  // Before anything is started: when it cannot be done, nothing has been.
  const redactors = { stdout: createRedactor(secrets), stderr: createRedactor(secrets), both: createRedactor(secrets) };
  const { limits, outputFile } = request;
  // A short tree has written all that it ever does before this process hears that it has begun.
  const freeAtFirst = limits === undefined ? 0 : freeFor({ limits, outputFile });
  const tree = await startTree({ ...request, tag: means.tag, pipes }, means);
  const ending = createEnding(tree, means.termGraceMs);
  const idle = watchIdle(
    timerMs(request.idleTimeoutMs),
    () => tree.members(),
    () => ending.because('idle-timeout'),
  );
  const total = setTimeout(() => ending.because('total-timeout'), timerMs(request.totalTimeoutMs));
  const abort = (): void => ending.because('aborted');
  request.signal.addEventListener('abort', abort, { once: true });
  const limitsWatch =
    limits === undefined
      ? null
      : watchLimits(
          {
            limits,
            outputFile,
            freeAtFirst,
            members: () => tree.members(),
            refused: () => tree.refused(),
            disk: means.disk,
          },
          (what) => ending.exceeded(what),
        );
  if (request.signal.aborted) abort();
  const closed = follow({ onLine, redactors, onOutput: () => idle.printed() }, tree, output, ending);
  try {
    const exit = await tree.ended;
    const refused = limits === undefined ? null : tree.refused();
    if (refused !== null && limits !== undefined) ending.exceeded(kernelRefused(refused, limits));
    ending.exited();
    await tree.clear();
    await closed();
    const cause = ending.cause ?? (await limitsWatch?.last(request.signal)) ?? null;
    return endOf(request, tree, output, { cause, fault: ending.fault }, exit);
  } finally {
    idle.stop();
    clearTimeout(total);
    limitsWatch?.stop();
    ending.exited();
    request.signal.removeEventListener('abort', abort);
  }
}

type Pipes = readonly [OutputPipe, OutputPipe, OutputPipe] | null;

async function takePipes(pool: PipePool): Promise<Pipes> {
  const taken: OutputPipe[] = [];
  while (taken.length < 3) {
    const pipe = await pool.take();
    if (pipe === null) break;
    taken.push(pipe);
  }
  const [stdout, stderr, status] = taken;
  if (stdout !== undefined && stderr !== undefined && status !== undefined) return [stdout, stderr, status];
  for (const pipe of taken) {
    pipe.reader.destroy();
    pipe.release();
  }
  return null;
}

interface Ending {
  readonly cause: Cause | null;
  readonly fault: unknown;
  /** Ends the tree for a cause, unless another one came first or it has ended by itself. */
  because(cause: Exclude<Cause, Exceeded>): void;
  /** Ends the tree at once for a limit: what goes beyond one is given no time to go further. */
  exceeded(what: Exceeded): void;
  /** Ends the tree at once for a fault, which the run then rejects with. */
  fail(fault: unknown): void;
  /** The process has ended: no cause counts from now on. */
  exited(): void;
}

function createEnding(tree: Tree, termGraceMs: number): Ending {
  let cause: Cause | null = null;
  let fault: unknown = null;
  let exited = false;
  let grace: NodeJS.Timeout | undefined;
  return {
    get cause() {
      return cause;
    },
    get fault() {
      return fault;
    },
    because(why) {
      // A full disk counts after the exit, too: what the process printed last is then lost.
      if (cause !== null || (exited && why !== 'no-space')) return;
      cause = why;
      if (exited) return;
      tree.terminate();
      grace = setTimeout(() => tree.kill(), termGraceMs);
    },
    exceeded(what) {
      if (cause !== null || exited) return;
      cause = what;
      tree.kill();
    },
    fail(error) {
      fault ??= error;
      if (!exited) tree.kill();
    },
    exited() {
      exited = true;
      clearTimeout(grace);
    },
  };
}

interface Readers {
  readonly onLine: SpawnRequest['onLine'];
  readonly onOutput: () => void;
  readonly redactors: Readonly<Record<'stdout' | 'stderr' | 'both', Redactor>>;
}

/** Takes in both streams. @returns what waits until they are closed, bounded */
function follow(readers: Readers, tree: Tree, output: OutputFile, ending: Ending): () => Promise<void> {
  const { onLine, onOutput, redactors } = readers;
  const lines = onLine === null ? null : createLineCutter(onLine);
  const guarded = (work: () => void): void => {
    if (ending.fault !== null) return;
    try {
      work();
    } catch (error) {
      if (isNoSpace(error)) ending.because('no-space');
      else ending.fail(error);
    }
  };
  // One stream's half of a secret may come to stand before the other's in the file.
  const { both } = redactors;
  const streams = [tree.stdout, tree.stderr].filter((stream): stream is Readable => stream !== null);
  const closing = streams.map((stream) => {
    // Before it is stored or read by anybody (N10).
    const redactor = stream === tree.stdout ? redactors.stdout : redactors.stderr;
    const take = (chunk: Buffer): void => {
      if (chunk.length === 0) return;
      if (ending.cause !== 'no-space') guarded(() => output.write(both.push(chunk)));
      if (lines !== null && stream === tree.stdout) guarded(() => lines.push(chunk));
    };
    stream.on('data', (chunk: Buffer) => {
      onOutput();
      guarded(() => take(redactor.push(chunk)));
    });
    stream.on('error', (error) => ending.fail(error));
    return new Promise<void>((resolve) =>
      stream.once('close', () => {
        guarded(() => take(redactor.end()));
        resolve();
      }),
    );
  });
  return async () => {
    const limit = setTimeout(() => streams.forEach((stream) => stream.destroy()), PIPES_LIMIT_MS);
    await Promise.all(closing);
    clearTimeout(limit);
    if (ending.cause !== 'no-space') guarded(() => output.write(both.end()));
    if (lines !== null) guarded(() => lines.end());
  };
}

function endOf(
  request: SpawnRequest,
  tree: Tree,
  output: OutputFile,
  ending: Pick<Ending, 'cause' | 'fault'>,
  child: ChildEnd,
): End {
  let { cause } = ending;
  if (ending.fault !== null) throw ending.fault;
  try {
    output.finish();
  } catch (error) {
    if (!isNoSpace(error)) throw error;
    cause ??= 'no-space';
  }
  if (cause === 'no-space') return { kind: 'no-space', message: noSpace(request.outputFile) };
  if (typeof cause === 'object' && cause !== null) return cause;
  if (cause !== null) return { kind: cause };
  const exit: Exit = 'error' in child ? failedStart(child.error) : tree.exitOf(child.code, child.signal, output.tail());
  if (exit.kind !== 'not-started') return exit;
  return { kind: 'missing', message: startFailure(request.argv[0], exit.why) };
}

function failedStart(error: Error): Exit {
  if (isMissing(error)) return { kind: 'not-started', why: error.message };
  throw error;
}

function openOutput(request: SpawnRequest): OutputFile | null {
  try {
    return openOutputFile(request.outputFile, request.maxOutputBytes);
  } catch (error) {
    if (isNoSpace(error)) return null;
    throw error;
  }
}

function noSpace(file: string): string {
  return `the disk is full: the output could not be written to ${file}; make room there, then retry`;
}

function timerMs(ms: number): number {
  return Math.max(1, Math.min(ms, MAX_TIMER_MS));
}
