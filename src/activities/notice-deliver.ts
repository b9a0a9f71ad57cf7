/** Tells one target of a notice: is it still to be told, where is the target, one try. What fails is tried again. */

import { ApplicationFailure, Context } from '@temporalio/activity';
import { whySettled } from '../core/notice.ts';
import type { Delivered, DeliveryRequest, Notice, NoticeTarget } from '../core/notice-types.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { failed } from '../notify/types.ts';
import type { Dependencies } from './dependencies.ts';

/** What is younger has just happened: the ledger is not asked whether it is settled. */
const FRESH_MS = 30_000;
const MAX_NAMED = 10;

type Needs = Pick<Dependencies, 'hostId' | 'log'> & {
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
async function settledBy({ ledger, notices, log }: Needs, notice: Notice): Promise<string | null> {
  if (notices.nowMs() - Date.parse(notice.at) < FRESH_MS) return null;
  try {
    return whySettled(notice, await ledger.readEvents(notice.task));
  } catch (error) {
    log('whether a notice is settled is not known: it is sent', { notice: notice.id, reason: messageOf(error) });
    return null;
  }
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
