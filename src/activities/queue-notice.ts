/** Has people told of a queue, by the rules of the project as they stand on main, and of the host. */

import type { Dependencies } from './dependencies.ts';
import { workflowIds } from '../core/ids.ts';
import type { QueueNewsRequest } from '../core/queue-news.ts';
import type { NotifyRule } from '../core/task-types.ts';
import type { NoticeStarter } from './notice-start.ts';
import { readSettings } from './project-settings.ts';

/** @throws Error when a notice could not be started: it may be tried again, and is told once all the same */
export async function tellOfQueue(
  deps: Pick<Dependencies, 'git' | 'parseSettings' | 'log'>,
  notices: Pick<NoticeStarter, 'tellOf'>,
  request: QueueNewsRequest,
): Promise<void> {
  const { target, news } = request;
  const { kind, name, atMs, title, text, commands } = news;
  const told = {
    id: workflowIds.queueNotice(target.project, target.branch, name),
    event: 'queue',
    project: target.project,
    task: null,
    at: new Date(atMs).toISOString(),
    sequence: 0,
    versions: [],
    queue: { branch: target.branch, kind },
    title,
    text,
    commands,
  } as const;
  const page = workflowIds.integration(target.project, target.branch);
  if (!(await notices.tellOf(told, await rulesOf(deps, request), page))) {
    throw new Error(`the notice ${told.id} could not be started`);
  }
}

/** A tasks.yaml that cannot be read must not keep the host's own rules from being heard. */
async function rulesOf(
  deps: Pick<Dependencies, 'git' | 'parseSettings' | 'log'>,
  { target, main: known }: QueueNewsRequest,
): Promise<readonly NotifyRule[]> {
  // Just when there is something to tell, main may be another than the queue knows.
  const main = (await deps.git.lookAtMain(target, null))?.commit ?? known;
  if (main === null) return [];
  const read = await readSettings(deps, target, main);
  if (read.kind === 'ok') return read.settings.policy.notify;
  deps.log("a queue's notice goes to the host's targets alone", { main, reason: read.failure.message });
  return [];
}
