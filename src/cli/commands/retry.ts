/** Goes on with tasks that failed: with those that are named, or with all that fit. */

import { ALL_FAILED, isRetried, parseRetryFilter, type RetryFilter } from '../../core/dead-letters.ts';
import { quote, type TaskId } from '../../core/ids.ts';
import { PHASES } from '../../core/retry-from.ts';
import type { Phase, TaskView } from '../../core/task-types.ts';
import type { LedgerReader } from '../../ledger/types.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import { forMany } from '../for-many.ts';
import { requireProject } from '../known-projects.ts';
import { resolveIds } from '../resolve-id.ts';
import { retryTask, type Retried } from '../retry-task.ts';
import type { Session } from '../session.ts';
import { CALL_MS } from '../temporal.ts';

export interface RetryOptions {
  readonly json?: true;
  readonly from?: string;
  readonly allFailed?: true;
  readonly where?: string;
}

/** What has ended has to be replayed to be retried: a few at a time. */
const AT_ONCE = 4;
const MANY = 10_000;

interface Wanted {
  readonly id: TaskId;
  /** The last attempt when it was chosen; null: it was named. */
  readonly attempt: number | null;
}

/** `tasks retry`: exit 1 when one of them was refused. */
export async function retry(session: Session, options: RetryOptions, args: readonly string[]): Promise<number> {
  const from = readFrom(options.from);
  const filter = readFilter(options, args);
  const wanted = filter === null ? await named(session, args) : await chosen(session, filter);
  if (wanted.length === 0) session.note('tasks: there is nothing to retry; tasks failed shows what failed');
  const temporal = await session.temporal();
  // A Temporal that is not there is told once, and at once.
  if (wanted.length > 0) await temporal.within(CALL_MS, () => temporal.connection.ensureConnected());
  const actor = await session.actor();
  const [only, ...others] = wanted;
  if (filter === null && only !== undefined && others.length === 0) {
    tell(session, only.id, await retryTask(temporal, only.id, { actor, from, attempt: null }));
    return EXIT.ok;
  }
  const taken = await forMany(session, wanted, AT_ONCE, async ({ id, attempt }) => {
    try {
      tell(session, id, await retryTask(temporal, id, { actor, from, attempt }));
      return true;
    } catch (error) {
      // What holds for one says nothing of the others.
      if (!(error instanceof Failed) && !(error instanceof UsageError)) throw error;
      tellRefusal(session, id, error.message);
      return false;
    }
  });
  const refused = taken.filter((one) => !one).length;
  if (refused > 0) session.note(`tasks: ${taken.length - refused} of ${taken.length} are retried, ${refused} are not`);
  return refused === 0 ? EXIT.ok : EXIT.failed;
}

function readFrom(text: string | undefined): Phase | null {
  if (text === undefined) return null;
  const phase = PHASES.find((each) => each === text);
  if (phase === undefined) throw new UsageError(`--from: ${quote(text)} is no phase; give one of ${PHASES.join(', ')}`);
  return phase;
}

/** Null when tasks are named. @throws UsageError unless exactly one way to choose them is given */
function readFilter({ allFailed, where }: RetryOptions, args: readonly string[]): RetryFilter | null {
  const ways = [args.length > 0, allFailed === true, where !== undefined].filter(Boolean).length;
  if (ways !== 1) throw new UsageError('retry: name tasks, or give --all-failed, or --where; one of the three');
  if (where === undefined) return args.length > 0 ? null : ALL_FAILED;
  const parsed = parseRetryFilter(where);
  if (parsed.kind === 'invalid') throw new UsageError(`--where: ${parsed.message}`);
  return parsed.value;
}

async function named(session: Session, args: readonly string[]): Promise<readonly Wanted[]> {
  return (await resolveIds(session, args)).map((id) => ({ id, attempt: null }));
}

/** As the ledger has them; each is asked by its attempt, so that what has gone on meanwhile is left alone. */
async function chosen(session: Session, filter: RetryFilter): Promise<readonly Wanted[]> {
  const views = await listed(await session.needLedger(), filter);
  if (views.length === 0) await requireProject(session, filter.project, '--where: project');
  return views.filter((view) => isRetried(view, filter)).map(({ id, attempt }) => ({ id, attempt }));
}

async function listed(ledger: LedgerReader, { project, states }: RetryFilter): Promise<readonly TaskView[]> {
  const ended = states.filter((state) => state === 'rejected' || state === 'canceled');
  const failed = ended.length < states.length ? await ledger.listFailed(project, MANY) : [];
  const others = ended.length > 0 ? await ledger.listTasks({ project, states: ended, limit: MANY }) : [];
  return [...failed, ...others];
}

const WORDS: Readonly<Record<Retried, string>> = {
  restarted: 'begins again, with its next attempt',
  retried: 'goes on with its next attempt',
  queued: 'the retry is queued: no worker is running; it is taken when one is',
};

function tell(session: Session, id: TaskId, how: Retried): void {
  if (session.json) session.printJson({ id, how });
  else session.print(`${id}  ${WORDS[how]}`);
}

function tellRefusal(session: Session, id: TaskId, message: string): void {
  const reason = message.startsWith(`${id}: `) ? message.slice(id.length + 2) : message;
  if (session.json) session.printJson({ id, how: 'refused', reason });
  else session.note(`tasks: ${id}: ${reason}`);
}
