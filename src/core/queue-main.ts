/** What a queue makes of where main is: its own landings' place, a person's commit on top of it, or a history that was rewritten. */

import type { ObjectId } from './ids.ts';
import { haltFor, resumeCommand } from './queue-answers.ts';
import type { QueueClock } from './queue-exchange.ts';
import type { Queue } from './queue-state.ts';
import type { MainSeen } from './queue-types.ts';

const MAX_VANISHED = 10;
/** Landings are merges. */
const LAND_AGAIN = 'tasks submit TITLE --run "git cherry-pick -m 1 --no-commit COMMIT"';

/**
 * Whether nobody needs to know if a red main is green by now: nothing waits for it, it is where it was red, and no person has asked
 * since. It is gated again as soon as one of these is no longer so.
 */
export function isRedAtRest({ redRests, redMain, main, chain, line }: Queue): boolean {
  const isAsked = redMain === null || redMain.tries === 0 || main?.standing !== 'red';
  return redRests === true && !isAsked && chain.length + line.length === 0;
}

/** Takes note of where main is. While a push is under way, main moves by it: that word comes by itself. */
export function seeMain(queue: Queue, seen: MainSeen | null, known: ObjectId | null, clock: QueueClock): Queue {
  const { main } = queue;
  if (seen === null || known !== (main?.commit ?? null) || seen.commit === main?.commit) return queue;
  if (queue.chain.some(({ stage }) => stage.kind === 'landing')) return queue;
  if (seen.since === 'rewritten' && main !== null) {
    const listed = seen.vanished.slice(0, MAX_VANISHED).join('; ');
    const more = seen.vanished.length > MAX_VANISHED ? ` and ${seen.vanished.length - MAX_VANISHED} more` : '';
    const lost =
      listed === '' ? 'No landing is lost' : `No longer there (each lands again by ${LAND_AGAIN}): ${listed}${more}`;
    // Tasks are told the beginning alone, so what is to be done comes first.
    const text = `main was rewritten (${main.commit} → ${seen.commit}). When that is right: ${resumeCommand(clock.project)}. ${lost}`;
    if (queue.halt?.kind === 'rewritten') return queue;
    return haltFor(queue, 'rewritten', text, clock);
  }
  const redMain = queue.redMain === null ? null : { ...queue.redMain, againMs: clock.nowMs };
  return {
    ...queue,
    main: { commit: seen.commit, standing: 'unknown', foreign: main !== null },
    redMain,
    mainAgainMs: 0,
  };
}
