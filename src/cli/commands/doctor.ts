/** Checks everything that Tributary needs, each with the fix. Exit 1 when one fails. */

import { EXIT } from '../errors.ts';
import { checkHost } from '../doctor/host.ts';
import { checkProject } from '../doctor/project.ts';
import { checkServers } from '../doctor/servers.ts';
import { messageOf } from '../../core/thrown.ts';
import { isFull, MAKE_ROOM } from '../doctor/full.ts';
import { showProgress } from '../progress.ts';
import { bad, renderChecks, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

/** Whatever ends a part of it: the other parts, which may tell why, are still to be shown. */
function brokenOff(name: string, error: unknown): Check {
  const fix = isFull(error) ? MAKE_ROOM : 'mend that; TASKS_DEBUG=1 with the command that fails tells more';
  return bad(name, `could not be checked to its end: ${messageOf(error)}`, fix);
}

/** `tasks doctor`. */
export async function doctor(session: Session): Promise<number> {
  const progress = showProgress(session);
  const groups = [
    { name: 'this machine', run: checkHost },
    { name: 'the servers', run: checkServers },
    { name: 'this repository', run: checkProject },
  ];
  const checks: Check[] = [];
  try {
    for (const { name, run } of groups) {
      progress.update(`checking ${name}`);
      checks.push(...(await run(session).catch((error: unknown) => [brokenOff(name, error)])));
    }
  } finally {
    progress.stop();
  }
  const failed = checks.filter(({ verdict }) => verdict === 'fail').length;
  if (session.json) session.printJson({ ok: failed === 0, checks });
  else session.print(...renderChecks(checks, session.palette));
  return failed === 0 ? EXIT.ok : EXIT.failed;
}
