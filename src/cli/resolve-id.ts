/** From what a person typed to a task's id. */

import { parseTaskId, parseTaskIdPrefix, quote, taskIdOfWorkflow, type TaskId } from '../core/ids.ts';
import type { LedgerReader } from '../ledger/types.ts';
import { LedgerUnavailable } from '../ledger/types.ts';
import { UsageError } from './errors.ts';
import type { Session } from './session.ts';
import { CALL_MS } from './temporal.ts';

/** The one task whose id begins so; a whole id is taken as it is. @throws UsageError when there is none or several */
export async function resolveId(session: Session, text: string): Promise<TaskId> {
  const prefix = parseTaskIdPrefix(text.trim().toLowerCase());
  if (prefix.kind === 'invalid') throw new UsageError(prefix.message);
  const whole = parseTaskId(prefix.value);
  if (whole.kind === 'ok') return whole.value;
  const found = await findIds(session, prefix.value);
  const [first, second] = found.toSorted();
  if (first === undefined) throw new UsageError(noTask(prefix.value));
  if (second !== undefined) {
    throw new UsageError(
      `${quote(prefix.value)} is ambiguous: ${first} and ${second} begin with it; give more of the id`,
    );
  }
  return first;
}

/** Each of them once, in their order. */
export async function resolveIds(session: Session, texts: readonly string[]): Promise<readonly TaskId[]> {
  const ids = await Promise.all(texts.map((text) => resolveId(session, text)));
  return [...new Set(ids)];
}

export function noTask(text: string): string {
  return `no task begins with ${quote(text)}; tasks list --all shows them`;
}

async function findIds(session: Session, prefix: string): Promise<readonly TaskId[]> {
  const inLedger = await fromLedger(await session.ledger(), prefix);
  return inLedger.length > 0 ? inLedger : fromVisibility(session, prefix);
}

async function fromLedger(ledger: LedgerReader | null, prefix: string): Promise<readonly TaskId[]> {
  try {
    return (await ledger?.findIds(prefix)) ?? [];
  } catch (error) {
    if (error instanceof LedgerUnavailable) return [];
    throw error;
  }
}

async function fromVisibility(session: Session, prefix: string): Promise<readonly TaskId[]> {
  const temporal = await session.temporal();
  return temporal.within(CALL_MS, async () => {
    const ids = new Set<TaskId>();
    const query = `WorkflowType = 'task' AND WorkflowId STARTS_WITH 'task/${prefix}'`;
    for await (const execution of temporal.client.workflow.list({ query, pageSize: 10 })) {
      const id = taskIdOfWorkflow(execution.workflowId);
      if (id !== null) ids.add(id);
      if (ids.size === 2) break;
    }
    return [...ids];
  });
}
