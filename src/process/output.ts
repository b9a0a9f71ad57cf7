/**
 * The output file of one run. It owns the file while the run lasts.
 *
 * Kept true: the file never grows beyond the cap and one line; its first half stands in the file as soon as it was
 * printed, for followers; of the rest the last half is kept in memory until the end. The bytes are the process's own:
 * whoever shows them decodes them.
 *
 * Writes are synchronous: they are bounded by the cap, they go to the page cache, they keep both streams in the order
 * of their arrival, and a full disk is known at once.
 */

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

import { printable } from '../core/text.ts';

const TAIL_BYTES = 16 * 1024;

export interface OutputFile {
  readonly bytes: number;
  readonly truncated: boolean;
  /** @throws ENOSPC and what else writing a file throws */
  write(chunk: Buffer): void;
  /** Writes the kept tail. @throws as write does */
  finish(): void;
  /** The last 16 KiB of the file, decoded and printable. */
  tail(): string;
  close(): void;
}

/** Opens the file anew. @throws what opening a file throws */
export function openOutputFile(path: string, maxBytes: number): OutputFile {
  const descriptor = openSync(path, 'w+', 0o600);
  const half = Math.max(1, Math.floor(maxBytes / 2));
  const ring = createRing(half);
  let bytes = 0;
  let headBytes = 0;

  return {
    get bytes() {
      return bytes;
    },
    get truncated() {
      return bytes > half * 2;
    },
    write(chunk) {
      bytes += chunk.length;
      const head = chunk.subarray(0, half - headBytes);
      if (head.length > 0) {
        writeAll(descriptor, head);
        headBytes += head.length;
      }
      if (head.length < chunk.length) ring.push(chunk.subarray(head.length));
    },
    finish() {
      if (bytes <= headBytes) return;
      const kept = ring.read();
      const cut = bytes - headBytes - kept.length;
      if (cut > 0) writeAll(descriptor, Buffer.from(`\n[… ${cut} bytes cut …]\n`));
      writeAll(descriptor, kept);
    },
    tail() {
      if (bytes === 0) return '';
      const { size } = fstatSync(descriptor);
      const buffer = Buffer.alloc(Math.min(TAIL_BYTES, size));
      const read = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
      return printable(wholeCharacters(buffer.subarray(0, read), size > buffer.length).toString('utf8'));
    },
    close() {
      closeSync(descriptor);
    },
  };
}

/** The last bytes of what was pushed; the memory is taken with the first push. */
function createRing(capacity: number): { push(chunk: Buffer): void; read(): Buffer } {
  let buffer: Buffer | null = null;
  let at = 0;
  let filled = 0;
  return {
    push(chunk) {
      buffer ??= Buffer.allocUnsafe(capacity);
      const part = chunk.subarray(Math.max(0, chunk.length - capacity));
      const first = part.copy(buffer, at);
      if (first < part.length) part.copy(buffer, 0, first);
      at = (at + part.length) % capacity;
      filled = Math.min(capacity, filled + part.length);
    },
    read() {
      if (buffer === null) return Buffer.alloc(0);
      if (filled < capacity) return buffer.subarray(0, filled);
      return Buffer.concat([buffer.subarray(at), buffer.subarray(0, at)]);
    },
  };
}

function writeAll(descriptor: number, data: Buffer): void {
  for (let from = 0; from < data.length;) from += writeSync(descriptor, data, from);
}

/** Without the rest of a character that the cut went through. */
function wholeCharacters(buffer: Buffer, cut: boolean): Buffer {
  if (!cut) return buffer;
  let from = 0;
  while (from < 3 && ((buffer[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return buffer.subarray(from);
}
