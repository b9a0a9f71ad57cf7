/** Checks everything that Tributary needs, each with the fix. Exit 1 when one fails. */

import { EXIT } from '../errors.ts';
import { checkHost } from '../doctor/host.ts';
import { checkProject } from '../doctor/project.ts';
import { checkServers } from '../doctor/servers.ts';
import { showProgress } from '../progress.ts';
import { renderChecks, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

/** `tasks doctor`. */
export async function doctor(session: Session): Promise<number> {
  const progress = showProgress(session.io.stderr);
  const groups = [
    { name: 'this machine', run: checkHost },
    { name: 'the servers', run: checkServers },
    { name: 'this repository', run: checkProject },
  ];
  const checks: Check[] = [];
  try {
    for (const { name, run } of groups) {
      progress.update(`checking ${name}`);
      checks.push(...(await run(session)));
    }
  } finally {
    progress.stop();
  }
  const failed = checks.filter(({ verdict }) => verdict === 'fail').length;
  if (session.json) session.printJson({ ok: failed === 0, checks });
  else session.print(...renderChecks(checks, session.palette));
  return failed === 0 ? EXIT.ok : EXIT.failed;
}
