/** Stops the stack, and what is left of one that was killed. */

import { stopStack } from '../../local/stack.ts';
import { EXIT } from '../errors.ts';
import { showProgress } from '../progress.ts';
import type { Session } from '../session.ts';

/** `tasks down`: also when nothing runs it exits with 0. */
export async function down(session: Session): Promise<number> {
  const progress = showProgress(session);
  try {
    const stopped = await stopStack(session.environment.home, {
      report: (part) => progress.update(`stopping ${part}`),
    });
    progress.stop();
    if (session.json) session.printJson({ stopped });
    else session.print(stopped.length === 0 ? 'nothing was running' : `stopped ${stopped.join(', ')}`);
    return EXIT.ok;
  } finally {
    progress.stop();
  }
}
