/** What a command sees of the outside: passed in, so that the whole program can run inside a test. */

import type { Readable, Writable } from 'node:stream';

export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface CliIo {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by the first Ctrl-C or request to end, when something listens to it; a Ctrl-C after that ends the process. */
  readonly interrupt: AbortSignal;
  /** Does what is done for many tasks to its end, though whoever reads the output may go. */
  readonly wholly?: <T>(body: () => Promise<T>) => Promise<T>;
  readonly programs: Programs;
}

/** How this very program is started again, for the background, and where its other parts are. */
export interface Programs {
  readonly self: readonly [string, ...string[]];
  readonly worker: readonly [string, ...string[]];
  readonly version: string;
  /** The build that lies on the disk at this moment, null where nothing was built. */
  readonly build: () => string | null;
}

/** How many columns a terminal has; one that does not know, and says 0, is taken for a usual one. */
export function columnsOf(output: Output): number {
  const { columns } = output;
  return columns === undefined || columns <= 0 ? 80 : columns;
}

/** How many rows a terminal has. */
export function rowsOf(output: Output): number {
  const { rows } = output;
  return rows === undefined || rows <= 0 ? 24 : rows;
}

/** All of a stream as bytes, at most so many; null when there are more. */
export async function readAll(stream: Readable, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += part.length;
    if (bytes > maxBytes) return null;
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}
