/** What a command does for many tasks. */

import { mapBounded } from './bounded.ts';
import type { Session } from './session.ts';

/** Changes tasks, so many at a time: all of them, though whoever reads the output may go. */
export function forMany<T, R>(
  { io }: Pick<Session, 'io'>,
  tasks: readonly T[],
  atOnce: number,
  change: (task: T, index: number) => Promise<R>,
): Promise<R[]> {
  const all = (): Promise<R[]> => mapBounded(tasks, atOnce, change);
  return io.wholly === undefined ? all() : io.wholly(all);
}
