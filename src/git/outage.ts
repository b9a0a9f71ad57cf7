/** Why an origin could not be reached, by git's words: what comes back by itself, and what is for a person. */

import { GitError } from './command.ts';
import { isUnreachable } from './origin.ts';
import type { OriginName, Repositories } from './repository.ts';

export type Unreached =
  /** It does not answer, as in an outage, without a network, or where its name is wrong. */
  | 'away'
  /** There is no repository; or none that who asks may know of. */
  | 'absent'
  /** It answers, and wants to know who asks; or refuses. */
  | 'refused'
  | 'other';

const ABSENT =
  /does not appear to be a git repository|repository .*(?:not found|does not exist|not exported)|returned error: 404/i;
const REFUSED =
  /permission|authentication|denied|host key|could not read (?:username|password)|returned error: 40[13]/i;
const DAMAGED = /corrupt/i;
/** The network's words, curl's, ssh's and git's. */
const AWAY =
  /could not resolve|name resolution|name or service not known|nodename nor servname|connection (?:was |has been )?(?:refused|reset|closed|aborted)|timed out|timeout|(?:network|host) is (?:unreachable|down)|no route to host|failed to connect|(?:couldn't|could not|unable to) connect|empty reply from server|(?:recv|send) failure|unexpected eof|non-properly terminated|SSL_ERROR_SYSCALL|hung up|early EOF|unexpected disconnect|kex_exchange_identification|(?:returned error:|response|HTTP code) (?:408|429|5\d\d)/i;

export function whyUnreached({ reason, stderr }: Pick<GitError, 'reason' | 'stderr'>): Unreached {
  if (reason === 'timeout') return 'away';
  // What a repository is called says nothing.
  const words = stderr.replaceAll(/'[^'\n]*'/g, '');
  // A connection is closed after these, too.
  if (ABSENT.test(words)) return 'absent';
  if (REFUSED.test(words)) return 'refused';
  return AWAY.test(words) && !DAMAGED.test(words) ? 'away' : 'other';
}

/** Whether it comes back by itself. Never of an origin that this host has no mirror of: an address that was always wrong sounds the same. */
export async function isAway(repositories: Repositories, name: OriginName, error: unknown): Promise<boolean> {
  if (!(error instanceof GitError) || !isUnreachable(error) || whyUnreached(error) !== 'away') return false;
  return (await repositories.findMirror(name)) !== null;
}
