/** Has this host's repositories packed now and then, when they are idle; what can be and is decided in git/upkeep.ts. */

import { messageOf } from '../core/thrown.ts';
import type { GitRoom } from '../git/types.ts';

export const UPKEEP_EVERY_MS = 5 * 60_000;

export interface UpkeepOptions {
  readonly git: Pick<GitRoom, 'keepUp'>;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** One look, within a minute for each repository. Never fails: the next one tries again. @returns the milliseconds until that */
export async function keepUp({ git, log }: UpkeepOptions): Promise<number> {
  try {
    for (const { repository, kind, loose, packs, text } of await git.keepUp()) {
      if (kind === 'done') log('packed a repository', { repository, loose, packs });
      if (kind === 'failed')
        log('a repository could not be packed; the next look tries again', { repository, reason: text });
    }
  } catch (error) {
    log('upkeep failed; the next look tries again', { reason: messageOf(error) });
  }
  return UPKEEP_EVERY_MS;
}
