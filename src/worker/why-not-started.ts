/** Why a worker could not start by its Temporal, in words that name what to look at. Pure. */

import { messageOf } from '../core/thrown.ts';

export interface Asked {
  readonly address: string;
  readonly namespace: string;
}

const MAX_CAUSES = 5;
const NOT_REACHED = /failed to connect before the deadline|ECONNREFUSED|ENOTFOUND|\bUnavailable\b/i;
const NO_NAMESPACE = /\bNotFound\b|namespace not found/i;
const REFUSED = /\bPermissionDenied\b|\bUnauthenticated\b|PERMISSION_DENIED|UNAUTHENTICATED/;

/** What was thrown as it is, where it is nothing of these. */
export function whyNotStarted(error: unknown, { address, namespace }: Asked): string {
  const said = saidBy(error);
  const server = `Temporal at ${address}`;
  if (REFUSED.test(said)) return `${server} refuses this worker; check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE`;
  if (/namespace/i.test(said) && NO_NAMESPACE.test(said)) {
    return `${server} has no namespace ${namespace}; check TEMPORAL_NAMESPACE, or make it: temporal operator namespace create -n ${namespace}`;
  }
  if (NOT_REACHED.test(said)) return `${server} does not answer; is it running, and is TEMPORAL_ADDRESS right?`;
  return messageOf(error);
}

function saidBy(error: unknown): string {
  const said: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < MAX_CAUSES; at = at.cause, depth += 1) {
    said.push(at.message);
  }
  return said.join('\n');
}
