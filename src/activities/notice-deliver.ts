/** Tells one target of a notice: is it still to be told, where is the target, one try. What fails is tried again. */

import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { parseProjectName, workflowIds } from '../core/ids.ts';
import { whySettled } from '../core/notice.ts';
import type { Delivered, DeliveryRequest, Notice, NoticeTarget } from '../core/notice-types.ts';
import { whyNewsSettled } from '../core/queue-news.ts';
import type { QueueView } from '../core/queue-types.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { failed } from '../notify/types.ts';
import type { Dependencies } from './dependencies.ts';

/** What is younger has just happened: the ledger is not asked whether it is settled. */
const FRESH_MS = 30_000;
const MAX_NAMED = 10;
const ASK_WITHIN_MS = 5_000;
// Spelled out, since activities may not import workflows; test/activities compares it with workflows/messages.ts.
export const QUEUE_QUERY = 'queue';

type Needs = Pick<Dependencies, 'hostId' | 'log' | 'client'> & {
  readonly ledger: Pick<Dependencies['ledger'], 'readEvents'>;
  readonly notices: Pick<Dependencies['notices'], 'room' | 'readTargets' | 'nowMs'>;
};

/** @throws ApplicationFailure when the target was not told, without its secrets (N10) */
export async function deliver(deps: Needs, { notice, to }: DeliveryRequest): Promise<Delivered> {
  const settled = await settledBy(deps, notice);
  if (settled !== null) return { kind: 'settled', said: settled };
  const target = await targetOf(deps, to);
  const told = target.kind === 'missing' ? failed(target.message, true) : await deps.notices.room.tell(target, notice);
  if (told.kind === 'told') return { kind: 'sent', said: told.said };
  const { attempt } = Context.current().info;
  deps.log('a target was not told', { to, notice: notice.id, attempt, again: told.again, reason: told.message });
  throw ApplicationFailure.create({
    type: 'NotTold',
    message: told.message,
    nonRetryable: !told.again,
    ...(told.afterMs === null ? {} : { nextRetryDelay: told.afterMs }),
  });
}

/** What has become of it since; null when it is still to be told, and when nobody knows. */
async function settledBy({ ledger, notices, client, log }: Needs, notice: Notice): Promise<string | null> {
  if (notices.nowMs() - Date.parse(notice.at) < FRESH_MS) return null;
  try {
    if (notice.task !== null) return whySettled(notice, await ledger.readEvents(notice.task));
    return notice.queue === undefined ? null : await settledByQueue(client, notice.project, notice.queue);
  } catch (error) {
    log('whether a notice is settled is not known: it is sent', { notice: notice.id, reason: messageOf(error) });
    return null;
  }
}

async function settledByQueue(
  client: Client,
  project: string,
  { branch, kind }: NonNullable<Notice['queue']>,
): Promise<string | null> {
  const name = parseProjectName(project);
  if (name.kind === 'invalid') return null;
  const handle = client.workflow.getHandle(workflowIds.integration(name.value, branch));
  const asked = () => handle.query<QueueView>(QUEUE_QUERY);
  return whyNewsSettled(kind, await client.connection.withDeadline(Date.now() + ASK_WITHIN_MS, asked));
}

/** Another host may have what this one has not, or this one soon. */
async function targetOf(
  { notices, hostId }: Needs,
  name: string,
): Promise<NoticeTarget | { readonly kind: 'missing'; readonly message: string }> {
  const targets = await notices.readTargets();
  if (targets.kind === 'invalid') return { kind: 'missing', message: targets.message };
  const target = Object.hasOwn(targets.value, name) ? targets.value[name] : undefined;
  if (target !== undefined) return target;
  const known = Object.keys(targets.value).slice(0, MAX_NAMED);
  const has = known.length === 0 ? 'has no targets' : `has ${known.join(', ')}`;
  const message = `host ${hostId} ${has}; add ${oneLine(name, 60)} under targets: in its host.yaml`;
  return { kind: 'missing', message };
}
