/** What the integration workflow hears: signals may come from anybody, and of another version. */

import type { Control } from '../core/queue.ts';
import { parseObjectId, parseTaskId, type TaskId } from '../core/ids.ts';
import type { QueueItem } from '../core/queue-types.ts';
import { PRIORITIES } from '../core/task-types.ts';
import { isRecord } from '../core/text.ts';
import type { HandOffMessage, VerdictMessage, WithdrawMessage } from './messages.ts';

/** With all that landing cannot do without: one that lacks it would hold up all behind it, or the queue itself. */
export function isHandOff(message: unknown): message is HandOffMessage {
  if (!isRecord(message) || typeof message['origin'] !== 'string' || !isRecord(message['item'])) return false;
  const { taskId, attempt, head, base, title, summary, author, enqueuedAtMs } = message['item'];
  return (
    isTaskId(taskId) &&
    Number.isSafeInteger(attempt) &&
    areTexts([head, base, title, summary]) &&
    [head, base].every((id) => parseObjectId(String(id)).kind === 'ok') &&
    isRecord(author) &&
    areTexts([author['name'], author['email']]) &&
    Number.isFinite(enqueuedAtMs)
  );
}

/** The item, with what a task of an earlier version does not say; what makes no sense counts as not said. */
export function itemIn({ item }: HandOffMessage): QueueItem {
  const { removedTests, firstRun, ...said } = item;
  const { priority, placeMs, returns, mayReturn, turnMs, parent }: Partial<Record<keyof QueueItem, unknown>> = said;
  return {
    ...said,
    priority: PRIORITIES.find((one) => one === priority) ?? 'normal',
    placeMs: numberOr(item.enqueuedAtMs, placeMs),
    returns: numberOr(0, returns),
    mayReturn: numberOr(0, mayReturn),
    turnMs: numberOr(0, turnMs),
    parent: isTaskId(parent) ? parent : null,
    ...(Array.isArray(removedTests) && areTexts(removedTests) ? { removedTests } : {}),
    ...(typeof firstRun === 'string' ? { firstRun } : {}),
  };
}

function isTaskId(value: unknown): value is TaskId {
  return typeof value === 'string' && parseTaskId(value).kind === 'ok';
}

function areTexts(values: readonly unknown[]): values is readonly string[] {
  return values.every((value) => typeof value === 'string');
}

function numberOr(otherwise: number, value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

export function isWithdrawal(message: unknown): message is WithdrawMessage {
  return isRecord(message) && typeof message['taskId'] === 'string' && typeof message['handoff'] === 'number';
}

export function isVerdict(message: unknown): message is VerdictMessage {
  if (!isRecord(message) || typeof message['key'] !== 'string' || !isRecord(message['state'])) return false;
  const { kind, runId, verdict } = message['state'];
  if (kind === 'running') return typeof runId === 'string';
  return kind === 'ended' && isRecord(verdict) && isEnd(verdict);
}

function isEnd({
  kind,
  reason,
  failedCommand,
  text,
  logTail,
  landedSince,
}: Readonly<Record<string, unknown>>): boolean {
  switch (kind) {
    case 'green':
      return true;
    case 'red':
      return areTexts([failedCommand, text, logTail]) && Array.isArray(landedSince);
    case 'none':
      return typeof reason === 'string';
    default:
      return false;
  }
}

export function isControl(message: unknown): message is Control {
  if (!isRecord(message) || typeof message['actor'] !== 'string') return false;
  const { action, taskId } = message;
  if (action === 'pause' || action === 'resume') return true;
  return (action === 'promote' || action === 'remove') && typeof taskId === 'string';
}
