/** Stops the stack, and what is left of one that was killed. */

import { stopStack } from '../../local/stack.ts';
import { EXIT } from '../errors.ts';
import { showProgress } from '../progress.ts';
import { stoppedWords } from '../render/stack.ts';
import type { Session } from '../session.ts';

/** `tasks down`: also when nothing runs it exits with 0. */
export async function down(session: Session): Promise<number> {
  const progress = showProgress(session);
  try {
    const stopped = await stopStack(session.environment.home, {
      report: (part) => progress.update(`stopping ${stoppedWords([part])}`),
    });
    progress.stop();
    if (session.json) session.printJson({ stopped });
    else session.print(stopped.length === 0 ? 'nothing was running' : `stopped ${stoppedWords(stopped)}`);
    return EXIT.ok;
  } finally {
    progress.stop();
  }
}
