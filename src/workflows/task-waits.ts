/** How long a task waits before it looks again, and what it is said to wait for. */

/** A hand-off that nobody answered is repeated: the queue takes it once. */
export const HAND_OFF_AGAIN_MS = 10 * 60 * 1_000;
/** A question whose workflow was terminated tells nobody: those that wait for it look. */
export const LOOK_AT_BLOCKERS_MS = 60 * 60 * 1_000;
export const WITHDRAW_AGAIN_MS = 30 * 1_000;

/** What the Temporal Web UI says of the timers. */
export const WAITS = {
  backoff: 'until the next try',
  asking: 'until the next reminder, or the end of waiting',
  parked: 'for a retry',
} as const;
