/**
 * Candidates that could not land: what keeps one from it lasts, and to try again what cannot be done yet has the queue take it for
 * free and held by turns, each of which its task, the ledger and people are told.
 *
 * Owns what this worker knows of it, one candidate a branch. It is told by its tree and by what it stands on: the commit may be
 * written anew meanwhile. Another worker, or this one started again, tries once more than it would have to.
 */

import type { Candidate, LandResult, Target } from '../core/queue-types.ts';

export type StillHeld = Extract<LandResult, { kind: 'held' }>;

interface Known {
  readonly tree: string;
  readonly main: string;
  readonly why: StillHeld['why'];
  readonly text: string;
  /** Tries in a row that were held by what could not be seen before. */
  readonly tries: number;
  readonly atMs: number;
}

const FIRST_MS = 1_000;
/** A checkout that is held by what cannot be seen is held by a person: a rebase, say. */
const CAP_MS = { checkout: 60_000, other: 15_000 } as const;

export class HeldLandings {
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;

  /** @param now milliseconds, by a clock that nobody sets */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Notes what came of a try. */
  note(target: Target, candidate: Candidate, result: LandResult): void {
    if (result.kind !== 'held') return void this.#known.delete(keyOf(target));
    const { tree, main } = candidate;
    const tries = (this.#of(target, candidate)?.tries ?? 0) + 1;
    const { why, text } = result;
    this.#known.set(keyOf(target), { tree, main, why, text, tries, atMs: this.#now() });
  }

  /**
   * What a try would come to, where that is known; null: it is to be made.
   *
   * @param look says what can be seen of it without a try; asked only of a candidate that was held
   */
  async ask(target: Target, candidate: Candidate, look: () => Promise<string | null>): Promise<StillHeld | null> {
    const known = this.#of(target, candidate);
    if (known === null) return null;
    const seen = known.why === 'checkout' ? await look() : null;
    if (seen !== null) {
      this.#known.set(keyOf(target), { ...known, text: seen, tries: 0 });
      return { kind: 'held', why: known.why, text: seen };
    }
    const capMs = known.why === 'checkout' ? CAP_MS.checkout : CAP_MS.other;
    const restMs = known.tries < 2 ? 0 : Math.min(FIRST_MS * 2 ** (known.tries - 1), capMs);
    return this.#now() - known.atMs < restMs ? { kind: 'held', why: known.why, text: known.text } : null;
  }

  #of(target: Target, { tree, main }: Candidate): Known | null {
    const known = this.#known.get(keyOf(target));
    return known?.tree === tree && known.main === main ? known : null;
  }
}

function keyOf({ project, branch }: Target): string {
  return `${project}/${branch}`;
}
