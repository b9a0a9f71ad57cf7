/** host.yaml, and whether the workers of this home go by it: they read it once, when they start. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST_FILE, readHostFile } from '../../config/host-file.ts';
import { LATE_AFTER_MS, type WorkerSeen } from '../../core/hosts.ts';
import { LedgerUnavailable } from '../../ledger/types.ts';
import { homePaths, readIfThere } from '../../local/home.ts';
import { startedAtMs } from '../../local/process-age.ts';
import { Failed, UsageError } from '../errors.ts';
import { bad, fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

export async function checkHostFile(session: Session): Promise<readonly Check[]> {
  const host = await readHostFile(session.environment.home);
  if (host.kind === 'invalid') return [bad(HOST_FILE, host.message, 'mend it')];
  const workers = await ownWorkers(session);
  const { agents, gates } = host.value;
  const what =
    workers.length === 0
      ? `${slots(agents, gates)} at the same time, once a worker runs here`
      : `${slots(total(workers, 'agents'), total(workers, 'gates'))} at the same time, by ${who(workers.length)}`;
  return [fine(HOST_FILE, what), ...(await checkAge(session, workers))];
}

/** Those of this home that report themselves; none while the ledger cannot be asked, which is told by itself. */
async function ownWorkers(session: Session): Promise<readonly WorkerSeen[]> {
  try {
    const own = (await readIfThere(homePaths(session.environment.home).hostId))?.trim();
    const ledger = own === undefined ? null : await session.ledger();
    return ((await ledger?.readWorkers()) ?? []).filter(
      ({ host, stopped, seenMsAgo }) => host === own && !stopped && seenMsAgo < LATE_AFTER_MS,
    );
  } catch (error) {
    if (error instanceof LedgerUnavailable || error instanceof Failed || error instanceof UsageError) return [];
    throw error;
  }
}

async function checkAge(session: Session, workers: readonly WorkerSeen[]): Promise<readonly Check[]> {
  const changed = await stat(join(session.environment.home, HOST_FILE)).catch(() => null);
  if (changed === null) return [];
  const { record, states } = await session.stack();
  const ofStack = states.worker === 'alive' ? record.worker?.pid : undefined;
  const pids = [...(ofStack === undefined ? [] : [ofStack]), ...workers.map(({ worker }) => Number(worker))];
  for (const pid of pids) {
    const startedMs = await startedAtMs(pid);
    if (startedMs === null || startedMs >= changed.mtimeMs) continue;
    const fix =
      pid === ofStack ? 'start it again: tasks down, then tasks up' : 'end that tasks worker, and start it again';
    return [warn(HOST_FILE, `is newer than the worker that runs (pid ${pid}), which goes by the one before`, fix)];
  }
  return [];
}

function total(workers: readonly WorkerSeen[], kind: 'agents' | 'gates'): number {
  return workers.reduce((sum, worker) => sum + worker[kind].total, 0);
}

function slots(agents: number, gates: number): string {
  return `${agents} ${agents === 1 ? 'agent' : 'agents'} and ${gates} gate ${gates === 1 ? 'run' : 'runs'}`;
}

function who(workers: number): string {
  return workers === 1 ? 'the worker that runs' : `the ${workers} workers that run`;
}
