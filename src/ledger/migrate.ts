/**
 * The ledger's schema and its versions.
 *
 * Keeps true: each migration is applied once, whole, in the order of the numbers, however many workers start at once
 * (one transaction each, under one advisory lock); what was applied is what the program has, by checksum.
 */

import { createHash } from 'node:crypto';
import type { Database, RawRow } from './database.ts';
import { MIGRATIONS, type Migration } from './migrations/index.ts';

export type MigrationResult =
  | { readonly kind: 'migrated'; readonly version: number; readonly applied: readonly string[] }
  | { readonly kind: 'current'; readonly version: number }
  /** Nothing was changed; the message is one line with the next step. */
  | { readonly kind: 'refused'; readonly version: number; readonly message: string };

export type VersionCheck =
  | { readonly kind: 'ok'; readonly version: number }
  | { readonly kind: 'older'; readonly version: number; readonly message: string }
  | { readonly kind: 'newer'; readonly version: number; readonly message: string };

/** "tributary" as a number: the advisory lock of everybody who migrates. */
const LOCK = '8389772276738712';
/** A migration may rewrite a large table: longer than any other statement. */
const MIGRATION_TIMEOUT_MS = 600_000;

const SCHEMA = `
create schema if not exists tributary;
create table tributary.migrations (
  number integer primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now()
)`;

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

type Step =
  | { readonly kind: 'applied'; readonly migration: Migration }
  | { readonly kind: 'done'; readonly version: number }
  | { readonly kind: 'refused'; readonly version: number; readonly message: string };

/** Brings the schema up to this program's. @throws LedgerUnavailable */
export async function migrate(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<MigrationResult> {
  const applied: string[] = [];
  // One step a migration, and one that finds nothing left to do.
  for (let steps = 0; steps <= migrations.length; steps += 1) {
    const step = await applyNext(database, migrations);
    if (step.kind === 'refused') return step;
    if (step.kind === 'done') {
      return applied.length === 0
        ? { kind: 'current', version: step.version }
        : { kind: 'migrated', version: step.version, applied };
    }
    applied.push(fileName(step.migration));
  }
  return { kind: 'migrated', version: newest(migrations), applied };
}

/** Compares the schema with this program's, changing nothing. @throws LedgerUnavailable */
export async function checkVersion(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<VersionCheck> {
  const [there] = await database.query(
    { text: `select to_regclass('tributary.migrations') is not null as there` },
    (row) => row['there'] === true,
  );
  const [found] =
    there === true
      ? await database.query({ text: 'select coalesce(max(number), 0) as version from tributary.migrations' }, (row) =>
          Number(row['version']),
        )
      : [];
  const version = found ?? 0;
  const known = newest(migrations);
  if (version === known) return { kind: 'ok', version };
  return version > known
    ? { kind: 'newer', version, message: newerMessage(version) }
    : {
        kind: 'older',
        version,
        message: `the ledger's schema is ${version}, this worker's is ${known}: run the migration`,
      };
}

function applyNext(database: Database, migrations: readonly Migration[]): Promise<Step> {
  return database.transaction<Step>(MIGRATION_TIMEOUT_MS, async (run) => {
    await run(`set local statement_timeout = ${MIGRATION_TIMEOUT_MS}`);
    await run('select pg_advisory_xact_lock($1::bigint)', [LOCK]);
    // Asked first: even where all is there, making it takes a right that this user may not have.
    const [there] = await run("select to_regclass('tributary.migrations') is not null as there");
    if (there?.['there'] !== true) await run(SCHEMA);
    const applied = (await run('select number, name, checksum from tributary.migrations order by number')).map(
      parseApplied,
    );
    const version = applied.at(-1)?.number ?? 0;
    const refusal = refusalOf(applied, migrations);
    if (refusal !== null) return { kind: 'refused', version, message: refusal };
    const next = migrations.find((migration) => migration.number > version);
    if (next === undefined) return { kind: 'done', version };
    await run(next.sql);
    await run('insert into tributary.migrations (number, name, checksum) values ($1, $2, $3)', [
      next.number,
      next.name,
      checksumOf(next),
    ]);
    return { kind: 'applied', migration: next };
  });
}

/** Why the schema cannot be this program's, in one line; null when it can. */
function refusalOf(applied: readonly Applied[], migrations: readonly Migration[]): string | null {
  const version = applied.at(-1)?.number ?? 0;
  if (version > newest(migrations)) return newerMessage(version);
  for (const row of applied) {
    const migration = migrations.find(({ number }) => number === row.number);
    if (migration === undefined || checksumOf(migration) !== row.checksum) {
      const name = fileName(migration ?? row);
      return `the migration ${name} is not the one that the ledger was made with: restore the released file and put the change into a new migration`;
    }
  }
  return null;
}

function newerMessage(version: number): string {
  return `this worker is older than the ledger's schema ${version}; update it`;
}

function newest(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.number ?? 0;
}

function fileName({ number, name }: { readonly number: number; readonly name: string }): string {
  return `${String(number).padStart(4, '0')}-${name}`;
}

function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

function parseApplied(row: RawRow): Applied {
  return { number: Number(row['number']), name: String(row['name']), checksum: String(row['checksum']) };
}
