/**
 * Pipes for what a process prints. Node gives its children sockets, which a script cannot open by name: `echo x
 * >/dev/stderr`, common in build scripts, would fail under the engine alone.
 *
 * It owns nameless FIFOs, kept open and used again by later runs. Kept true: one is used again only when its reader
 * saw the end, so nobody holds it and nothing is left in it. Where it cannot be done (no Linux, no mkfifo) there are
 * none, and Node's own are used.
 */

import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

const MKFIFO_LIMIT_MS = 5_000;
/** More than this many runs at once, two streams each, are not expected to come again. */
const MAX_KEPT = 64;

export interface OutputPipe {
  readonly reader: Readable;
  /** To be given to the child. */
  readonly writer: number;
  /** Where another process of this user can open the writing end, as long as it is open here. */
  readonly writerPath: string;
  /** Closes the writing end here, once the child has it: ours would keep the reader from seeing the end. */
  closeWriter(): void;
  /** Gives the pipe back, once its reader is closed. */
  release(): void;
}

export interface PipePool {
  /** Null where there are none. */
  take(): Promise<OutputPipe | null>;
}

/** A pool that makes its FIFOs in the folder. */
export function createPipePool(folder: string): PipePool {
  const free: number[] = [];
  let made = 0;
  let works = process.platform === 'linux';
  let hasWorked = false;
  return {
    async take() {
      const kept = free.pop();
      if (kept === undefined && !works) return null;
      try {
        if (kept !== undefined) return openPipe(kept, free);
        made += 1;
        const keeper = await makeFifo(folder, `${process.pid}-${made}.fifo`);
        hasWorked = true;
        return openPipe(keeper, free);
      } catch {
        // No reason not to run: without them the names /dev/stdout and /dev/stderr are lost, the starter, which cannot reach
        // Node's own, and with it what control groups hold a tree to.
        // What has worked before is tried again: no descriptor was free, say.
        works = hasWorked;
        return null;
      }
    },
  };
}

/** @returns a descriptor that keeps the FIFO, whose name is gone again: a kill leaves nothing behind */
async function makeFifo(folder: string, name: string): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  await promisify(execFile)('mkfifo', ['-m', '600', '--', path], { timeout: MKFIFO_LIMIT_MS });
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } finally {
    unlinkSync(path);
  }
}

/** Both ends; when one cannot be opened nothing stays open. */
function openBoth(keeper: number): readonly [reader: number, writer: number] {
  const path = `/proc/self/fd/${keeper}`;
  const opened: number[] = [keeper];
  try {
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    opened.push(reader);
    return [reader, openSync(path, constants.O_WRONLY)];
  } catch (error) {
    for (const each of opened) closeSync(each);
    throw error;
  }
}

function openPipe(keeper: number, free: number[]): OutputPipe {
  const [readEnd, writer] = openBoth(keeper);
  const reader = new Socket({ fd: readEnd, readable: true, writable: false });
  let ended = false;
  reader.once('end', () => {
    ended = true;
  });
  let open = true;
  const closeWriter = (): void => {
    if (open) closeSync(writer);
    open = false;
  };
  return {
    reader,
    writer,
    writerPath: `/proc/${process.pid}/fd/${writer}`,
    closeWriter,
    release() {
      closeWriter();
      if (ended && free.length < MAX_KEPT) free.push(keeper);
      else closeSync(keeper);
    },
  };
}
