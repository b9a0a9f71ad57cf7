/** What waits for landing: as each integration workflow tells it, else as the ledger knows it. */

import { parseBranchName, parseProjectName, workflowIds } from '../../core/ids.ts';
import type { QueueView } from '../../core/queue-types.ts';
import { queueQuery, WORKFLOW_TYPES } from '../../workflows/messages.ts';
import { mapBounded } from '../bounded.ts';
import { EXIT } from '../errors.ts';
import { withGateSlots } from '../gate-slots.ts';
import { requireProject } from '../known-projects.ts';
import { withTitles } from '../queue-titles.ts';
import { renderQueue, type ShownQueue } from '../render/queue.ts';
import type { Session } from '../session.ts';
import { CALL_MS, isFailing, isNoAnswer, isNoWorker, type Temporal } from '../temporal.ts';
import { readProject } from './list.ts';
import { tryLedger } from '../try-ledger.ts';

const QUERY_MS = 2_000;
const AT_ONCE = 8;

/** `tasks queue`. */
export async function queue(
  session: Session,
  options: { readonly json?: true; readonly project?: string },
): Promise<number> {
  const project = readProject(options.project);
  const temporal = await session.temporal();
  const targets = (await listTargets(temporal)).filter((target) => project === null || target.project === project);
  if (targets.length === 0) await requireProject(session, project);
  const queues = await mapBounded(targets, AT_ONCE, (target) => readQueue(session, temporal, target));
  if (session.json) for (const { shown } of queues) session.printJson(shown);
  else if (queues.length === 0) session.note('nothing has been handed off for landing yet');
  else session.print(...queues.flatMap(({ shown }) => renderQueue(shown, session.screen())));
  for (const { silence } of queues) {
    if (silence !== null) session.note(`tasks: ${silence}; this is what the ledger knows`);
  }
  return EXIT.ok;
}

interface Read {
  readonly shown: ShownQueue;
  /** Why it is not the queue's own word; null when it is. */
  readonly silence: string | null;
}

/** Why a queue has not said how it is, by what asking it came to. */
export function silenceOf(project: string, error: unknown): string {
  if (isFailing(error)) return `the queue of ${project} cannot go on, and the workers' logs say why`;
  if (isNoWorker(error)) return `no worker answers for ${project}; start one with: tasks up, or tasks worker`;
  return `no worker has answered for ${project} in ${QUERY_MS / 1_000} s: it is gone, or busy`;
}

type Target = Pick<QueueView, 'project' | 'branch'>;

/** The integration workflows that run. */
export async function listTargets(temporal: Temporal): Promise<readonly Target[]> {
  return temporal.within(CALL_MS, async () => {
    const targets = new Map<string, Target>();
    const query = `WorkflowType = '${WORKFLOW_TYPES.integration}' AND ExecutionStatus = 'Running'`;
    for await (const { workflowId } of temporal.client.workflow.list({ query, pageSize: 200 })) {
      const [, name = '', ...rest] = workflowId.split('/');
      const project = parseProjectName(name);
      const branch = parseBranchName(rest.join('/'));
      if (project.kind === 'ok' && branch.kind === 'ok') {
        targets.set(workflowId, { project: project.value, branch: branch.value });
      }
    }
    return [...targets.values()].sort((a, b) => a.project.localeCompare(b.project) || a.branch.localeCompare(b.branch));
  });
}

async function readQueue(session: Session, temporal: Temporal, target: Target): Promise<Read> {
  const { project, branch } = target;
  const handle = temporal.client.workflow.getHandle(workflowIds.integration(project, branch));
  let silence: string;
  try {
    const view = await temporal.connection.withDeadline(Date.now() + QUERY_MS, () => handle.query(queueQuery));
    const shown = await withTitles(session, await withGateSlots(temporal, view));
    return { shown: { ...shown, from: 'workflow' }, silence: null };
  } catch (error) {
    if (!isNoAnswer(error) && !isNoWorker(error)) throw error;
    silence = silenceOf(project, error);
  }
  const views = await tryLedger(session, (ledger) => ledger.listTasks({ project, states: ['landing'], limit: 1_000 }));
  const rows = (views ?? []).toReversed().map((view, index) => ({
    position: index + 1,
    id: view.id,
    title: view.title,
    priority: 'normal' as const,
    state: 'queued' as const,
    base: view.checkpoint?.base ?? null,
    tree: null,
    verdict: null,
    waitingFor: view.waitingFor?.text ?? null,
    since: view.createdAt,
    estimate: null,
  }));
  const unknown = { landed: 0, window: 1, flakes: 0, more: 0, stopped: null, evidence: null, alarms: [] } as const;
  const shown: ShownQueue = { project, branch, origin: views?.[0]?.origin ?? '', ...unknown, rows, from: 'ledger' };
  return { shown, silence };
}
