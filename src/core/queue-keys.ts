/** What two things of the queue are told apart by. */

import type { Candidate } from './queue-types.ts';

export function queueItemKey({ taskId, attempt }: { readonly taskId: string; readonly attempt: number }): string {
  return `${taskId}/${attempt}`;
}

/** What a verdict is about: one tree under one definition of the gate (N3). */
export function gateKey({ tree, gate }: Pick<Candidate, 'tree' | 'gate'>): string {
  return `${tree}/${gate.hash}`;
}
