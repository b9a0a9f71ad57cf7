/** Runs one git command: bounded in time and output, with an environment that is wholly the engine's. */

import { collect, type Collect } from './collect.ts';

export interface GitOutput {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  /** Makes of git's own command line the one that is started: in a sandbox. */
  readonly within?: (argv: readonly [string, ...string[]]) => readonly [string, ...string[]];
  /** More commands, each run where the first one was when that before it has succeeded: one sandbox for all. */
  readonly andThen?: readonly (readonly string[])[];
  /** The whole environment; what this process has when it is left out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  /** Exit codes that are answers, not faults; 0 always is. */
  readonly accept?: readonly number[];
  readonly timeoutMs?: number;
  /** The longest that it may print nothing; left out: as long as it takes. */
  readonly silentMs?: number;
  readonly maxOutputBytes?: number;
  /** Leads its own session, so that helpers of a transport end with it and none can ask on a terminal. */
  readonly ownSession?: boolean;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_SHOWN_CHARS = 64 * 1024;

/** `broken`: it says that objects of the repository are broken, see broken.ts. */
export type GitErrorReason = 'exit' | 'timeout' | 'missing' | 'too-much-output' | 'broken';

/** A git command that did not do what it should; `stderr` has its last words. */
export class GitError extends Error {
  /** Its name; of several, one after the other, `add && write-tree`. */
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

/** Several commands are for a shell to run; their arguments are no part of its script. */
function commandLine(gitPath: string, commands: readonly (readonly string[])[]): readonly [string, ...string[]] {
  if (commands.length === 1) return [gitPath, ...commands.flat()];
  let parameter = 0;
  const script = commands.map((command) => ['"$0"', ...command.map(() => `"\${${(parameter += 1)}}"`)].join(' '));
  return ['/bin/sh', '-c', script.join(' && '), gitPath, ...commands.flat()];
}

/** What git says after each reason why it could not reach a repository: the reason itself stands above. */
const ADVICE = new Set(['Please make sure you have the correct access rights', 'and the repository exists.']);

/** The last lines of what a command said on standard error, without advice that hides the reason. */
export function lastLines(stderr: string, lines = 4): string {
  return (
    stderr
      .split('\n')
      // Of what is written over again and again, such as how far a fetch is, the last.
      .map((line) => line.trim().split('\r').at(-1)?.trim() ?? '')
      .filter((line) => line !== '' && !ADVICE.has(line))
      .slice(-lines)
      .join('; ')
  );
}

/** Whether git says that a disk is full. */
export function saysNoSpace({ stderr }: GitError): boolean {
  return /No space left on device|Disk quota exceeded/i.test(stderr);
}

/**
 * Runs git to its end.
 *
 * @throws GitError when it cannot be started, takes too long, prints too much, or exits with an unexpected code
 */
export async function runGit(
  gitPath: string,
  args: readonly string[],
  options: RunOptions,
  collectWith: Collect = collect,
): Promise<GitOutput> {
  const commands = [args, ...(options.andThen ?? [])];
  const command = commands.map(commandOf).join(' && ');
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const within = options.within ?? ((argv) => argv);
  const [program, ...given] = within(commandLine(gitPath, commands));
  const ended = await collectWith({
    program,
    args: given,
    cwd: options.cwd,
    env: options.env ?? null,
    input: options.input ?? '',
    timeoutMs,
    ...(options.silentMs === undefined ? {} : { silentMs: options.silentMs }),
    maxOutputBytes: options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    // The shell ends with what it has started.
    ownSession: options.ownSession ?? commands.length > 1,
  });
  const stderr = ended.stderr.toString('utf8');
  const problem = (reason: GitErrorReason, text: string): GitError =>
    new GitError(command, reason, { stderr, stdout: ended.stdout.toString('utf8').slice(0, MAX_SHOWN_CHARS), text });
  switch (ended.kind) {
    case 'missing':
      throw problem('missing', `cannot start ${gitPath}: ${ended.text}`);
    case 'timeout':
      throw problem(
        'timeout',
        options.silentMs === undefined
          ? `was ended after ${timeoutMs} ms`
          : `was ended after ${timeoutMs} ms, or after ${options.silentMs} ms without a word`,
      );
    case 'too-much-output':
      throw problem('too-much-output', 'printed more than the engine takes');
    case 'exited': {
      // A sandbox that could not be made is no answer of git's, whatever it exits with.
      if (ended.code !== 0 && options.within !== undefined && stderr.startsWith('bwrap: '))
        throw new GitError(command, 'missing', {
          stderr: '',
          stdout: '',
          text: `cannot start ${gitPath} in a sandbox: ${lastLines(stderr)}`,
        });
      if (ended.code !== 0 && options.accept?.includes(ended.code) !== true) {
        throw problem('exit', lastLines(stderr) || `exited with ${ended.code}`);
      }
      return { code: ended.code, stdout: ended.stdout, stderr };
    }
  }
}
