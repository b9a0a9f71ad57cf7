/** What Claude Code's messages about the account mean. */

import type { Failure } from '../core/failure.ts';
import { oneLine } from '../core/text.ts';

const LIMIT_WITH_RESET = /usage limit reached\|(\d{9,13})/i;
const LIMIT =
  /(?:usage|session|weekly|5-hour|hourly|opus|rate) limit reached|hit your (?:[\w-]+ )?limit|rate_limit_error/i;
const EXHAUSTED = /credit balance is too low|billing_error|reached (?:the |its )?maximum budget/i;
const NOT_SIGNED_IN =
  /invalid api key|please run \/login|not logged in|oauth token (?:has expired|revoked)|authentication_error|could not resolve authentication/i;

/** The failure that a message of the account's means; null when it means something else. */
export function classifyClaudeText(text: string): Failure | null {
  const reset = LIMIT_WITH_RESET.exec(text)?.[1];
  if (reset !== undefined) return limited('the usage limit of the account was reached', Number(reset));
  if (LIMIT.test(text)) return limited(oneLine(text, 200), null);
  if (EXHAUSTED.test(text)) return exhausted(oneLine(text, 200));
  if (NOT_SIGNED_IN.test(text)) return notSignedIn(oneLine(text, 200));
  return null;
}

/** @param resetsAt seconds or milliseconds since the epoch, as the versions differ; null when unknown */
export function limited(why: string, resetsAt: number | null): Failure {
  const failure: Failure = {
    kind: 'agent-limited',
    message: `claude cannot go on for now: ${why}`,
    next: 'nothing to do: it is tried again when the limit resets',
  };
  if (resetsAt === null) return failure;
  return { ...failure, resetsAtMs: resetsAt < 1e11 ? resetsAt * 1_000 : resetsAt };
}

/** No time brings it back: somebody has to pay, or to allow more. */
export function exhausted(why: string): Failure {
  return {
    kind: 'agent-exhausted',
    message: `claude has used up what it may spend: ${why}`,
    next: 'add credit to the account, or raise the budget in the args of this agent in tasks.yaml; then: tasks retry',
  };
}

export function notSignedIn(why: string): Failure {
  return {
    kind: 'agent-not-signed-in',
    message: `claude cannot work on this host: ${why}`,
    next: 'sign in by running claude on this host, grant it with "grant: [claude]" in host.yaml of the state home, then retry',
  };
}
