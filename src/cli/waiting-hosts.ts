/** What tasks wait for while no host takes them, as the reports of workers tell it. */

import { whoHas, whyNoHost, type Drain, type WorkerSeen } from '../core/hosts.ts';
import type { TaskView } from '../core/task-types.ts';
import type { LedgerReader } from '../ledger/types.ts';
import type { Session } from './session.ts';
import { tryLedger } from './try-ledger.ts';

interface Seen {
  readonly workers: readonly WorkerSeen[];
  readonly drains: readonly Drain[];
}

/** The views with who has the labels that they wait for; as they are where none waits for any, or the ledger is away. */
export async function tellHosts(session: Session, views: readonly TaskView[]): Promise<readonly TaskView[]> {
  if (!views.some(({ waitingFor }) => waitingFor?.kind === 'host')) return views;
  const seen = await tryLedger(session, readSeen);
  return seen === null ? views : views.map((view) => tell(view, seen));
}

function tell(view: TaskView, { workers, drains }: Seen): TaskView {
  const { waitingFor, requires = [] } = view;
  if (waitingFor?.kind !== 'host') return view;
  const { takes } = whoHas(requires, workers, drains);
  const text =
    whyNoHost(requires, workers, drains) ??
    `a free slot of a worker with ${requires.join(', ')}, as ${takes.slice(0, 5).join(', ')} ${takes.length === 1 ? 'has' : 'have'}`;
  return { ...view, waitingFor: { ...waitingFor, text } };
}

/** Says so where tasks cannot go on since no host takes any phase; nothing while the ledger is away. */
export async function noteNobody(session: Session): Promise<void> {
  const seen = await tryLedger(session, readSeen);
  const why = seen === null ? null : whyNoHost([], seen.workers, seen.drains);
  if (why !== null) session.note(`tasks: ${why}`);
}

/** One line for each set of labels that tasks wait for and no host has that takes phases. @throws LedgerUnavailable */
export async function missingLabels(ledger: LedgerReader): Promise<readonly string[]> {
  const required = await ledger.listRequired();
  if (required.length === 0) return [];
  const { workers, drains } = await readSeen(ledger);
  return required.flatMap(({ requires, tasks }) => {
    const why = whyNoHost(requires, workers, drains);
    return why === null ? [] : [`${tasks} ${tasks === 1 ? 'task waits' : 'tasks wait'}: ${why}`];
  });
}

/** One connection: one after the other. */
async function readSeen(ledger: LedgerReader): Promise<Seen> {
  const workers = await ledger.readWorkers();
  return { workers, drains: await ledger.readDrains() };
}
