/** Starts one program and collects what it prints, bounded in time and size. */

import { spawn } from 'node:child_process';

export interface CollectRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; null for what this process has. */
  readonly env: Readonly<Record<string, string>> | null;
  readonly input: string | Buffer;
  readonly timeoutMs: number;
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

export function collect(request: CollectRequest): Promise<Ended> {
  const { ownSession } = request;
  return new Promise((resolve) => {
    const child = spawn(request.program, request.args, {
      cwd: request.cwd,
      detached: ownSession,
      ...(request.env === null ? {} : { env: request.env }),
    });
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
    const finish = (ended: Ended): void => {
      clearTimeout(timer);
      if (killer !== null) clearTimeout(killer);
      if (closer !== null) clearTimeout(closer);
      resolve(ended);
    };

    child.stdout.on('data', (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes > request.maxOutputBytes) stop('too-much-output');
      else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors.push(chunk);
      errorBytes += chunk.length;
      while (errorBytes > MAX_STDERR_BYTES && errors.length > 1) errorBytes -= errors.shift()?.length ?? 0;
    });
    // Git may end without reading its input; that shows in its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(request.input);
    child.on('error', (error) => {
      finish({ kind: 'missing', text: error.message, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
    });
    child.on('exit', () => {
      closer = setTimeout(() => {
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
      }, PIPES_GRACE_MS);
    });
    child.on('close', (code) => {
      const stdout = Buffer.concat(out);
      const stderr = Buffer.concat(errors);
      finish(cause === null ? { kind: 'exited', code: code ?? 128, stdout, stderr } : { kind: cause, stdout, stderr });
    });
  });
}
