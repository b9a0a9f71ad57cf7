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
  /** Aborted by the first Ctrl-C, or a request to end. */
  readonly interrupt: AbortSignal;
  /** Aborted by the second one. */
  readonly kill: AbortSignal;
  /** Says that the command ends by itself after an interrupt, however long it takes. */
  holdInterrupt(): void;
  readonly programs: Programs;
}

/** How this very program is started again, for the background, and where its other parts are. */
export interface Programs {
  readonly self: readonly [string, ...string[]];
  readonly worker: readonly [string, ...string[]];
  readonly version: string;
  /** The folder with the go.mod that pins Temporal. */
  readonly infraTemporal: string;
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
