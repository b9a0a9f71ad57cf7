/** Temporal, its namespace, the workers that poll it, and the ledger. */

import { availableParallelism, loadavg } from 'node:os';
import { resolveConnection } from '../../config/connection.ts';
import { LedgerUnavailable } from '../../ledger/types.ts';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../workflows/messages.ts';
import { messageOf } from '../../core/thrown.ts';
import { Failed } from '../errors.ts';
import { pollersOf } from '../pollers.ts';
import { goneLine } from '../render/gone.ts';
import { OTHER_BUILD_FIX, otherBuildLine } from '../render/other-build.ts';
import { bad, fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';
import type { Temporal } from '../temporal.ts';
import { missingLabels } from '../waiting-hosts.ts';
import { tryLedger } from '../try-ledger.ts';

const CALL_MS = 5_000;
const TRIES = 5;
/** A server that is slower than this for its simplest call slows every step of every task. */
const SLOW_MS = 40;

/** What makes a slow server quicker: one that `tasks up` has started is near, and has the settings already. */
export function quicker(isOwn: boolean, load: number, processors: number): string {
  if (!isOwn) return `use a nearer server; on its side raise ${POLL_SETTINGS} to 2000`;
  const found = `load ${load.toFixed(1)}, processors: ${processors}`;
  if (load < processors)
    return `this machine is not busy (${found}): see that its state home is on a disk that is quick`;
  return `this machine is busy (${found}); have fewer agents at a time: tasks up --agents N`;
}

export async function checkServers(session: Session): Promise<readonly Check[]> {
  const connection = await resolveConnection(session.environment);
  if (connection.kind !== 'connection') {
    return [bad('Temporal', connection.message, connection.kind === 'none' ? 'tasks up' : 'mend the environment')];
  }
  const stack = connection.temporal.from === 'stack' ? await session.stack() : null;
  const gone = stack === null ? null : goneLine(stack);
  if (gone !== null) return [bad('Temporal', gone, 'tasks up')];
  const temporal = await session.temporal();
  const isOwn = stack !== null && stack.states.temporal !== 'external';
  const reached = await checkTemporal(temporal, isOwn);
  if (reached.verdict === 'fail') return [reached, await checkLedger(session)];
  return [
    reached,
    await checkAttributes(temporal),
    await checkWorkers(temporal),
    ...(await checkBuild(session)),
    await checkLedger(session),
    ...(await checkLabels(session)),
  ];
}

async function checkTemporal(temporal: Temporal, isOwn: boolean): Promise<Check> {
  const { address, namespace } = temporal.settings;
  try {
    const call = () => temporal.connection.workflowService.describeNamespace({ namespace });
    await temporal.within(CALL_MS, call);
    const times: number[] = [];
    for (let tries = 0; tries < TRIES; tries += 1) {
      const beganMs = performance.now();
      await temporal.within(CALL_MS, call);
      times.push(performance.now() - beganMs);
    }
    const ms = times.sort((a, b) => a - b)[Math.floor(TRIES / 2)] ?? 0;
    const found = `${address}, namespace ${namespace}, a call takes ${ms.toFixed(1)} ms`;
    if (ms < SLOW_MS) return fine('Temporal', found);
    return warn('Temporal', found, quicker(isOwn, loadavg()[0] ?? 0, availableParallelism()));
  } catch (error) {
    return bad(
      'Temporal',
      messageOf(error),
      'start it with tasks up, or check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE',
    );
  }
}

const POLL_SETTINGS =
  'history.transferProcessorMaxPollRPS, history.timerProcessorMaxPollRPS, history.visibilityProcessorMaxPollRPS and history.outboundProcessorMaxPollRPS';

async function checkAttributes(temporal: Temporal): Promise<Check> {
  const name = 'search attributes';
  const { namespace } = temporal.settings;
  try {
    const { customAttributes } = await temporal.within(CALL_MS, () =>
      temporal.connection.operatorService.listSearchAttributes({ namespace }),
    );
    const missing = SEARCH_ATTRIBUTES.filter((attribute) => !Object.hasOwn(customAttributes ?? {}, attribute));
    return missing.length === 0
      ? fine(name, 'registered')
      : bad(name, `${missing.join(', ')} missing: no task can be started`, 'register them with: tasks setup');
  } catch (error) {
    return warn(name, messageOf(error), 'see that this caller may list them, or register them with: tasks setup');
  }
}

/** Its poller for gates says how many slots it has, too. */
function workerOf(identity: string): string {
  return identity.replace(/#\d+$/, '');
}

async function checkWorkers(temporal: Temporal): Promise<Check> {
  try {
    const queues = Object.values(TASK_QUEUES);
    const polled = await Promise.all(queues.map((queue) => pollersOf(temporal, queue)));
    const empty = queues.filter((_, index) => polled[index]?.length === 0);
    if (empty.length === 0) return fine('workers', `${new Set(polled.flat().map(workerOf)).size} poll`);
    return warn('workers', `nobody polls ${empty.join(', ')}: tasks wait`, 'start one with tasks up, or tasks worker');
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    return warn('workers', error.message, 'see that this caller may describe task queues');
  }
}

/** Nothing where the stack runs what this command is of. */
async function checkBuild(session: Session): Promise<readonly Check[]> {
  const other = otherBuildLine(session.io.programs.build(), await session.stack());
  return other === null ? [] : [warn('build', other, OTHER_BUILD_FIX)];
}

async function checkLedger(session: Session): Promise<Check> {
  const { postgres } = await session.connection();
  if (postgres === null) return bad('ledger', 'no Postgres is known', 'set DATABASE_URL, or start one with tasks up');
  const { openDatabase } = await import('../../ledger/database.ts');
  const { checkVersion } = await import('../../ledger/migrate.ts');
  const database = openDatabase({ url: postgres.url, applicationName: 'tributary-doctor', maxConnections: 1 });
  try {
    const checked = await checkVersion(database);
    if (checked.kind === 'ok') return fine('ledger', `schema version ${checked.version}`);
    return bad('ledger', checked.message, 'run a worker of this version: it migrates the tables');
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    return bad('ledger', error.message, 'start Postgres with tasks up, or check DATABASE_URL');
  } finally {
    await database.close();
  }
}

/** Nothing where no task waits for labels, or the ledger cannot be asked: that is told by itself. */
async function checkLabels(session: Session): Promise<readonly Check[]> {
  const missing = (await tryLedger(session, missingLabels)) ?? [];
  return missing.map((line) => warn('labels', line, 'tasks hosts shows which labels there are'));
}
