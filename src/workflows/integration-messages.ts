/** What the integration workflow hears: signals may come from anybody, and of another version. */

import type { Control } from '../core/queue.ts';
import type { QueueItem } from '../core/queue-types.ts';
import { PRIORITIES } from '../core/task-types.ts';
import { isRecord } from '../core/text.ts';
import type { HandOffMessage, VerdictMessage, WithdrawMessage } from './messages.ts';

export function isHandOff(message: unknown): message is HandOffMessage {
  return (
    isRecord(message) &&
    typeof message['origin'] === 'string' &&
    isRecord(message['item']) &&
    typeof message['item']['taskId'] === 'string' &&
    typeof message['item']['attempt'] === 'number'
  );
}

/** The item, with what a task of an earlier version does not say. */
export function itemIn({ item }: HandOffMessage): QueueItem {
  const given: Partial<QueueItem> = item;
  const { priority } = given;
  return {
    ...item,
    priority: priority !== undefined && PRIORITIES.includes(priority) ? priority : 'normal',
    placeMs: given.placeMs ?? item.enqueuedAtMs,
    returns: given.returns ?? 0,
    mayReturn: given.mayReturn ?? 0,
    turnMs: given.turnMs ?? 0,
    parent: given.parent ?? null,
  };
}

export function isWithdrawal(message: unknown): message is WithdrawMessage {
  return isRecord(message) && typeof message['taskId'] === 'string' && typeof message['handoff'] === 'number';
}

export function isVerdict(message: unknown): message is VerdictMessage {
  if (!isRecord(message) || typeof message['key'] !== 'string' || !isRecord(message['state'])) return false;
  const { kind, verdict } = message['state'];
  return kind === 'running' || (kind === 'ended' && isRecord(verdict) && typeof verdict['kind'] === 'string');
}

export function isControl(message: unknown): message is Control {
  if (!isRecord(message) || typeof message['actor'] !== 'string') return false;
  const { action, taskId } = message;
  if (action === 'pause' || action === 'resume') return true;
  return (action === 'promote' || action === 'remove') && typeof taskId === 'string';
}
