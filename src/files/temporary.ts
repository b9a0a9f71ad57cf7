/** Folders for what is needed for a moment alone. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../core/thrown.ts';

const USUAL = '/tmp';

/**
 * Makes one whose name begins so, which its maker removes. TMPDIR may name a folder that has gone, with the shell or the session
 * that had made it, or that is not this account's: then it lies in /tmp.
 */
export function makeTemporary(prefix: string, wanted = tmpdir()): string {
  try {
    return mkdtempSync(join(wanted, prefix));
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EACCES' && code !== 'EROFS') throw error;
    return mkdtempSync(join(USUAL, prefix));
  }
}
