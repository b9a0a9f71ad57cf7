/**
 * What a host has for the ledger and the ledger does not have yet: logs while they grow, artifacts, verdicts, when
 * attempts began.
 *
 * Owns a folder below the home's `spool`, the loop that ships it, and the list of what is in it. Keeps true: what was
 * put here is shipped once, in spite of restarts, kills and a ledger that is away (N9 leaves logs and artifacts with the
 * ledger alone), and is deleted only when the ledger has confirmed it (N8); one pass ships at a time; a ledger that is
 * away is asked again after a back-off, by one request.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../core/ids.ts';
import { backoffMs, type BackoffPolicy } from '../core/retry.ts';
import { headOf, MAX_ARTIFACT_BYTES } from './bounds.ts';
import { collectArtifacts } from './collect-artifacts.ts';
import type { Flake } from './flakes.ts';
import { takeSpoolFolder } from './spool-folder.ts';
import { openSpoolLog, parseLogName, shortStream, type SpoolLog } from './spool-log.ts';
import { parseRowsName, saveRows, shipRows, writeRows, type Begun, type Rows, type SpoolRows } from './spool-rows.ts';
import { LedgerUnavailable, type LedgerWriter, type LogChunk } from './types.ts';
import type { Verdict } from './verdicts.ts';

const MAX_BATCH_BYTES = 1024 * 1024;
/** While the ledger is away the loop's pause doubles, up to so many times itself. */
const MAX_PAUSES = 32;

export interface SpoolOptions {
  /** `<home>/spool`; made when it is not there. */
  readonly folder: string;
  readonly ledger: Pick<LedgerWriter, 'appendLogs' | 'saveArtifacts' | 'saveVerdict' | 'saveFlake' | 'beginAttempt'>;
  /** Between two looks at growing files. */
  readonly intervalMs: number;
  /** Told when the ledger goes away and when it is back, and what it refused. */
  readonly log?: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** `shipped`: the ledger has all that was there when it was asked for; `kept`: the ledger is away, the spool has it. */
type Shipped = 'shipped' | 'kept';

export interface Spool {
  /** The file to write one run's output to; every call is a new run, and ends the one before of the same stream. */
  logFile(taskId: TaskId, attempt: number, stream: string): Promise<string>;
  /** The run is over: its file will not change. */
  finish(taskId: TaskId, attempt: number, stream: string): Promise<void>;
  /** Keeps what an attempt left in its task folder; returns when that is on this host's disk. */
  addArtifacts(taskId: TaskId, attempt: number, taskFolder: string, redact?: (text: string) => string): Promise<void>;
  /** Keeps a text of the engine's own beside them; more than an artifact may have is cut off. */
  addText(taskId: TaskId, attempt: number, name: string, text: string): Promise<void>;
  /** Keeps a verdict that the ledger did not take; returns when that is on this host's disk. */
  addVerdict(verdict: Verdict): Promise<void>;
  /** Keeps the mark of an attempt's begin that the ledger did not take; returns when that is on this host's disk. */
  addBegun(begun: Begun): Promise<void>;
  /** Keeps tests that were red and then green on one tree; returns when that is on this host's disk. */
  addFlakes(flakes: readonly Flake[]): Promise<void>;
  /** Ships at once what is there of a task; `kept` without a try while the ledger is known to be away. */
  flush(taskId: TaskId): Promise<Shipped>;
  /** Ships what is there, for so long, and closes the spool; the next one of this home goes on with what is left. */
  drain(timeoutMs: number): Promise<Shipped>;
}

const YES_OR_NO = [() => true, () => false] as const;

/** Takes over what dead workers of the home have left, and begins to ship. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const folder = await takeSpoolFolder(options.folder);
  const shipper = new Shipper(options);
  for (const fileName of folder.adopted) {
    if (isStray(fileName, folder.adopted)) await rm(join(folder.path, fileName), { force: true });
    const name = parseLogName(fileName);
    if (name !== null) shipper.logs.add(await openSpoolLog(folder.path, name, true));
    const rows = parseRowsName(folder.path, fileName);
    if (rows !== null) shipper.rows.add(rows);
  }
  shipper.wake();

  const runs = new Map<string, SpoolLog>();
  let lastSerial = 0;
  let drained: Promise<Shipped> | null = null;
  // Milliseconds since the epoch, and never the same twice.
  const serial = (): number => (lastSerial = Math.max(Date.now(), lastSerial + 1));
  const end = (key: string): void => {
    const running = runs.get(key);
    if (running !== undefined) running.finished = true;
    runs.delete(key);
  };
  const add = async (taskId: TaskId, rows: Rows): Promise<void> => {
    try {
      shipper.rows.add(await writeRows(folder.path, taskId, serial(), rows));
      shipper.wake();
    } catch (error) {
      // A full disk must not end the attempt whose work is still to be stored in git; but nobody else has these.
      const isSaved = !shipper.isAway() && (await saveRows(options.ledger, rows).then(...YES_OR_NO));
      const reason = error instanceof Error ? error.message : String(error);
      const what = isSaved ? 'the spool cannot take rows: the ledger has them at once' : 'the spool cannot take rows';
      options.log?.(what, { kind: rows.kind, taskId, reason });
    }
  };

  return {
    async logFile(taskId, attempt, stream) {
      const key = keyOf(taskId, attempt, stream);
      end(key);
      const name = { taskId, attempt, run: serial(), stream: shortStream(stream) };
      const log = await openSpoolLog(folder.path, name, false);
      runs.set(key, log);
      shipper.logs.add(log);
      shipper.wake();
      return log.path;
    },
    async finish(taskId, attempt, stream) {
      end(keyOf(taskId, attempt, stream));
    },
    async addArtifacts(taskId, attempt, taskFolder, redact = (text) => text) {
      const found = await collectArtifacts(taskId, attempt, taskFolder);
      const artifacts = found.map((artifact, at) => {
        // Two names may have differed by nothing but what they must not say.
        const name = redact(artifact.name) === artifact.name ? artifact.name : `${redact(artifact.name)} ${at}`;
        return { ...artifact, name, content: redact(artifact.content) };
      });
      if (artifacts.length > 0) await add(taskId, { kind: 'artifacts', artifacts });
    },
    async addText(taskId, attempt, name, text) {
      const content = headOf(text, MAX_ARTIFACT_BYTES);
      await add(taskId, {
        kind: 'artifacts',
        artifacts: [{ taskId, attempt, name, bytes: Buffer.byteLength(text), content }],
      });
    },
    async addFlakes(flakes) {
      const [first] = flakes;
      if (first !== undefined) await add(first.taskId, { kind: 'flakes', flakes });
    },
    addBegun: (begun) => add(begun.taskId, { kind: 'begun', begun }),
    addVerdict: (verdict) => add(verdict.taskId, { kind: 'verdict', verdict }),
    flush: (taskId) => (shipper.isAway() ? Promise.resolve('kept') : shipper.ship(taskId)),
    drain: (timeoutMs) => (drained ??= drain(timeoutMs)),
  };

  async function drain(timeoutMs: number): Promise<Shipped> {
    const shipped = await shipper.close(timeoutMs);
    // A pass that is still under way uses the folder; it is taken over when this process is gone.
    if (shipper.isIdle()) await folder.release();
    return shipped;
  }
}

/** What a kill leaves of a file half written, or half deleted. */
function isStray(fileName: string, all: readonly string[]): boolean {
  return (
    fileName.endsWith('.draft') || (fileName.endsWith('.sent') && !all.includes(fileName.slice(0, -'.sent'.length)))
  );
}

function keyOf(taskId: TaskId, attempt: number, stream: string): string {
  return join(taskId, String(attempt), stream);
}

class Shipper {
  readonly logs = new Set<SpoolLog>();
  readonly rows = new Set<SpoolRows>();
  readonly #options: SpoolOptions;
  readonly #backoff: BackoffPolicy;
  #timer: NodeJS.Timeout | null = null;
  /** Passes one after the other; it never rejects. */
  #queue: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #failures = 0;
  #awayUntilMs = 0;
  #closed = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#backoff = { firstMs: options.intervalMs, factor: 2, capMs: options.intervalMs * MAX_PAUSES };
  }

  isAway(): boolean {
    return performance.now() < this.#awayUntilMs;
  }

  isIdle(): boolean {
    return this.#queued === 0;
  }

  /** Goes on looking, at the interval, for as long as there is something in the spool. */
  wake(): void {
    if (this.#closed || this.#timer !== null || this.logs.size + this.rows.size === 0) return;
    const waitMs = Math.max(this.#options.intervalMs, this.#awayUntilMs - performance.now());
    this.#timer = setTimeout(() => {
      void this.ship(null).then(() => {
        this.#timer = null;
        this.wake();
      });
    }, waitMs);
    this.#timer.unref();
  }

  /** One pass over a task's part of the spool, or over all of it, after the passes that were asked for before. */
  ship(taskId: TaskId | null): Promise<Shipped> {
    this.#queued += 1;
    const pass = this.#queue.then(() => this.#pass(taskId));
    this.#queue = pass.finally(() => {
      this.#queued -= 1;
    });
    return pass;
  }

  async close(timeoutMs: number): Promise<Shipped> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | null = null;
    const timeout = new Promise<Shipped>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, 'kept');
    });
    const shipped = await Promise.race([this.ship(null), timeout]);
    this.#closed = true;
    if (timer !== null) clearTimeout(timer);
    return shipped;
  }

  async #pass(taskId: TaskId | null): Promise<Shipped> {
    try {
      await this.#shipRows(taskId);
      await this.#shipLogs(taskId);
      if (this.#failures > 0) this.#options.log?.('the ledger is back', { after: this.#failures });
      this.#failures = 0;
      this.#awayUntilMs = 0;
      return 'shipped';
    } catch (error) {
      this.#failures += 1;
      this.#awayUntilMs = performance.now() + backoffMs(this.#backoff, this.#failures, Math.random());
      const reason = error instanceof Error ? error.message : String(error);
      const away = error instanceof LedgerUnavailable;
      if (this.#failures === 1 || !away) {
        this.#options.log?.(away ? 'the ledger is away: logs are kept here' : 'the spool cannot ship', {
          folder: this.#options.folder,
          reason,
        });
      }
      return 'kept';
    }
  }

  async #shipRows(taskId: TaskId | null): Promise<void> {
    for (const rows of this.rows) {
      if (this.#closed || (taskId !== null && rows.taskId !== taskId)) continue;
      const refused = await shipRows(this.#options.ledger, rows);
      if (refused !== null) this.#options.log?.('the ledger refused rows', { path: rows.path, reason: refused });
      this.rows.delete(rows);
    }
  }

  async #shipLogs(taskId: TaskId | null): Promise<void> {
    let pending = [...this.logs].filter(({ name }) => taskId === null || name.taskId === taskId);
    const failed: unknown[] = [];
    // Ends: every round ships something of each log that stays, and a log's size is bounded by its writer.
    while (pending.length > 0 && !this.#closed) pending = await this.#shipBatch(pending, failed);
    if (failed.length > 0) throw failed[0];
  }

  /** Ships one batch of these logs; gives back those that may have more. One that cannot be read now keeps no other here. */
  async #shipBatch(logs: readonly SpoolLog[], failed: unknown[]): Promise<SpoolLog[]> {
    const chunks: LogChunk[] = [];
    const sent: { readonly log: SpoolLog; readonly confirm: () => void }[] = [];
    let left = MAX_BATCH_BYTES;
    let looked = 0;
    for (const log of logs) {
      if (left <= 0) break;
      looked += 1;
      const next = await log.advance(left).catch((error: unknown) => {
        failed.push(error);
        return null;
      });
      if (next === null) continue;
      if (next.kind === 'done') this.logs.delete(log);
      if (next.kind !== 'chunks') continue;
      chunks.push(...next.chunks);
      left -= next.bytes;
      sent.push({ log, confirm: next.confirm });
    }
    if (chunks.length > 0) await this.#options.ledger.appendLogs(chunks);
    for (const { confirm } of sent) confirm();
    return [...logs.slice(looked), ...sent.map(({ log }) => log)];
  }
}
