/** Lists tasks, from the ledger. */

import { parseProjectName, quote, type ProjectName } from '../../core/ids.ts';
import { END_KINDS, isEnd, TASK_STATES, type TaskStateName, type TaskView } from '../../core/task-types.ts';
import { EXIT, UsageError } from '../errors.ts';
import { requireProject } from '../known-projects.ts';
import { renderList } from '../render/tasks.ts';
import type { Session } from '../session.ts';
import { tellStops } from '../stopped-queues.ts';
import { noteNobody, tellHosts } from '../waiting-hosts.ts';

export interface ListOptions {
  readonly json?: true;
  readonly all?: true;
  readonly state?: string;
  readonly project?: string;
  readonly limit?: number;
}

const RECENT = 10;
const MANY = 10_000;

/** `tasks list`. */
export async function list(session: Session, options: ListOptions): Promise<number> {
  const filter = { project: readProject(options.project), states: readStates(options.state) };
  const ledger = await session.needLedger();
  let views: readonly TaskView[];
  if (options.all === true || filter.states.length > 0 || options.limit !== undefined) {
    views = await ledger.listTasks({ ...filter, limit: options.limit ?? MANY });
  } else {
    const open = TASK_STATES.filter((state) => !isEnd(state));
    const [current, ended] = await Promise.all([
      ledger.listTasks({ ...filter, states: open, limit: MANY }),
      ledger.listTasks({ ...filter, states: END_KINDS, limit: RECENT }),
    ]);
    views = [...current, ...ended].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  }
  if (views.length === 0) await requireProject(session, filter.project);
  views = await tellStops(session, await tellHosts(session, views));
  // The id stands first: completion scripts look for it there.
  if (session.json) for (const { id, ...view } of views) session.printJson({ id, ...view });
  else if (views.length === 0) session.note('no tasks; submit one with: tasks submit "What is to be done"');
  else session.print(...renderList(views, session.screen()));
  if (views.length >= MANY && options.limit === undefined)
    session.note(`tasks: there may be more than these ${views.length}, the latest; give --limit for them`);
  if (views.some(({ state }) => !isEnd(state))) await noteNobody(session);
  return EXIT.ok;
}

/** A project's name from an option; null when it was left out. @throws UsageError */
export function readProject(text: string | undefined): ProjectName | null {
  if (text === undefined) return null;
  const parsed = parseProjectName(text);
  if (parsed.kind === 'invalid') throw new UsageError(`--${parsed.message}`);
  return parsed.value;
}

function readStates(text: string | undefined): readonly TaskStateName[] {
  if (text === undefined) return [];
  return text.split(',').map((part) => {
    const state = TASK_STATES.find((each) => each === part.trim());
    if (state !== undefined) return state;
    throw new UsageError(`--state: ${quote(part.trim())} is no state; give one of ${TASK_STATES.join(', ')}`);
  });
}
