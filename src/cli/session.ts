/**
 * One command's surroundings: where it prints, and the servers that it talks to.
 *
 * Owns the connections, each opened when first asked for and closed by `close`, so that nothing keeps the process alive
 * after its work is done.
 */

import { checkDatabaseUrl, resolveConnection, type Connection, type TemporalConnection } from '../config/connection.ts';
import { actorName, readEnvironment, type Environment } from '../config/environment.ts';
import { webPage } from '../core/web-ui.ts';
import type { LedgerReader } from '../ledger/types.ts';
import type { StackState } from '../local/stack-record.ts';
import { Failed, UsageError } from './errors.ts';
import { columnsOf, type CliIo, type Output } from './io.ts';
import { choosePalette, type Palette } from './render/palette.ts';
import { goneLine } from './render/gone.ts';
import { jsonLine } from './render/json.ts';
import type { Screen } from './render/tasks.ts';
import type { Temporal } from './temporal.ts';

type Resolved = Extract<Connection, { kind: 'connection' }>;
type OpenLedger = LedgerReader & { close(): Promise<void> };

export class Session {
  readonly io: CliIo;
  readonly json: boolean;
  readonly environment: Environment;
  readonly palette: Palette;
  readonly #noted = new Set<string>();
  #connection: Promise<Resolved> | null = null;
  #ledger: Promise<OpenLedger | null> | null = null;
  #temporal: Promise<Temporal> | null = null;
  #stack: Promise<StackState> | null = null;

  constructor(io: CliIo, json: boolean) {
    this.io = io;
    this.json = json;
    this.environment = readEnvironment(io.env);
    this.palette = choosePalette(io.stdout, this.environment);
  }

  /** Lines on standard output: the command's result. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.io.stdout.write(`${line}\n`);
  }

  /** One value on one line of standard output. */
  printJson(value: unknown): void {
    this.io.stdout.write(jsonLine(value));
  }

  /** Lines on standard error: notes, warnings and progress. */
  note(...lines: readonly string[]): void {
    for (const line of lines) this.io.stderr.write(`${line}\n`);
  }

  /** A note that a command may come to more than once. */
  noteOnce(line: string): void {
    if (this.#noted.has(line)) return;
    this.#noted.add(line);
    this.note(line);
  }

  /** Whether somebody looks at what is asked there. */
  get isWatched(): boolean {
    return this.io.stderr.isTTY === true && !this.environment.ci;
  }

  /** Whether somebody looks at it, where what was drawn can be drawn anew. */
  redraws(output: Output): boolean {
    const { ci, all } = this.environment;
    return output.isTTY === true && !ci && all['TERM'] !== 'dumb';
  }

  /** What the text goes to. */
  screen(): Screen {
    const columns = this.io.stdout.isTTY === true ? columnsOf(this.io.stdout) : null;
    return { palette: this.palette, columns, nowMs: Date.now() };
  }

  /** Which servers there are. @throws Failed when there is none, UsageError when the configuration is wrong */
  connection(): Promise<Resolved> {
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  async #connect(): Promise<Resolved> {
    const connection = await resolveConnection(this.environment);
    if (connection.kind === 'invalid') throw new UsageError(connection.message);
    const isOwn = connection.kind === 'none' || connection.temporal.from === 'stack';
    const gone = isOwn ? goneLine(await this.stack()) : null;
    if (gone !== null) throw new Failed(gone);
    if (connection.kind === 'none') throw new Failed(connection.message);
    return connection;
  }

  /** What is recorded for the state home, and what of it is alive. @throws HomeError */
  stack(): Promise<StackState> {
    this.#stack ??= import('../local/stack-record.ts').then(({ readStack }) => readStack(this.environment.home));
    return this.#stack;
  }

  /** The ledger; null when none is known, such as beside a Temporal of somebody else's. */
  ledger(): Promise<OpenLedger | null> {
    this.#ledger ??= this.#openLedger();
    return this.#ledger;
  }

  /** The ledger for a command that is nothing without it. @throws Failed */
  async needLedger(): Promise<LedgerReader> {
    const ledger = await this.ledger();
    if (ledger === null) throw new Failed(NO_LEDGER);
    return ledger;
  }

  /** Where the ledger is, for the few commands that write to it. @throws Failed */
  async needLedgerUrl(): Promise<string> {
    const url = await this.#ledgerUrl();
    if (url === null) throw new Failed(NO_LEDGER);
    return url;
  }

  async #ledgerUrl(): Promise<string | null> {
    const wrong = checkDatabaseUrl(this.environment);
    if (wrong !== null) throw new UsageError(wrong);
    return this.environment.databaseUrl ?? (await this.connection()).postgres?.url ?? null;
  }

  async #openLedger(): Promise<OpenLedger | null> {
    const url = await this.#ledgerUrl();
    if (url === null) return null;
    const { openLedgerReader } = await import('../ledger/reader.ts');
    return openLedgerReader({ url });
  }

  /** Temporal, not yet dialled. */
  temporal(): Promise<Temporal> {
    this.#temporal ??= this.connection().then(async ({ temporal }) => {
      const [{ openTemporal }, { payloadCodec }] = await Promise.all([
        import('./temporal.ts'),
        import('./payloads.ts'),
      ]);
      return openTemporal(temporal, payloadCodec(this.environment));
    });
    return this.#temporal;
  }

  /** Who acts, for the record; git is asked for its user unless the caller has (null: git names none). */
  async actor(gitUserName?: string | null): Promise<string> {
    const { environment, io } = this;
    if (environment.actor !== null || gitUserName !== undefined) return actorName(environment, gitUserName ?? null);
    const { readUserName } = await import('./git-user.ts');
    return actorName(environment, await readUserName(io.cwd, environment.all));
  }

  /** Closes what was opened; what could not be opened needs no closing. */
  async close(): Promise<void> {
    const [ledger, temporal] = await Promise.all([this.#ledger?.catch(nothing), this.#temporal?.catch(nothing)]);
    await Promise.all([ledger?.close().catch(nothing), temporal?.close().catch(nothing)]);
  }
}

const NO_LEDGER = 'no ledger is known; set DATABASE_URL to its Postgres, or start one with: tasks up';
const nothing = (): null => null;

/** Where a task is seen in the Temporal Web UI; null when no address of it is known. */
export function webUrl(temporal: Pick<TemporalConnection, 'uiUrl' | 'namespace'>, workflowId: string): string | null {
  return temporal.uiUrl === null ? null : webPage(temporal.uiUrl, temporal.namespace, workflowId);
}
