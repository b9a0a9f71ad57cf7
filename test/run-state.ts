/** What the global set-up hands to the global teardown, in the one process that runs both. */

export interface RunState {
  /** The servers' throw-away state home. */
  readonly home: string;
  readonly stop: (() => Promise<void>) | null;
}

const KEY = Symbol.for('tributary.test-run');
const holder = globalThis as { [KEY]?: RunState };

export function keepRun(state: RunState): void {
  holder[KEY] = state;
}

export function keptRun(): RunState | null {
  return holder[KEY] ?? null;
}
