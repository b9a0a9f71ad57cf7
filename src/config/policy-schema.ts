/** The shapes of what tasks.yaml says of trying again, and of how long attempts may take: for all phases, and for one. */

import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { PHASE_BACKOFF } from '../core/retry.ts';
import type { Backoff, Phase, PhasePolicy, TaskPolicy } from '../core/task-types.ts';
import { closed, must } from './explain.ts';
import { by, count, duration } from './schema-parts.ts';

const PHASES: readonly Phase[] = ['understand', 'plan', 'execute', 'revise'];
export const DEFAULT_ATTEMPTS = 3;
const MAX_ATTEMPTS = 20;
export const DEFAULT_IDLE = '15m';
export const DEFAULT_TIMEOUT = '2h';
const FIRST = `${PHASE_BACKOFF.firstMs / 1_000}s`;
const CAP = `${PHASE_BACKOFF.capMs / 60_000}m`;

/** Keys of tasks.yaml. */
export const attempts = count('Tries of one phase before a person is asked.', 1, MAX_ATTEMPTS, DEFAULT_ATTEMPTS);
export const idle = duration(
  'An attempt that prints nothing for this long, and in which nothing works either (a tenth of a core, on Linux), has stalled and is ended; it is tried once more, with what it had printed, before a person is asked.',
  DEFAULT_IDLE,
);
export const timeout = duration('An attempt that takes this long is ended.', DEFAULT_TIMEOUT);

export const backoff = closed(
  {
    first: duration(
      'After the first failure; doubled with each further one. Up to half of it is left to chance.',
      FIRST,
    ),
    cap: duration('At the most.', CAP),
  },
  'a map of first and cap',
  '{first: 10s, cap: 5m}',
)
  .meta({
    title: 'Back-off',
    description: `How long what failed waits before it is tried again: first, doubled with each further failure, up to cap. ${FIRST} and ${CAP} when left out.`,
    examples: [{ first: '10s', cap: '5m' }],
  })
  .optional();

const ownAttempts = must(`a whole number from 1 to ${MAX_ATTEMPTS}`, '1');
const ownDuration = z.string({ error: must('a duration', '20m') }).superRefine(by((text) => parseDuration(text)));
const onePhase = closed(
  {
    attempts: z
      .int({ error: ownAttempts })
      .min(1, { error: ownAttempts })
      .max(MAX_ATTEMPTS, { error: ownAttempts })
      .optional(),
    idle: ownDuration.optional(),
    timeout: ownDuration.optional(),
    backoff,
  },
  'a map of attempts, idle, timeout, backoff',
  '{attempts: 1, timeout: 20m}',
);

const own = onePhase.optional();
export const phases = closed(
  { understand: own, plan: own, execute: own, revise: own } satisfies Record<Phase, typeof own>,
  `a map of ${PHASES.join(', ')}`,
  'phases: {plan: {attempts: 1}}',
)
  .meta({
    title: 'Phases',
    description: `What one phase (${PHASES.join(', ')}) has instead of what holds for all: attempts, idle, timeout, backoff.`,
    examples: [{ plan: { attempts: 1, timeout: '20m' } }],
  })
  .nullish();

type Given = z.infer<typeof onePhase>;

/** Of what the schema has let through. */
export function completePolicy(
  file: Given & { readonly phases?: z.infer<typeof phases> },
): Pick<TaskPolicy, keyof PhasePolicy | 'phases' | 'retryStallsOnce'> {
  const single = Object.entries(file.phases ?? {}).map(
    ([phase, given]) => [phase, policyOfPhase(given ?? {})] as const,
  );
  return {
    attempts: DEFAULT_ATTEMPTS,
    idleTimeoutMs: ms(DEFAULT_IDLE),
    totalTimeoutMs: ms(DEFAULT_TIMEOUT),
    ...policyOfPhase(file),
    ...(single.length === 0 ? {} : { phases: Object.fromEntries(single) }),
    retryStallsOnce: true,
  };
}

function policyOfPhase(given: Given): PhasePolicy {
  return {
    ...(given.attempts === undefined ? {} : { attempts: given.attempts }),
    ...(given.idle === undefined ? {} : { idleTimeoutMs: ms(given.idle) }),
    ...(given.timeout === undefined ? {} : { totalTimeoutMs: ms(given.timeout) }),
    ...(given.backoff === undefined ? {} : { backoff: backoffOf(given.backoff) }),
  };
}

/** A first wait that is longer than the cap is the cap. */
function backoffOf({ first, cap }: NonNullable<Given['backoff']>): Backoff {
  const firstMs = ms(first ?? FIRST);
  return { firstMs, capMs: Math.max(firstMs, ms(cap ?? CAP)) };
}

function ms(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}
