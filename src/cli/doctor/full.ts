/** What a full disk ends. */

import { codeOf } from '../../core/thrown.ts';

export const MAKE_ROOM = 'make room, or put TASKS_HOME on a larger disk';

/** The disk, or what this account may have of it, is full. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}
