/**
 * The workflow of one notice: waits out the quiet hours of each target, and has it told, again and again for some hours
 * where need be.
 *
 * It owns nothing of the task, and the task knows nothing of it: a target that never answers costs this workflow alone.
 * Kept true here: each target is told by itself; one that could not be told makes the workflow fail at its end, for
 * everybody to see.
 */

import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
} from '@temporalio/workflow';
import type { Activities } from '../activities/types.ts';
import type { Delivered, Delivery, Notice, NoticeInput } from '../core/notice-types.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';

/** Longer than any try of a target, which has a time-out of its own. */
const TRY_LIMIT = '1 minute';
/** With the back-off some seven hours, in which only the time counts when a worker is there. */
const MAX_TRIES = 36;

type Outcome = { readonly to: string } & (Delivered | { readonly kind: 'failed'; readonly said: string });

export async function notice(input: NoticeInput): Promise<readonly Outcome[]> {
  setCurrentDetails(`**${input.notice.title}**\n\n${input.deliveries.map(({ to }) => `- \`${to}\``).join('\n')}`);
  const outcomes = await Promise.all(input.deliveries.map((delivery) => deliver(input.notice, delivery)));
  const failed = outcomes.filter(({ kind }) => kind === 'failed');
  if (failed.length > 0) {
    throw ApplicationFailure.create({
      type: 'NotTold',
      message: failed.map(({ to, said }) => `${to}: ${said}`).join('; '),
      details: [outcomes],
      nonRetryable: true,
    });
  }
  return outcomes;
}

async function deliver(told: Notice, { to, notBeforeMs }: Delivery): Promise<Outcome> {
  const waitMs = notBeforeMs === null ? 0 : notBeforeMs - Date.now();
  if (waitMs > 0) await sleep(waitMs, { summary: `quiet hours of ${to}` });
  const activities = proxyActivities<Pick<Activities, 'deliver'>>({
    startToCloseTimeout: TRY_LIMIT,
    retry: {
      maximumAttempts: MAX_TRIES,
      initialInterval: '2 seconds',
      backoffCoefficient: 2.5,
      maximumInterval: '15 minutes',
    },
    summary: `tell ${to}`,
  });
  try {
    return { to, ...(await activities.deliver({ notice: told, to })) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const cause = error instanceof ActivityFailure && error.cause !== undefined ? error.cause : error;
    return { to, kind: 'failed', said: oneLine(messageOf(cause), 500) };
  }
}
