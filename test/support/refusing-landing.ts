/** A landing adapter that does as it is told: it refuses every candidate as a protected branch does, or passes on to the real one. */

import type { LandingAdapter } from '../../src/activities/landing-adapter.ts';

export class RefusingLanding {
  /** Why every candidate is refused; null: none is. */
  refusal: string | null = null;
  /** Candidates that were to land while it refused, in their order. */
  readonly refused: string[] = [];

  over(real: LandingAdapter): LandingAdapter {
    return {
      land: (target, item, candidate) => {
        if (this.refusal === null) return real.land(target, item, candidate);
        this.refused.push(candidate.commit);
        return Promise.resolve({ kind: 'protected', text: this.refusal });
      },
    };
  }
}
