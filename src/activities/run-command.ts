/** A shell command of tasks.yaml (set-up, a gate's), run like an agent: contained, capped, with a clean environment. */

import { mkdirSync } from 'node:fs';
import type { TaskId } from '../core/ids.ts';
import type { Secret } from '../core/secrets.ts';
import { portVariables, type PortRange } from '../core/ports.ts';
import { oneLine } from '../core/text.ts';
import type { ExitResult, Sandbox } from '../process/types.ts';
import { filledBy } from './confine.ts';
import { runLimits, type Dependencies } from './dependencies.ts';
import { appendToLog, endOf, NOTHING_REFUSED, refusedTo, withRefused, type Refused } from './refused.ts';
import { withLog } from './run-log.ts';

type CommandDependencies = Pick<Dependencies, 'environment' | 'limits' | 'process' | 'secretsFor' | 'spool'>;

export interface CommandRequest {
  readonly run: string;
  readonly cwd: string;
  readonly purpose: 'setup' | 'gate';
  readonly taskId: TaskId;
  readonly attempt: number;
  /** The log's name: `setup` or `gate:<name>`. */
  readonly stream: string;
  readonly scratch: string;
  /** To be taken out of what it prints, beside the host's own; left out: none. */
  readonly secrets?: readonly Secret[];
  /** Null: none of its own. */
  readonly ports: PortRange | null;
  /** Null: without one. */
  readonly sandbox: Sandbox | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** What its log ends with, on a line of its own; left out: with what it has printed. */
  readonly closing?: (exit: CommandExit, ms: number) => Promise<string>;
}

export type CommandExit = ExitResult & {
  /** What it wanted to reach and was refused, and why, where it failed; its tail ends with that. */
  readonly refused: Refused;
};

export async function runCommand(deps: CommandDependencies, request: CommandRequest): Promise<CommandExit> {
  mkdirSync(request.scratch, { recursive: true });
  return withLog(deps, request, (outputFile) => runInto(deps, request, outputFile));
}

async function runInto(deps: CommandDependencies, request: CommandRequest, outputFile: string): Promise<CommandExit> {
  const { taskId, attempt, stream, scratch, timeoutMs, sandbox } = request;
  const beganMs = performance.now();
  const granted = await deps.secretsFor(null);
  const secrets = [...(granted.kind === 'ok' ? granted.value.secrets : []), ...(request.secrets ?? [])];
  const exit = await deps.process.run({
    argv: ['/bin/sh', '-c', request.run],
    cwd: request.cwd,
    env: {
      ...deps.environment({ purpose: request.purpose, agent: null, scratch, confined: sandbox !== null }),
      ...portVariables(request.ports, request.purpose),
    },
    sandbox,
    secrets,
    tag: `${taskId}/${attempt}/${stream}`,
    outputFile,
    maxOutputBytes: deps.limits.maxOutputBytes,
    onLine: null,
    limits: runLimits(deps, filledBy([request.cwd, scratch], sandbox)),
    idleTimeoutMs: timeoutMs,
    totalTimeoutMs: timeoutMs,
    signal: request.signal,
  });
  const isFailed = exit.kind !== 'exited' || exit.code !== 0;
  const refused = isFailed ? refusedTo(deps, sandbox, { sinceMs: beganMs, secrets }) : NOTHING_REFUSED;
  const tail = withRefused(exit.tail, refused);
  const result = { ...exit, tail, refused };
  const closing = request.closing === undefined ? null : await request.closing(result, performance.now() - beganMs);
  const lines = `${tail.slice(exit.tail.length)}${closing === null ? '' : `${endOf(tail)}${closing}\n`}`;
  await appendToLog(outputFile, lines);
  return result;
}

/** What a shell exits with when it cannot start a program. */
const CANNOT_START: Readonly<Record<number, string>> = {
  126: 'a program cannot be run',
  127: 'a program is missing',
};
/** How shells and env say it; the program's name is in the line. */
const SAYS_SO = /not found|no such file|permission denied|cannot execute|exec format error/i;
const MAX_SAID_CHARS = 200;

/** One line that says how a command ended on this host. */
export function describeExit(what: string, exit: ExitResult, timeoutMs: number, hostId: string): string {
  switch (exit.kind) {
    case 'exited': {
      const cannot = CANNOT_START[exit.code];
      if (cannot === undefined) return `${what} exited with ${exit.code}`;
      const said = exit.tail.split('\n').findLast((line) => SAYS_SO.test(line));
      const named = said === undefined ? '' : ` (${oneLine(said, MAX_SAID_CHARS)})`;
      return `${what} exited with ${exit.code}: ${cannot} on host ${hostId}${named}`;
    }
    case 'signaled':
      return `${what} was killed by ${exit.signal}`;
    case 'idle-timeout':
    case 'total-timeout':
      return `${what} did not end within ${Math.round(timeoutMs / 1_000)} s`;
    case 'aborted':
      return `${what} was stopped`;
    case 'over-limit':
      return `${what} was ended: ${exit.message} (limits: in host.yaml)`;
    case 'missing':
    case 'no-space':
      return exit.message;
  }
}
