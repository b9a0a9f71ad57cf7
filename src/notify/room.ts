/**
 * Tells people on the ways that their machine has: one try each, bounded, with the target's secrets taken out of
 * whatever is said about it (N10).
 */

import type { NoticeMessage, NoticeTarget } from '../core/notice-types.ts';
import { messageOf } from '../core/thrown.ts';
import { tellCommand } from './command.ts';
import { tellNtfy } from './ntfy.ts';
import { redact } from './redact.ts';
import { tellSlack } from './slack.ts';
import { tellSmtp } from './smtp.ts';
import { failed, type NotifyRoom, type Surroundings, type Told } from './types.ts';
import { tellWebhook } from './webhook.ts';

export { placeOf } from './redact.ts';

export interface NotifyRoomOptions {
  /** Of one try, in milliseconds. */
  readonly timeoutMs: number;
  /** The whole environment of commands. */
  readonly environment: Readonly<Record<string, string>>;
}

export function createNotifyRoom({ timeoutMs, environment }: NotifyRoomOptions): NotifyRoom {
  return {
    tell: async (target, message) => {
      const signal = AbortSignal.timeout(timeoutMs);
      let told: Told;
      try {
        told = await tellBy(target, message, { signal, timeoutMs, environment });
      } catch (error) {
        told = failed(messageOf(error), true);
      }
      return told.kind === 'told'
        ? { kind: 'told', said: redact(told.said, target) }
        : { ...told, message: redact(told.message, target) };
    },
  };
}

function tellBy(target: NoticeTarget, message: NoticeMessage, surroundings: Surroundings): Promise<Told> {
  switch (target.kind) {
    case 'ntfy':
      return tellNtfy(target, message, surroundings);
    case 'slack':
      return tellSlack(target, message, surroundings);
    case 'webhook':
      return tellWebhook(target, message, surroundings);
    case 'smtp':
      return tellSmtp(target, message, surroundings);
    case 'command':
      return tellCommand(target, message, surroundings);
  }
}
