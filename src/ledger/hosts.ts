/** The hosts' side of the ledger: what workers report of themselves, and which hosts are drained. Times are the ledger's. */

import type { Drain, WorkerReport, WorkerSeen } from '../core/hosts.ts';
import type { Database } from './database.ts';
import { parseTime } from './task-rows.ts';

/** Bounds the table: a worker's row goes once another one of its host is there, and a host's last row after a month. */
const REPORT = `
with gone as (
  delete from tributary.workers
  where seen_at < now() - interval '30 days'
    or (host = $1 and worker <> $2 and seen_at < now() - interval '10 minutes')
),
seen as (
  insert into tributary.workers as w (host, worker, report, seen_at, stopped) values ($1, $2, $3, now(), $4)
  on conflict (host, worker) do update set report = excluded.report, seen_at = now(), stopped = excluded.stopped
)
select exists (select from tributary.drains where host = $1) as drained`;

const READ_WORKERS = `
select report, stopped, extract(epoch from now() - seen_at) * 1000 as ago
from tributary.workers order by host, seen_at desc limit $1`;

const READ_DRAINS = 'select host, actor, at from tributary.drains order by host limit $1';

const DRAIN = `
insert into tributary.drains (host, actor, at) values ($1, $2, now()) on conflict (host) do nothing returning host`;
const UNDRAIN = 'delete from tributary.drains where host = $1 returning host';

const MANY = 1_000;

/**
 * Writes a worker's report over its last one.
 *
 * @param stopped it is its last
 * @returns whether its host is drained
 * @throws LedgerUnavailable
 */
export async function reportWorker(database: Database, report: WorkerReport, stopped: boolean): Promise<boolean> {
  const values = [report.host, report.worker, JSON.stringify(report), stopped];
  const [drained] = await database.query(
    { name: 'report-worker', text: REPORT, values },
    (row) => row['drained'] === true,
  );
  return drained ?? false;
}

/** At most a thousand. @throws LedgerUnavailable */
export function readWorkers(database: Database): Promise<readonly WorkerSeen[]> {
  return database.query({ text: READ_WORKERS, values: [MANY] }, (row) => ({
    // Only this room writes these rows.
    ...(row['report'] as WorkerReport),
    seenMsAgo: Math.max(0, Math.round(Number(row['ago']))),
    stopped: row['stopped'] === true,
  }));
}

/** At most a thousand. @throws LedgerUnavailable */
export function readDrains(database: Database): Promise<readonly Drain[]> {
  return database.query({ text: READ_DRAINS, values: [MANY] }, (row) => ({
    host: String(row['host']),
    by: String(row['actor']),
    since: parseTime(row['at']) ?? '',
  }));
}

/** False when it is drained already. @throws LedgerUnavailable */
export async function drainHost(database: Database, host: string, actor: string): Promise<boolean> {
  return (await database.query({ text: DRAIN, values: [host, actor] }, () => null)).length > 0;
}

/** False when it was not drained. @throws LedgerUnavailable */
export async function undrainHost(database: Database, host: string): Promise<boolean> {
  return (await database.query({ text: UNDRAIN, values: [host] }, () => null)).length > 0;
}
