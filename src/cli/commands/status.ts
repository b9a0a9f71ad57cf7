/** What of the stack runs, where, and how many tasks are in which state. */

import type { HostView } from '../../core/hosts.ts';
import { LedgerEmpty } from '../../ledger/types.ts';
import type { StackState } from '../../local/stack-record.ts';
import { EXIT, UsageError } from '../errors.ts';
import { goneLine } from '../render/gone.ts';
import { OTHER_BUILD_FIX, otherBuildLine } from '../render/other-build.ts';
import { shortDiskLines } from '../render/short-disks.ts';
import { addressOf, countsLine } from '../render/stack.ts';
import type { Session } from '../session.ts';
import { readDisks, shortDisks, type ShortDisk } from '../short-disks.ts';
import type { TemporalConnection } from '../../config/connection.ts';
import { resolveConnection } from '../../config/connection.ts';
import { tryLedger } from '../try-ledger.ts';

/** `tasks status`: exit 1 when no Temporal is known, or the stack's own has died for good. */
export async function status(session: Session): Promise<number> {
  const { home } = session.environment;
  const [stack, connection] = await Promise.all([session.stack(), resolveConnection(session.environment)]);
  if (connection.kind === 'invalid') throw new UsageError(connection.message);
  const temporal = connection.kind === 'connection' ? connection.temporal : null;
  const postgres = connection.kind === 'connection' ? connection.postgres : null;
  const gone = temporal?.from === 'stack' ? goneLine(stack) : null;
  const { ledger, tasks, hosts } = postgres === null || gone !== null ? NOBODY : await readCounts(session);
  const build = session.io.programs.build();
  const report = {
    home,
    running: temporal !== null && gone === null,
    temporal: temporal === null ? null : temporalPart(temporal, stack),
    postgres:
      postgres === null ? null : { address: addressOf(postgres.url), ...serverPart(postgres, stack, 'postgres') },
    worker: { ...partOf(stack, 'worker'), build: stack.record.builds.worker },
    supervisor: { ...partOf(stack, 'supervisor'), build: stack.record.builds.supervisor },
    build,
    ledger,
    tasks,
    shortDisks: await shortDisks(home, hosts),
  };
  const others = hosts.filter(({ workers }) => workers > 0).length;
  if (session.json) session.printJson(report);
  else session.print(...render(session, report, { gone, otherBuild: otherBuildLine(build, stack), others }));
  return report.running ? EXIT.ok : EXIT.failed;
}

/** `new`: no worker has made its tables, so that it has nothing on record. */
type LedgerState = 'ok' | 'new' | 'away' | null;

interface Counts {
  readonly ledger: LedgerState;
  readonly tasks: Readonly<Record<string, number>> | null;
  readonly hosts: readonly HostView[];
}

const NOBODY: Counts = { ledger: null, tasks: null, hosts: [] };

async function readCounts(session: Session): Promise<Counts> {
  const counts = await tryLedger(session, async (ledger): Promise<Counts> => {
    try {
      // One connection: one after the other.
      const tasks = await ledger.countByState(null);
      return { ledger: 'ok', tasks, hosts: await readDisks(ledger) };
    } catch (error) {
      if (error instanceof LedgerEmpty) return { ...NOBODY, ledger: 'new' };
      throw error;
    }
  });
  return counts ?? { ...NOBODY, ledger: 'away' };
}

/** Why there are no counts. */
const UNCOUNTED = {
  ok: '',
  new: 'none on record: the ledger is new, the first worker makes its tables (tasks worker, or tasks up)',
  away: 'unknown: the ledger does not answer',
  none: 'unknown: no ledger is known',
} as const;

type Part = 'temporal' | 'postgres' | 'worker' | 'supervisor';

function partOf({ record, states }: StackState, part: Part) {
  const entry = record[part];
  const pid = entry !== null && 'pid' in entry ? entry.pid : null;
  return { state: states[part], pid: states[part] === 'alive' ? pid : null };
}

function temporalPart(temporal: TemporalConnection, stack: StackState) {
  const { address, namespace, uiUrl } = temporal;
  return { address, namespace, uiUrl, ...serverPart(temporal, stack, 'temporal') };
}

/** Of a server that the environment names the stack's own record says nothing. */
function serverPart({ from }: { readonly from: string }, stack: StackState, part: 'temporal' | 'postgres') {
  return from === 'stack' ? partOf(stack, part) : { state: 'external' as const, pid: null };
}

interface Report {
  readonly home: string;
  readonly temporal: ReturnType<typeof temporalPart> | null;
  readonly postgres: (ReturnType<typeof partOf> & { readonly address: string }) | null;
  readonly worker: ReturnType<typeof partOf>;
  readonly supervisor: ReturnType<typeof partOf>;
  readonly ledger: LedgerState;
  readonly tasks: Readonly<Record<string, number>> | null;
  readonly shortDisks: readonly ShortDisk[];
}

/** What is to be said of the whole stack. */
interface Notes {
  readonly gone: string | null;
  readonly otherBuild: string | null;
  /** Hosts that run workers, as the ledger knows: `tasks worker` is no part of the stack. */
  readonly others: number;
}

function render(session: Session, report: Report, { gone, otherBuild, others }: Notes): string[] {
  const { palette } = session;
  const mark = ({ state, pid }: { readonly state: string; readonly pid: number | null }): string => {
    if (state === 'alive') return palette.green(`runs${pid === null ? '' : ` (process ${pid})`}`);
    if (state === 'external') return palette.green('external');
    return state === 'dead' ? palette.red('died') : palette.dim('not running');
  };
  const { temporal, postgres, worker, supervisor, ledger, tasks } = report;
  const disks = shortDiskLines(report.shortDisks, palette);
  if (gone !== null) return [`home       ${report.home}`, palette.red(gone), ...disks];
  if (temporal === null) return [`home       ${report.home}`, 'nothing is running; start it with: tasks up', ...disks];
  return [
    `home       ${report.home}`,
    `Temporal   ${temporal.address}, namespace ${temporal.namespace}  ${mark(temporal)}`,
    ...(temporal.uiUrl === null ? [] : [`Web UI     ${temporal.uiUrl}`]),
    `Postgres   ${postgres === null ? 'none known; set DATABASE_URL' : `${postgres.address}  ${mark(postgres)}`}`,
    `worker     ${worker.state === 'absent' && others > 0 ? elsewhere(others) : mark(worker)}`,
    ...(supervisor.state === 'dead'
      ? [`supervisor ${mark(supervisor)}: nothing is restarted; mend it with: tasks up`]
      : []),
    ...(otherBuild === null ? [] : [palette.yellow(`build      ${otherBuild}; to run this one: ${OTHER_BUILD_FIX}`)]),
    `tasks      ${tasks === null ? UNCOUNTED[ledger ?? 'none'] : countsLine(tasks, palette)}`,
    ...disks,
  ];
}

function elsewhere(hosts: number): string {
  return `none of tasks up here; ${hosts === 1 ? '1 host runs' : `${hosts} hosts run`} workers: tasks hosts`;
}
