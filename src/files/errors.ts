/** What errors of the file system say. */

import { codeOf } from '../core/thrown.ts';

/** Null for the errors that say that nothing is there. @throws any other */
export function absentAsNull(error: unknown): null {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return null;
  throw error;
}

export function isNoSpace(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Nothing can be opened just now, by this process or on the whole host: it says nothing of what was to be. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'EMFILE' || code === 'ENFILE';
}
