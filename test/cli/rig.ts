/** The command line inside a test: its own streams, environment and folder, and what it printed. */

import { PassThrough, Readable } from 'node:stream';
import { runCli } from '../../src/cli/main.ts';
import type { CliIo, Output } from '../../src/cli/io.ts';

export interface CliPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON lines. */
  json<T>(): T[];
}

export interface CliOptions {
  readonly stdin?: string | Buffer;
  readonly interrupt?: AbortSignal;
  /** The worker's program. */
  readonly worker?: readonly [string, ...string[]];
  /** The build that this command is of. */
  readonly build?: string;
  /** Told of standard error as it comes. */
  readonly onStderr?: (text: string) => void;
  /** Told of standard output as it comes. */
  readonly onStdout?: (text: string) => void;
}

/** An environment in which nothing but what is named is set: PATH, a home of its own, a person for git. */
export function cliEnvironment(home: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TASKS_HOME: `${home}/state`,
    GIT_CONFIG_NOSYSTEM: '1',
    TASKS_ACTOR: 'Ada',
    ...more,
  };
}

/** Runs a command to its end. */
export async function cli(place: CliPlace, argv: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const stdout = capture(options.onStdout);
  const stderr = capture(options.onStderr);
  const code = await runCli(argv, {
    ...cliIo(place, options),
    stdout: stdout.stream,
    stderr: stderr.stream,
  });
  return {
    code,
    stdout: stdout.text(),
    stderr: stderr.text(),
    json: <T>() =>
      stdout
        .text()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as T),
  };
}

/** What a command sees of the outside, its output thrown away. */
export function cliIo(place: CliPlace, options: CliOptions = {}): CliIo {
  return {
    cwd: place.cwd,
    env: place.env,
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    stdout: new PassThrough().resume(),
    stderr: new PassThrough().resume(),
    interrupt: options.interrupt ?? new AbortController().signal,
    programs: {
      self: [process.execPath, 'none'],
      worker: options.worker ?? [process.execPath, 'none'],
      version: '0.0.0',
      build: () => options.build ?? null,
    },
  };
}

function capture(tell?: (text: string) => void): { readonly stream: Output; text(): string } {
  const parts: Buffer[] = [];
  const stream = new PassThrough();
  stream.on('data', (part: Buffer) => {
    parts.push(part);
    tell?.(part.toString('utf8'));
  });
  return { stream, text: () => Buffer.concat(parts).toString('utf8') };
}
