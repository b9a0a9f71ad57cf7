/** How a part of the stack failed to start, and the limit that it met where its log speaks of one. */

import { stat } from 'node:fs/promises';
import { metLimit } from '../core/met-limit.ts';
import { codeOf } from '../core/thrown.ts';
import { readTail } from './processes.ts';
import type { LocalFailure } from './report.ts';

const MAX_EVIDENCE_CHARS = 4_000;
/** A server that crashes says the cause first, and then what all its threads were at. */
const MAX_LOG_BYTES = 256 * 1024;

/** The log is that of this start alone: an earlier one may have met what is no more. */
export function partFailure(
  failure: Pick<LocalFailure, 'kind' | 'message' | 'next'>,
  log = '',
): { readonly kind: 'failed'; readonly failure: LocalFailure } {
  const limit = metLimit(`${failure.message}\n${log}`);
  const told =
    limit === null ? failure : { ...failure, message: `${failure.message}: ${limit.what}`, next: limit.next };
  return { kind: 'failed', failure: log === '' ? told : { ...told, evidence: log.slice(-MAX_EVIDENCE_CHARS) } };
}

/** What a log has got since it had so many bytes, or the end of that. */
export async function logSince(path: string, bytes: number): Promise<string> {
  const length = Math.min(MAX_LOG_BYTES, (await sizeOf(path)) - bytes);
  return length <= 0 ? '' : readTail(path, length);
}

/** In bytes; 0 where there is no such file. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
