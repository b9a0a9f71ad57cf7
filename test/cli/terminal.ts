/** The command line at a terminal: a person who types when something is asked, and what the screen showed. */

import { PassThrough } from 'node:stream';
import type { Output } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/main.ts';
import type { CliPlace } from './rig.ts';

export interface Typed {
  /** What the screen shows when it is typed, once. */
  readonly at: RegExp;
  /** A line; null ends the input, as Ctrl-D does. */
  readonly line: string | null;
  /** What happens before. */
  readonly before?: () => Promise<void>;
}

export interface TerminalRun {
  readonly code: number;
  /** Standard error, where people are asked. */
  readonly asked: string;
  readonly stdout: string;
}

/** Runs a command to its end, or until it is interrupted; each line is typed when its prompt is seen, in their order. */
export async function atTerminal(
  place: CliPlace,
  argv: readonly string[],
  typed: readonly Typed[],
  options: { readonly interrupt?: AbortSignal; readonly onStdout?: (text: string) => void } = {},
): Promise<TerminalRun> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const left = [...typed];
  let unseen = '';
  const stderr = screen((text) => {
    unseen += text;
    const [next] = left;
    if (next === undefined || !next.at.test(unseen)) return;
    left.shift();
    unseen = '';
    void type(next);
  });
  const type = async ({ line, before }: Typed): Promise<void> => {
    await before?.();
    if (line === null) stdin.end();
    else stdin.write(`${line}\n`);
  };
  const stdout = screen(options.onStdout);
  const code = await runCli(argv, {
    cwd: place.cwd,
    env: { ...place.env, NO_COLOR: '1' },
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    interrupt: options.interrupt ?? new AbortController().signal,
    programs: {
      self: [process.execPath, 'none'],
      worker: [process.execPath, 'none'],
      version: '0.0.0',
      build: () => null,
    },
  });
  return { code, asked: stderr.text(), stdout: stdout.text() };
}

function screen(tell?: (text: string) => void): { readonly stream: Output; text(): string } {
  const parts: string[] = [];
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 30 });
  stream.on('data', (part: Buffer) => {
    parts.push(part.toString('utf8'));
    tell?.(part.toString('utf8'));
  });
  return { stream, text: () => parts.join('') };
}
