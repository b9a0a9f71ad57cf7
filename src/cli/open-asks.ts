/** What a task asks people at this moment: by its workflow's own word, else by the ledger's record. */

import type { AskView } from '../core/ask-types.ts';
import { settledText } from '../core/ask-view.ts';
import { isEnd, type TaskView } from '../core/task-types.ts';
import { Failed } from './errors.ts';
import { readKnown, type Known } from './known.ts';
import type { Session } from './session.ts';
import { targetText, type Target } from './target.ts';
import { tryLedger } from './try-ledger.ts';

/** The open ones of a task that has been read; null when nobody can say. */
export async function openAsksOf(session: Session, { view, detail, from }: Known): Promise<readonly AskView[] | null> {
  if (detail !== null) return detail.asks;
  if (from === 'temporal') return null;
  const { waitingFor } = view;
  if (waitingFor === null || waitingFor.version === null) return [];
  const oldest = waitingFor.version;
  const rows = await tryLedger(session, (ledger) => ledger.readAsks(view.id));
  return rows?.filter(({ version, reply }) => reply === null && version >= oldest) ?? null;
}

/**
 * The asks that a reply can be meant for: the one that it names, or those that are open.
 *
 * @throws Failed when none is, or when nobody can say
 */
export async function requireOpen(
  session: Session,
  target: Target,
): Promise<{ readonly view: TaskView; readonly asks: readonly AskView[] }> {
  const open = await findOpen(session, target);
  if (open !== null) return open;
  throw new Failed(
    `${target.id}: what is open cannot be read, neither a worker nor the ledger answers; start one with tasks up, or name the version as tasks inbox printed it`,
  );
}

/** The same, or null when neither a worker nor the ledger can say what is open. */
export async function findOpen(
  session: Session,
  { id, version }: Target,
): Promise<{ readonly view: TaskView; readonly asks: readonly AskView[] } | null> {
  const known = await readKnown(session, id);
  const { view } = known;
  const asks = await openAsksOf(session, known);
  if (asks === null) return null;
  const meant = version === null ? asks : asks.filter((ask) => ask.version === version);
  if (meant.length === 0) throw new Failed(await whyNothing(session, { id, version }, view, asks));
  return { view, asks: meant };
}

/** Why a reply comes to nothing, with what already holds. */
export async function whyNothing(
  session: Session,
  { id, version }: Target,
  view: TaskView,
  open: readonly AskView[],
): Promise<string> {
  const rows = (await tryLedger(session, (ledger) => ledger.readAsks(id))) ?? [];
  const late =
    version === null ? rows.findLast(({ reply }) => reply !== null) : rows.find((r) => r.version === version);
  const reply = late?.reply ?? null;
  const held =
    late === undefined || reply === null
      ? version === null
        ? null
        : `${version} is not open`
      : settledText(late.version, reply.how, reply.actor, reply.at);
  const now = isEnd(view.state)
    ? `the task has ended (${view.state})`
    : open.length === 0
      ? `the task is ${view.state}`
      : `open is ${open.map((ask) => targetText({ id, version: ask.version })).join(', ')}`;
  const nothing = version === null ? 'nothing is open that waits for a reply' : null;
  return `${id}: ${[nothing, held, now].filter((part) => part !== null).join('; ')}; see it with: tasks show ${id}`;
}
