/** Reads the report, or another file, that an agent left, as the hostile file that it may be. */

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { MAX_REPORT_BYTES } from '../agents/report.ts';
import { codeOf, messageOf } from '../core/thrown.ts';
import type { ReportFile } from '../agents/types.ts';

export async function readReportFile(path: string, maxBytes: number = MAX_REPORT_BYTES): Promise<ReportFile> {
  let file;
  try {
    // Neither a link that leads elsewhere nor a pipe that never answers.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error) ?? messageOf(error);
    if (code === 'ENOENT') return { kind: 'missing' };
    return { kind: 'unreadable', reason: code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be opened (${code})` };
  }
  try {
    const facts = fstatSync(file);
    if (!facts.isFile()) return { kind: 'unreadable', reason: 'it is not a regular file' };
    if (facts.size > maxBytes) {
      return { kind: 'unreadable', reason: `it has ${facts.size} bytes, the limit is ${maxBytes}` };
    }
    return { kind: 'text', text: readFileSync(file, 'utf8') };
  } finally {
    closeSync(file);
  }
}
