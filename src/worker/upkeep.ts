/** Has this host's repositories packed now and then, when they are idle; what can be and is decided in git/upkeep.ts. */

import { messageOf } from '../core/thrown.ts';
import type { GitRoom } from '../git/types.ts';

const LOOK_EVERY_MS = 5 * 60_000;

export interface UpkeepOptions {
  readonly git: Pick<GitRoom, 'keepUp'>;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> | null = null;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Looks now, or goes along with the look that is under way. Never fails: the next look tries again. */
  look(): Promise<void> {
    this.#working ??= this.#keepUp().finally(() => {
      this.#working = null;
    });
    return this.#working;
  }

  /** What is under way ends by itself, within a minute for each repository. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#working;
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
