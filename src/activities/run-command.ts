/** A shell command of tasks.yaml (set-up, a gate's), run like an agent: contained, capped, with a clean environment. */

import { mkdir } from 'node:fs/promises';
import type { TaskId } from '../core/ids.ts';
import type { ExitResult } from '../process/types.ts';
import type { Dependencies } from './dependencies.ts';

export interface CommandRequest {
  readonly run: string;
  readonly cwd: string;
  readonly purpose: 'setup' | 'gate';
  readonly taskId: TaskId;
  readonly attempt: number;
  /** The log's name: `setup` or `gate:<name>`. */
  readonly stream: string;
  readonly scratch: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export async function runCommand(deps: Dependencies, request: CommandRequest): Promise<ExitResult> {
  const { taskId, attempt, stream, scratch, timeoutMs } = request;
  await mkdir(scratch, { recursive: true });
  const result = await deps.process.run({
    argv: ['/bin/sh', '-c', request.run],
    cwd: request.cwd,
    env: deps.environment({ purpose: request.purpose, agent: null, scratch }),
    tag: `${taskId}/${attempt}/${stream}`,
    outputFile: await deps.spool.logFile(taskId, attempt, stream),
    maxOutputBytes: deps.limits.maxOutputBytes,
    onLine: null,
    idleTimeoutMs: timeoutMs,
    totalTimeoutMs: timeoutMs,
    signal: request.signal,
  });
  await deps.spool.finish(taskId, attempt, stream);
  return result;
}

/** One line that says how a command ended. */
export function describeExit(what: string, exit: ExitResult, timeoutMs: number): string {
  switch (exit.kind) {
    case 'exited':
      return `${what} exited with ${exit.code}`;
    case 'signaled':
      return `${what} was killed by ${exit.signal}`;
    case 'idle-timeout':
    case 'total-timeout':
      return `${what} did not end within ${Math.round(timeoutMs / 1_000)} s`;
    case 'aborted':
      return `${what} was stopped`;
    case 'missing':
    case 'no-space':
      return exit.message;
  }
}
