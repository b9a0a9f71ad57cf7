/** What a task printed, from the ledger, where it is written while the agent runs. */

import { setTimeout as pause } from 'node:timers/promises';
import { isEnd } from '../../core/task-types.ts';
import { printable } from '../../core/text.ts';
import type { LedgerReader, LogChunk } from '../../ledger/types.ts';
import { LedgerUnavailable } from '../../ledger/types.ts';
import type { TaskId } from '../../core/ids.ts';
import { EXIT, UsageError } from '../errors.ts';
import { requireKnown } from '../known.ts';
import { resolveId } from '../resolve-id.ts';
import type { Session } from '../session.ts';

const PAGE = 200;
const FOLLOW_EVERY_MS = 300;

export interface LogsOptions {
  readonly json?: true;
  readonly follow?: true;
  readonly attempt?: number;
}

/** `tasks logs`. */
export async function logs(session: Session, options: LogsOptions, args: readonly string[]): Promise<number> {
  const id = await resolveId(session, args[0] ?? '');
  const ledger = await session.needLedger();
  const writer = new LogWriter(session, options.attempt ?? null);
  if (options.follow !== true) {
    await copy(ledger, id, null, writer);
    if (writer.written === 0) await explainNothing(session, id, options.attempt ?? null);
    return EXIT.ok;
  }
  await requireKnown(session, id);
  const isOver = await follow(session, ledger, id, writer);
  return isOver ? EXIT.ok : EXIT.interrupted;
}

/** Everything after a cursor; the new cursor. */
async function copy(ledger: LedgerReader, id: TaskId, after: string | null, writer: LogWriter): Promise<string | null> {
  let cursor = after;
  for (;;) {
    const chunks = await ledger.readLogs(id, cursor, PAGE);
    for (const chunk of chunks) await writer.write(chunk);
    cursor = chunks.at(-1)?.cursor ?? cursor;
    if (chunks.length < PAGE) return cursor;
  }
}

/** Until the task has ended and all that it printed is copied; a ledger that goes away is waited for. False: interrupted before. */
async function follow(session: Session, ledger: LedgerReader, id: TaskId, writer: LogWriter): Promise<boolean> {
  const { interrupt } = session.io;
  let cursor: string | null = null;
  while (!interrupt.aborted) {
    try {
      // The state first: what was written before the end is then read after it.
      const view = await ledger.readTask(id);
      cursor = await copy(ledger, id, cursor, writer);
      if (view !== null && isEnd(view.state)) return true;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      session.noteOnce(`tasks: ${error.message}; waiting for it`);
    }
    await pause(FOLLOW_EVERY_MS, undefined, { signal: interrupt }).catch(() => undefined);
  }
  return false;
}

/** @throws UsageError when there has been no such attempt */
async function explainNothing(session: Session, id: TaskId, wanted: number | null): Promise<void> {
  const { state, attempt } = await requireKnown(session, id);
  if (attempt === 0) return session.note(`${id} has not begun${isEnd(state) ? '' : ' yet'}`);
  if (wanted !== null && wanted > attempt) {
    throw new UsageError(`--attempt: ${id} has had no attempt ${wanted}; its last one is ${attempt}`);
  }
  session.note(
    `${wanted === null ? id : `attempt ${wanted} of ${id}`} has printed nothing${isEnd(state) ? '' : ' yet'}`,
  );
}

/** Writes chunks, with a heading where the attempt, the stream or its run changes. */
class LogWriter {
  readonly #session: Session;
  readonly #attempt: number | null;
  #heading = '';
  /** Of each attempt and stream the runs, in their order, and when each began. */
  readonly #runs = new Map<string, Map<number, string>>();
  #atLineStart = true;
  written = 0;

  constructor(session: Session, attempt: number | null) {
    this.#session = session;
    this.#attempt = attempt;
  }

  /** Which run of its stream it is, and when that began: a gate may run more than once for one attempt. */
  #runOf({ attempt, stream, run = 0, at }: LogChunk): string {
    const key = `${attempt} ${stream}`;
    const runs = this.#runs.get(key) ?? new Map<number, string>();
    this.#runs.set(key, runs);
    // Of one without a number no more is known than when its first chunk came.
    const began = runs.get(run) ?? (run === 0 ? at : new Date(run).toISOString());
    runs.set(run, began);
    const number = [...runs.keys()].indexOf(run) + 1;
    if (number === 1 && !stream.startsWith('gate:')) return '';
    return ` · run ${number}, ${began.replace(/\.\d+Z$/, 'Z')}`;
  }

  async write(chunk: LogChunk & { readonly cursor: string }): Promise<void> {
    if (this.#attempt !== null && chunk.attempt !== this.#attempt) return;
    this.written += 1;
    const { io, palette } = this.#session;
    if (this.#session.json) {
      const { taskId, attempt, stream, run = 0, offset, text, at } = chunk;
      return this.#session.printJson({ id: taskId, attempt, stream, run, offset, text, at });
    }
    const heading = `── attempt ${chunk.attempt} · ${chunk.stream}${this.#runOf(chunk)}`;
    let text = '';
    if (heading !== this.#heading) {
      text += `${this.#atLineStart ? '' : '\n'}${palette.dim(heading)}\n`;
      this.#heading = heading;
    }
    const body = printable(chunk.text);
    text += body;
    this.#atLineStart = body.endsWith('\n');
    if (!io.stdout.write(text)) await drained(io.stdout);
  }
}

/** A pipe that is read slowly holds the reading of the ledger back; one that is closed does not. */
function drained(stream: NodeJS.WritableStream & { readonly destroyed?: boolean }): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed === true) return resolve();
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      stream.off('error', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
    stream.once('error', done);
  });
}
