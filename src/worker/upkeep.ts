/** Has this host's repositories packed now and then, when they are idle; what can be and is decided in git/upkeep.ts. */

import { messageOf } from '../core/thrown.ts';
import type { GitRoom } from '../git/types.ts';
import { Rounds } from './rounds.ts';

const LOOK_EVERY_MS = 5 * 60_000;

export interface UpkeepOptions {
  readonly git: Pick<GitRoom, 'keepUp'>;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #rounds: Rounds;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#rounds = new Rounds(async () => {
      await this.#keepUp();
      return LOOK_EVERY_MS;
    });
  }

  start(): void {
    this.#rounds.start(LOOK_EVERY_MS);
  }

  /** What is under way ends by itself, within a minute for each repository. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #keepUp(): Promise<void> {
    const { git, log } = this.#options;
    try {
      for (const { repository, kind, loose, packs, text } of await git.keepUp()) {
        if (kind === 'done') log('packed a repository', { repository, loose, packs });
        if (kind === 'failed')
          log('a repository could not be packed; the next look tries again', { repository, reason: text });
      }
    } catch (error) {
      log('upkeep failed; the next look tries again', { reason: messageOf(error) });
    }
  }
}
