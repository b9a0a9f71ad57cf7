/** One task: its state, its history, and what it waits for. */

import type { TaskEvent } from '../../core/task-events.ts';
import { workflowIds } from '../../core/ids.ts';
import type { Exchange } from '../../core/task-types.ts';
import { EXIT } from '../errors.ts';
import { readKnown } from '../known.ts';
import { tryLedger } from '../outcome.ts';
import { renderTask } from '../render/task.ts';
import { resolveId } from '../resolve-id.ts';
import { webUrl, type Session } from '../session.ts';

/** `tasks show`. */
export async function show(session: Session, _options: unknown, args: readonly string[]): Promise<number> {
  const id = await resolveId(session, args[0] ?? '');
  const [known, recorded, attempts] = await Promise.all([
    readKnown(session, id),
    tryLedger(session, (ledger) => ledger.readEvents(id)),
    tryLedger(session, (ledger) => ledger.readAttempts(id)),
  ]);
  const { view, detail } = known;
  const events = merge(recorded ?? [], detail?.unrecorded ?? []);
  const workflowId = workflowIds.task(id);
  const url = webUrl((await session.temporal()).settings, workflowId);
  const exchanges = detail?.exchanges ?? exchangesOf(events);
  if (session.json) {
    const more = { exchanges, request: detail?.request ?? null, attempts: attempts ?? [], events };
    session.printJson({ ...view, ...more, from: known.from, workflowId, ...(url === null ? {} : { webUrl: url }) });
    return EXIT.ok;
  }
  if (known.from !== 'workflow' && view.endedAt === null) {
    session.note(`tasks: no worker answers; this is what ${known.from === 'ledger' ? 'the ledger' : 'Temporal'} knows`);
  }
  session.print(
    ...renderTask({ view, body: detail?.spec.body ?? null, exchanges, events, webUrl: url }, session.screen()),
  );
  return EXIT.ok;
}

function merge(recorded: readonly TaskEvent[], unrecorded: readonly TaskEvent[]): readonly TaskEvent[] {
  const bySequence = new Map([...recorded, ...unrecorded].map((event) => [event.sequence, event]));
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
}

/** Questions with their answers, from the record. */
function exchangesOf(events: readonly TaskEvent[]): readonly Exchange[] {
  const questions = new Map<number, string>();
  const exchanges: Exchange[] = [];
  for (const { happened, at } of events) {
    if (happened.kind === 'asked') questions.set(happened.ask.version, happened.ask.text);
    if (happened.kind !== 'answered') continue;
    const question = questions.get(happened.version) ?? '';
    exchanges.push({ kind: 'question', question, answer: happened.text, actor: happened.actor, atMs: Date.parse(at) });
  }
  return exchanges;
}
