/**
 * What `tasks up` sees to before it starts anything: the state home with its room, and the servers that the environment
 * names. Each is told by the variable that names it.
 */

import { access, realpath, statfs } from 'node:fs/promises';
import type { TemporalConnection } from '../config/connection.ts';
import { openDatabase } from '../ledger/database.ts';
import { LedgerUnavailable } from '../ledger/types.ts';
import { fullHome, homePaths, openHome } from '../local/home.ts';
import { leftOutside } from '../local/postgres-account.ts';
import { leftWords, removal } from './doctor/left-outside.ts';
import { Failed } from './errors.ts';
import { requireCodec, requireKeys } from './payloads.ts';
import { addressOf } from './render/stack.ts';
import type { Session } from './session.ts';
import { checkConfiguration } from './stack-parts.ts';
import { openTemporal } from './temporal.ts';

const MIB = 1024 * 1024;
/** A new stack's own files, before any task: Postgres takes the most of it. */
const NEW_STACK_MIB = 96;
/** A stack that is there already writes at least its logs. */
const OLD_STACK_MIB = 8;
const TEMPORAL_MS = 4_000;

/** @throws UsageError, HomeError, Failed */
export async function checkBeforeStart(session: Session): Promise<void> {
  const { home, databaseUrl } = session.environment;
  const { external: temporal } = await checkConfiguration(session);
  requireCodec(await requireKeys(session.environment));
  await openHome(home);
  const isNew = await isThere(homePaths(home).ports).then((is) => !is);
  await checkRoom(home, isNew);
  if (isNew) await tellLeft(session);
  await Promise.all([
    temporal === null ? null : checkTemporal(temporal, session.environment.temporalAddress !== null),
    databaseUrl === null ? null : checkDatabase(databaseUrl),
  ]);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Of a home that was deleted and is made again: its database, where that lay outside of it. */
async function tellLeft(session: Session): Promise<void> {
  const home = await realpath(session.environment.home);
  const left = (await leftOutside(homePaths(home))).filter((each) => each.home === home);
  if (left.length > 0) session.note(`${leftWords(left)}; ${removal(left)}`);
}

async function checkRoom(home: string, isNew: boolean): Promise<void> {
  const { bavail, bsize } = await statfs(home);
  const freeMib = (bavail * bsize) / MIB;
  const neededMib = isNew ? NEW_STACK_MIB : OLD_STACK_MIB;
  if (freeMib < neededMib) throw fullHome(home, `${Math.floor(freeMib)} MiB are free, some ${neededMib} are needed`);
}

async function checkTemporal(settings: TemporalConnection, byAddress: boolean): Promise<void> {
  const temporal = openTemporal(settings, null);
  try {
    await temporal.limited(TEMPORAL_MS, null, () => temporal.connection.ensureConnected());
  } catch (error) {
    const name = byAddress ? 'TEMPORAL_ADDRESS' : 'TEMPORAL_PROFILE';
    const fix = `start that server, or unset ${name} so that tasks up starts one of its own`;
    throw new Failed(`${name}: nothing answers at ${settings.address}; ${fix}`, { cause: error });
  } finally {
    await temporal.close();
  }
}

async function checkDatabase(url: string): Promise<void> {
  const database = openDatabase({ url, applicationName: 'tributary-up', maxConnections: 1 });
  try {
    await database.query({ text: 'SELECT 1' }, () => null);
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    const reason = error.message.replace(/^the ledger cannot be (?:reached|used): /, '');
    const fix = 'start that server, or unset DATABASE_URL so that tasks up starts one of its own';
    throw new Failed(`DATABASE_URL: the Postgres at ${addressOf(url)} does not serve: ${reason}; ${fix}`, {
      cause: error,
    });
  } finally {
    await database.close();
  }
}
