/** Starts one program and collects what it prints, bounded in time and size. */

import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { constants } from 'node:os';
import { messageOf } from '../core/thrown.ts';

export interface CollectRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; null for what this process has. */
  readonly env: Readonly<Record<string, string>> | null;
  readonly input: string | Buffer;
  readonly timeoutMs: number;
  /** The longest that it may print nothing at all; left out: as long as it likes. */
  readonly silentMs?: number;
  readonly maxOutputBytes: number;
  /** Leads its own session, so that helpers of a transport end with it and none can ask on a terminal. */
  readonly ownSession: boolean;
}

export type Collect = (request: CollectRequest) => Promise<Ended>;

const MAX_STDERR_BYTES = 64 * 1024;
const TERM_GRACE_MS = 2_000;
/** How long its pipes may stay open once it has ended: somebody who left its session then holds them. */
const PIPES_GRACE_MS = 5_000;

export type Ended = { readonly stdout: Buffer; readonly stderr: Buffer } & (
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'missing'; readonly text: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'too-much-output' }
);

function notStarted(error: unknown): Ended {
  return { kind: 'missing', text: messageOf(error), stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
}

export function collect(request: CollectRequest): Promise<Ended> {
  const { ownSession } = request;
  return new Promise((resolve) => {
    const child = startOf(request);
    if (child instanceof Error) return resolve(notStarted(child));
    // First of all: it comes also where there are no pipes, since no descriptor was free, and nobody else hears it.
    child.on('error', (error) => finish(notStarted(error)));
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let outBytes = 0;
    let errorBytes = 0;
    let cause: 'timeout' | 'too-much-output' | null = null;
    let killer: NodeJS.Timeout | null = null;
    let closer: NodeJS.Timeout | null = null;

    const kill = (signal: 'SIGTERM' | 'SIGKILL'): void => {
      if (child.pid === undefined) return;
      try {
        if (ownSession) process.kill(-child.pid, signal);
        else child.kill(signal);
      } catch {
        // It has ended already.
      }
    };
    const stop = (why: 'timeout' | 'too-much-output'): void => {
      if (cause !== null) return;
      cause = why;
      // SIGTERM first: git removes its lock files on it, unless it is in a sandbox.
      kill('SIGTERM');
      killer = setTimeout(() => kill('SIGKILL'), TERM_GRACE_MS);
    };
    const timer = setTimeout(() => stop('timeout'), request.timeoutMs);
    const { silentMs } = request;
    const silence = silentMs === undefined ? null : setTimeout(() => stop('timeout'), silentMs);
    const finish = (ended: Ended): void => {
      clearTimeout(timer);
      if (silence !== null) clearTimeout(silence);
      if (killer !== null) clearTimeout(killer);
      if (closer !== null) clearTimeout(closer);
      resolve(ended);
    };

    if (!hasPipes(child)) return;
    child.stdout.on('data', (chunk: Buffer) => {
      silence?.refresh();
      outBytes += chunk.length;
      if (outBytes > request.maxOutputBytes) stop('too-much-output');
      else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      silence?.refresh();
      errors.push(chunk);
      errorBytes += chunk.length;
      while (errorBytes > MAX_STDERR_BYTES && errors.length > 1) errorBytes -= errors.shift()?.length ?? 0;
    });
    // Git may end without reading its input; that shows in its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(request.input);
    child.on('exit', () => {
      closer = setTimeout(() => {
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
      }, PIPES_GRACE_MS);
    });
    child.on('close', (exited, signal) => {
      // As a shell has it: 128 is what git itself exits with, and so may be an answer.
      const code = exited ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      const stdout = Buffer.concat(out);
      const stderr = Buffer.concat(errors);
      finish(cause === null ? { kind: 'exited', code, stdout, stderr } : { kind: cause, stdout, stderr });
    });
  });
}

/** What cannot be started at all is thrown by some reasons (too long a command line), and told as an event by others. */
function startOf({ program, args, cwd, env, ownSession }: CollectRequest): ChildProcess | Error {
  try {
    return spawn(program, args, { cwd, detached: ownSession, ...(env === null ? {} : { env }) });
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}

function hasPipes(child: ChildProcess): child is ChildProcessWithoutNullStreams {
  // Node leaves them undefined, whatever its types say.
  return [child.stdin, child.stdout, child.stderr].every((pipe) => (pipe ?? null) !== null);
}
