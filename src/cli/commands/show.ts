/** One task: its state, its history, and what it waits for. */

import { hibernatedOn } from '../../core/hosts.ts';
import type { TaskEvent } from '../../core/task-events.ts';
import { workflowIds } from '../../core/ids.ts';
import type { TaskDetail } from '../../workflows/messages.ts';
import { EXIT } from '../errors.ts';
import { exchangesOf } from '../exchanges.ts';
import { readKnown } from '../known.ts';
import { openAsksOf, whyNothing } from '../open-asks.ts';
import { commandsFor } from '../render/asks.ts';
import { renderTask } from '../render/task.ts';
import { webUrl, type Session } from '../session.ts';
import { tellStop } from '../stopped-queues.ts';
import { resolveTarget } from '../target.ts';
import { tellHosts } from '../waiting-hosts.ts';
import { tryLedger } from '../try-ledger.ts';

/** `tasks show`. */
export async function show(session: Session, _options: unknown, args: readonly string[]): Promise<number> {
  const { id, version } = await resolveTarget(session, args[0] ?? '');
  const [known, recorded, attempts, workers] = await Promise.all([
    readKnown(session, id),
    tryLedger(session, (ledger) => ledger.readEvents(id)),
    tryLedger(session, (ledger) => ledger.readAttempts(id)),
    tryLedger(session, (ledger) => ledger.readWorkers()),
  ]);
  const { detail } = known;
  const [placed = known.view] = await tellHosts(session, [known.view]);
  // Where no worker has answered for the task, none does for its queue.
  const view = known.from === 'workflow' ? await tellStop(session, placed) : placed;
  const asks = (await openAsksOf(session, known)) ?? [];
  const events = merge(recorded ?? [], detail?.unrecorded ?? []);
  const workflowId = workflowIds.task(id);
  const url = webUrl((await session.temporal()).settings, workflowId);
  const exchanges = detail?.exchanges ?? exchangesOf(events);
  const rests = view.endedAt === null && view.state !== 'running' && view.state !== 'queued';
  const hibernated = rests ? hibernatedOn(workers ?? [], id) : null;
  if (session.json) {
    const open = asks.map((ask) => ({ ...ask, commands: commandsFor(id, ask) }));
    const more = {
      asks: open,
      exchanges,
      request: detail?.request ?? null,
      attempts: attempts ?? [],
      events,
      hibernated,
      running: known.pending,
    };
    session.printJson({ ...view, ...more, from: known.from, workflowId, ...(url === null ? {} : { webUrl: url }) });
    return EXIT.ok;
  }
  if (known.from !== 'workflow' && view.endedAt === null) {
    session.note(`tasks: no worker answers; this is what ${known.from === 'ledger' ? 'the ledger' : 'Temporal'} knows`);
  }
  if (version !== null && !asks.some((ask) => ask.version === version)) {
    session.note(`tasks: ${await whyNothing(session, { id, version }, view, asks)}`);
  }
  const page = { view, body: bodyOf(detail), asks, exchanges, events, running: known.pending, webUrl: url };
  session.print(...renderTask({ ...page, ...(hibernated === null ? {} : { hibernated }) }, session.screen()));
  return EXIT.ok;
}

function merge(recorded: readonly TaskEvent[], unrecorded: readonly TaskEvent[]): readonly TaskEvent[] {
  const bySequence = new Map([...recorded, ...unrecorded].map((event) => [event.sequence, event]));
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
}

/** A proposal's or question's text is what it asks about: it is shown there. */
function bodyOf(detail: TaskDetail | null): string | null {
  if (detail === null) return null;
  const isAsked = detail.spec.type !== 'task' && detail.asks.length > 0 && detail.view.attempt === 0;
  return isAsked ? null : detail.spec.body;
}
