/** Which tasks in flight conflict with main or with one another, as the radar has seen it last. */

import { present, type RadarReport } from '../../core/radar.ts';
import { isEnd } from '../../core/task-types.ts';
import { EXIT } from '../errors.ts';
import { requireProject } from '../known-projects.ts';
import { renderConflicts } from '../render/conflicts.ts';
import type { Session } from '../session.ts';
import { readProject } from './list.ts';

/** `tasks conflicts`. */
export async function conflicts(
  session: Session,
  options: { readonly json?: true; readonly project?: string },
): Promise<number> {
  const ledger = await session.needLedger();
  const project = readProject(options.project);
  const reports = await ledger.readRadar(project);
  if (reports.length === 0) await requireProject(session, project);
  const views = await ledger.readTasks([...new Set(reports.flatMap(idsOf))]);
  const ended = new Set(views.filter(({ state }) => isEnd(state)).map(({ id }) => id));
  const shown = reports.map((report) => present(report, ended));
  if (session.json) for (const report of shown) session.printJson(report);
  else if (shown.every(({ withMain, overlaps }) => withMain.length + overlaps.length === 0)) {
    session.note('no task in flight conflicts with main, and none touches the files of another');
  } else session.print(...shown.flatMap((report) => renderConflicts(report, session.screen())));
  return EXIT.ok;
}

function idsOf({ withMain, overlaps }: RadarReport) {
  return [...withMain.map(({ id }) => id), ...overlaps.flatMap(({ tasks }) => tasks.map(({ id }) => id))];
}
