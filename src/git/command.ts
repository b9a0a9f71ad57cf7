/** Runs one git command: bounded in time and output, with an environment that is wholly the engine's. */

import { spawn } from 'node:child_process';

export interface GitOutput {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  /** The whole environment; what this process has when it is left out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  /** Exit codes that are answers, not faults; 0 always is. */
  readonly accept?: readonly number[];
  readonly timeoutMs?: number;
  readonly maxOutputBytes?: number;
  /** Leads its own session, so that helpers of a transport end with it and none can ask on a terminal. */
  readonly ownSession?: boolean;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_STDERR_BYTES = 64 * 1024;
const TERM_GRACE_MS = 2_000;

export type GitErrorReason = 'exit' | 'timeout' | 'missing' | 'too-much-output';

/** A git command that did not do what it should; `stderr` has its last words. */
export class GitError extends Error {
  readonly command: string;
  readonly reason: GitErrorReason;
  readonly stderr: string;
  readonly stdout: string;

  constructor(command: string, reason: GitErrorReason, output: { stderr: string; stdout: string; text: string }) {
    super(`git ${command}: ${output.text}`);
    this.name = 'GitError';
    this.command = command;
    this.reason = reason;
    this.stderr = output.stderr;
    this.stdout = output.stdout;
  }
}

/** Which of git's commands the arguments name, behind git's own options. */
function commandOf(args: readonly string[]): string {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '-c') at += 1;
    else if (!arg.startsWith('-')) return arg;
  }
  return 'git';
}

/** The last lines of what a command said on standard error. */
export function lastLines(stderr: string, lines = 4): string {
  return stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-lines)
    .join('; ');
}

/**
 * Runs git to its end.
 *
 * @throws GitError when it cannot be started, takes too long, prints too much, or exits with an unexpected code
 */
export async function runGit(gitPath: string, args: readonly string[], options: RunOptions): Promise<GitOutput> {
  const command = commandOf(args);
  const ended = await collect(gitPath, args, options);
  const stderr = ended.stderr.toString('utf8');
  const problem = (reason: GitErrorReason, text: string): GitError =>
    new GitError(command, reason, { stderr, stdout: ended.stdout.toString('utf8').slice(0, MAX_STDERR_BYTES), text });
  switch (ended.kind) {
    case 'missing':
      throw problem('missing', `cannot start ${gitPath}: ${ended.text}`);
    case 'timeout':
      throw problem('timeout', `was ended after ${options.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms`);
    case 'too-much-output':
      throw problem('too-much-output', 'printed more than the engine takes');
    case 'exited': {
      if (ended.code !== 0 && options.accept?.includes(ended.code) !== true) {
        throw problem('exit', lastLines(stderr) || `exited with ${ended.code}`);
      }
      return { code: ended.code, stdout: ended.stdout, stderr };
    }
  }
}

type Ended = { readonly stdout: Buffer; readonly stderr: Buffer } & (
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'missing'; readonly text: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'too-much-output' }
);

function collect(gitPath: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const ownSession = options.ownSession ?? false;
  return new Promise((resolve) => {
    const child = spawn(gitPath, args, {
      cwd: options.cwd,
      detached: ownSession,
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let outBytes = 0;
    let errorBytes = 0;
    let cause: 'timeout' | 'too-much-output' | null = null;
    let killer: NodeJS.Timeout | null = null;

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
      // SIGTERM first: git removes its lock files on it.
      kill('SIGTERM');
      killer = setTimeout(() => kill('SIGKILL'), TERM_GRACE_MS);
    };
    const timer = setTimeout(() => stop('timeout'), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const finish = (ended: Ended): void => {
      clearTimeout(timer);
      if (killer !== null) clearTimeout(killer);
      resolve(ended);
    };

    child.stdout.on('data', (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes > (options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES)) stop('too-much-output');
      else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors.push(chunk);
      errorBytes += chunk.length;
      while (errorBytes > MAX_STDERR_BYTES && errors.length > 1) errorBytes -= errors.shift()?.length ?? 0;
    });
    // Git may end without reading its input; that shows in its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => {
      finish({ kind: 'missing', text: error.message, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
    });
    child.on('close', (code) => {
      const stdout = Buffer.concat(out);
      const stderr = Buffer.concat(errors);
      finish(cause === null ? { kind: 'exited', code: code ?? 128, stdout, stderr } : { kind: cause, stdout, stderr });
    });
  });
}
