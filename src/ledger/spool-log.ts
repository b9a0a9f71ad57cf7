/**
 * One log file of the spool: how much of it was shipped, and what is to be shipped next.
 *
 * Keeps true: a byte is shipped in the same chunk however often it is sent, so that the ledger can tell that it has it.
 * Of a growing file the range about to be sent is written down beside it first (`.sent`) and sent again, unchanged,
 * until it is confirmed. A finished file does not change, and is cut at the same places each time.
 */

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTaskId, type TaskId } from '../core/ids.ts';
import { wholeCharacters } from './bounds.ts';
import { ignoring, writeWhole } from './spool-folder.ts';
import type { LogChunk } from './types.ts';

const MAX_CHUNK_BYTES = 64 * 1024;
const MAX_STREAM_CHARS = 120;
const LOG_NAME = /^([^.]+)\.(\d+)\.(\d+)\.(.+)\.log$/;
const NOTE = /^\{"sent":(\d+),"sending":(\d+)\}$/;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export interface LogName {
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly run: number;
  readonly stream: string;
}

type Advance =
  /** To be sent; `confirm` when they were. */
  | {
      readonly kind: 'chunks';
      readonly chunks: readonly LogChunk[];
      readonly bytes: number;
      readonly confirm: () => void;
    }
  /** All that is there was shipped, and more may come. */
  | { readonly kind: 'nothing-new' }
  /** The file was finished and shipped, and is gone. */
  | { readonly kind: 'done' };

export interface SpoolLog {
  readonly name: LogName;
  readonly path: string;
  finished: boolean;
  /** What is to be sent next: whole chunks, of at most about `maxBytes` and one chunk. */
  advance(maxBytes: number): Promise<Advance>;
}

/** A file name's log, or null when the file is no log. */
export function parseLogName(fileName: string): LogName | null {
  const [, task = '', attempt, run, stream = ''] = LOG_NAME.exec(fileName) ?? [];
  const taskId = parseTaskId(task);
  return taskId.kind === 'ok'
    ? { taskId: taskId.value, attempt: Number(attempt), run: Number(run), stream: decodeURIComponent(stream) }
    : null;
}

function logFileName({ taskId, attempt, run, stream }: LogName): string {
  return `${taskId}.${attempt}.${run}.${encodeURIComponent(stream)}.log`;
}

/** The stream's name, short enough to be part of a file's. */
export function shortStream(stream: string): string {
  const whole = stream.replace(/\p{Cs}/gu, '\ufffd');
  if (encodeURIComponent(whole).length <= MAX_STREAM_CHARS) return whole;
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 8);
  return `${encodeURIComponent(whole).slice(0, 60).replaceAll('%', '_')}~${hash}`;
}

/** A log that somebody is about to write, or one that was left (`adopted`) and grows no more. */
export async function openSpoolLog(folder: string, name: LogName, adopted: boolean): Promise<SpoolLog> {
  const path = join(folder, logFileName(name));
  const notePath = `${path}.sent`;
  let { sent, sending } = adopted ? await readNote(notePath) : { sent: 0, sending: 0 };
  let noted = sending > 0;

  const log: SpoolLog = {
    name,
    path,
    finished: adopted,
    async advance(maxBytes) {
      // Read before the file is: what comes in between is then seen the next time.
      const { finished } = log;
      const file = await ignoring('ENOENT', () => openSync(path, 'r'));
      if (file === null) return finished ? remove() : { kind: 'nothing-new' };
      try {
        const { size } = fstatSync(file);
        if (sending === sent) {
          if (sent >= size) return finished ? remove() : { kind: 'nothing-new' };
          sending = nextEnd(file, { sent, size, finished, maxBytes });
          if (sending === sent) return { kind: 'nothing-new' };
          if (!finished) {
            noted = true;
            await writeWhole(notePath, JSON.stringify({ sent, sending }));
          }
        }
        const bytes = readRange(file, sent, sending);
        return {
          kind: 'chunks',
          chunks: chunksOf(name, sent, bytes),
          bytes: bytes.length,
          confirm: () => {
            sent = sending;
          },
        };
      } finally {
        closeSync(file);
      }
    },
  };
  return log;

  function remove(): Advance {
    rmSync(path, { force: true });
    if (noted) rmSync(notePath, { force: true });
    return { kind: 'done' };
  }
}

interface Extent {
  readonly sent: number;
  readonly size: number;
  readonly finished: boolean;
  readonly maxBytes: number;
}

/** How far to send: to the end of the file, or of as many whole chunks as fit; a growing file's last character may be half there. */
function nextEnd(file: number, { sent, size, finished, maxBytes }: Extent): number {
  const bytes = readRange(file, sent, Math.min(size, sent + Math.max(maxBytes, 2 * MAX_CHUNK_BYTES)));
  const atEnd = sent + bytes.length >= size;
  if (atEnd) return sent + (finished ? bytes.length : wholeCharacters(bytes, 0, bytes.length));
  let end = 0;
  for (const cut of cutsOf(bytes)) if (cut < bytes.length) end = cut;
  return sent + end;
}

/** Where the chunks of these bytes end. */
function cutsOf(bytes: Uint8Array): readonly number[] {
  const cuts: number[] = [];
  for (let start = 0; start < bytes.length;) {
    const full = start + MAX_CHUNK_BYTES;
    start = full >= bytes.length ? bytes.length : wholeCharacters(bytes, start, full);
    cuts.push(start);
  }
  return cuts;
}

function chunksOf(name: LogName, offset: number, bytes: Uint8Array): readonly LogChunk[] {
  const at = new Date().toISOString();
  let start = 0;
  return cutsOf(bytes).map((end) => {
    const chunk = { ...name, offset: offset + start, text: decoder.decode(bytes.subarray(start, end)), at };
    start = end;
    return chunk;
  });
}

function readRange(file: number, start: number, end: number): Uint8Array {
  const buffer = Buffer.alloc(end - start);
  let filled = 0;
  while (filled < buffer.length) {
    const bytesRead = readSync(file, buffer, filled, buffer.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function readNote(path: string): Promise<{ sent: number; sending: number }> {
  const text = await ignoring('ENOENT', () => readFile(path, 'utf8'));
  // An empty or torn note is what a power cut leaves; then the file is sent from its beginning.
  const [, sent, sending] = NOTE.exec(text ?? '') ?? [];
  return { sent: Number(sent ?? 0), sending: Number(sending ?? 0) };
}
