/** Whether an origin that could not be reached is away, as in an outage or without a network: it comes back by itself. */

import { GitError } from './command.ts';
import { isUnreachable } from './origin.ts';
import type { OriginName, Repositories } from './repository.ts';

/** The network's words, curl's, ssh's and git's. A name that does not resolve is of an origin that was reached before. */
const AWAY =
  /could not resolve|name resolution|name or service not known|nodename nor servname|connection (?:was |has been )?(?:refused|reset|closed|aborted)|timed out|timeout|(?:network|host) is (?:unreachable|down)|no route to host|failed to connect|(?:couldn't|could not|unable to) connect|empty reply from server|(?:recv|send) failure|unexpected eof|non-properly terminated|SSL_ERROR_SYSCALL|hung up|early EOF|unexpected disconnect|kex_exchange_identification|(?:returned error:|response|HTTP code) (?:408|429|5\d\d)/i;
/** What somebody has to do something about, though a connection is closed for it. */
const FOR_A_PERSON = /permission|authentication|denied|host key|could not read (?:username|password)|corrupt/i;

/** Never of an origin that this host has no mirror of: an address that was always wrong sounds the same. */
export async function isAway(repositories: Repositories, name: OriginName, error: unknown): Promise<boolean> {
  if (!(error instanceof GitError) || !isUnreachable(error)) return false;
  const sounds = error.reason === 'timeout' || (AWAY.test(error.stderr) && !FOR_A_PERSON.test(error.stderr));
  return sounds && (await repositories.findMirror(name)) !== null;
}
