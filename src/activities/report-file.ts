/** Reads the report, or another file, that an agent left, as the hostile file that it may be. */

import { readFileSync } from 'node:fs';
import { MAX_REPORT_BYTES } from '../agents/report.ts';
import { codeOf, messageOf } from '../core/thrown.ts';
import { lookInto } from '../files/read.ts';
import type { ReportFile } from '../agents/types.ts';

export async function readReportFile(path: string, maxBytes: number = MAX_REPORT_BYTES): Promise<ReportFile> {
  try {
    const looked = lookInto(path, (file, { size }): ReportFile =>
      size > maxBytes
        ? { kind: 'unreadable', reason: `it has ${size} bytes, the limit is ${maxBytes}` }
        : { kind: 'text', text: readFileSync(file, 'utf8') },
    );
    if (looked.kind === 'looked') return looked.value;
    return {
      kind: 'unreadable',
      reason: looked.kind === 'link' ? 'it is a symbolic link' : 'it is not a regular file',
    };
  } catch (error) {
    const code = codeOf(error) ?? messageOf(error);
    return code === 'ENOENT' ? { kind: 'missing' } : { kind: 'unreadable', reason: `it cannot be read (${code})` };
  }
}
