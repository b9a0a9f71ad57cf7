/**
 * The connections to Postgres.
 *
 * Owns one pool, made on the first query. Keeps true: whatever ails the server or the way to it surfaces as
 * LedgerUnavailable, at the latest when a time-out below is over, and never as an event that ends the process; no text
 * reaches Postgres that it would refuse (NUL, half a surrogate pair).
 */

import { DatabaseError, Pool, type PoolClient, type QueryConfig } from 'pg';
import { LedgerEmpty, LedgerUnavailable } from './types.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/** For a server that no longer answers at all: the client gives up by itself. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 2_000;
const IDLE_CONNECTION_MS = 60_000;
/** How often a statement is sent that lost a deadlock. */
const DEADLOCK_TRIES = 3;

type Value = string | number | boolean | null | readonly string[] | readonly number[];

/** A statement with its parameters; one with a name is prepared once a connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly Value[];
}

export interface Database {
  /** The rows of one statement, as the parser makes them. @throws LedgerUnavailable */
  query<Row>(statement: Statement, parse: (row: RawRow) => Row): Promise<readonly Row[]>;
  /** What `work` does on one connection, in one transaction, each answer within `answerMs`. @throws LedgerUnavailable */
  transaction<T>(answerMs: number, work: (run: Run) => Promise<T>): Promise<T>;
  /** Queries are let end, within seconds. A transaction, which may wait for long, is given up, with nothing of it done. */
  close(): Promise<void>;
}

/** Sends one statement of a transaction; several at once, parted by semicolons, when there are no values. */
export type Run = (text: string, values?: readonly Value[]) => Promise<readonly RawRow[]>;

export type RawRow = Readonly<Record<string, unknown>>;

export interface DatabaseOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly maxConnections: number;
}

export function openDatabase(options: DatabaseOptions): Database {
  let pool: Pool | null = null;
  let closed = false;
  /** Connections in a transaction. */
  const busy = new Set<PoolClient>();

  const connected = (): Pool => {
    if (closed) throw new LedgerUnavailable(CLOSED);
    pool ??= makePool(options);
    return pool;
  };

  return {
    async query(statement, parse) {
      const config: QueryConfig = {
        ...(statement.name === undefined ? {} : { name: statement.name }),
        text: statement.text,
        values: (statement.values ?? []).map(storable),
      };
      for (let tries = 1; ; tries += 1) {
        try {
          const result = await connected().query<RawRow>(config);
          return result.rows.map(parse);
        } catch (error) {
          if (isMissingTable(error) && (await isEmpty(connected()))) throw new LedgerEmpty(EMPTY, { cause: error });
          if (!isDeadlock(error) || tries >= DEADLOCK_TRIES) throw classified(error);
        }
      }
    },

    async transaction(answerMs, work) {
      let client: PoolClient;
      try {
        client = await connected().connect();
      } catch (error) {
        throw classified(error);
      }
      busy.add(client);
      const run: Run = async (text, values = []) => {
        if (closed) throw new LedgerUnavailable(CLOSED);
        try {
          // Not among the driver's types: how long this one answer may take.
          const config = { text, values: values.map(storable), query_timeout: answerMs };
          const { rows } = await client.query<RawRow>(config);
          return rows;
        } catch (error) {
          throw classified(error);
        }
      };
      try {
        await run('begin');
        const result = await work(run);
        await run('commit');
        if (busy.delete(client)) client.release();
        return result;
      } catch (error) {
        // The connection goes with the transaction: there is nothing to roll back on one that may be broken.
        if (busy.delete(client)) client.release(true);
        throw error;
      }
    },

    async close() {
      closed = true;
      const closing = pool;
      pool = null;
      for (const client of busy) client.release(true);
      busy.clear();
      await closing?.end();
    },
  };
}

function makePool(options: DatabaseOptions): Pool {
  const pool = new Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    keepAlive: true,
    allowExitOnIdle: true,
  });
  // An idle connection that breaks is taken out of the pool by the pool itself; the next query makes another one, and
  // it is that query's failure that is reported.
  pool.on('error', () => undefined);
  // One in a transaction breaks outside of the pool: its statement fails, or the next one does.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** The classes of SQLSTATE that say that the server, not the statement, is at fault. */
const UNAVAILABLE_CLASSES = ['08', '53', '57', '58'];
const NO_TABLES = 'it has no tables of Tributary yet; start a worker, which makes them';
const CLOSED = 'the ledger was closed by this process';
const EMPTY = `the ledger cannot be used: ${NO_TABLES}`;
const UNAVAILABLE_STATES: Readonly<Record<string, string>> = {
  '28000': 'it refused to let this user in; check the user in DATABASE_URL',
  '28P01': 'it refused the password; check DATABASE_URL',
  '3D000': 'it has no such database; check DATABASE_URL, or create it',
  '3F000': NO_TABLES,
  '42P01': 'its tables are older than this program; start a worker of this version, which migrates them',
  '42703': 'its tables are older than this program; start a worker of this version, which migrates them',
  '42501': 'it does not let this user do that; give it the right, or check the user in DATABASE_URL',
  '55000': 'it lets nobody in at present',
  '25006': 'it takes no writes at present (a standby)',
  '40001': 'it is too busy: a statement lost to others three times',
  '40P01': 'it is too busy: a statement lost to others three times',
  '55P03': 'it is too busy: a lock was not to be had',
};

function isDeadlock(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '40P01' || error.code === '40001');
}

function isMissingTable(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '42P01';
}

/** A table that is missing may be one of a newer version, or all may be. False when that cannot be told either. */
async function isEmpty(pool: Pool): Promise<boolean> {
  try {
    const { rows } = await pool.query<RawRow>("select to_regclass('tributary.tasks') is null as missing");
    return rows[0]?.['missing'] === true;
  } catch {
    return false;
  }
}

/** What a failed statement means to the caller: LedgerUnavailable when trying later can help, else the error as it is. */
function classified(error: unknown): unknown {
  if (error instanceof LedgerUnavailable) return error;
  if (error instanceof DatabaseError) {
    const state = error.code ?? '';
    const known = UNAVAILABLE_STATES[state];
    if (known !== undefined) return new LedgerUnavailable(`the ledger cannot be used: ${known}`, { cause: error });
    return UNAVAILABLE_CLASSES.includes(state.slice(0, 2))
      ? new LedgerUnavailable(`the ledger cannot be reached: ${error.message}`, { cause: error })
      : error;
  }
  // Not from the server: the socket's, the resolver's or the driver's, unless it is a mistake in the program.
  const { name, message } = reasonOf(error);
  if (PROGRAM_MISTAKES.has(name)) return error;
  return new LedgerUnavailable(`the ledger cannot be reached: ${message}`, { cause: error });
}

const PROGRAM_MISTAKES: ReadonlySet<string> = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError']);

/** Read by its shape: an error may come from another realm. Several addresses (::1, 127.0.0.1) fail as one error without a message. */
function reasonOf(error: unknown): { readonly name: string; readonly message: string } {
  const { name, message, errors } = Object(error) as { name?: unknown; message?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return reasonOf(errors[0]);
  const text = String(message ?? error);
  return { name: String(name), message: text === '' ? String(name) : text };
}

function storable(value: Value): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'object' && value !== null) {
    return value.map((part) => (typeof part === 'string' ? cleanText(part) : part));
  }
  return value;
}

/** A text without what Postgres refuses: NUL characters go, half a surrogate pair becomes the replacement character. */
function cleanText(text: string): string {
  return text.replaceAll('\0', '').replace(/\p{Cs}/gu, '\ufffd');
}

/** A value as JSON that Postgres takes for jsonb; the same cleaning, within its strings. */
export function cleanJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? cleanText(part) : part));
}
