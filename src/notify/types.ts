/** What the room of notices gives: one try to tell one target. */

import type { NoticeMessage, NoticeTarget } from '../core/notice-types.ts';

export type Told =
  /** `said`: one line. */
  | { readonly kind: 'told'; readonly said: string }
  | {
      readonly kind: 'failed';
      /** One line that names what is wrong, without the target's secrets (N10). */
      readonly message: string;
      /** Whether another try may help. */
      readonly again: boolean;
      /** How long the target wants to be left alone, in milliseconds; null: it does not say. */
      readonly afterMs: number | null;
    };

export interface NotifyRoom {
  /** Never throws, and takes no longer than the room's time-out. */
  tell(target: NoticeTarget, message: NoticeMessage): Promise<Told>;
}

/** What a target's adapter is given beside the message. */
export interface Surroundings {
  /** Fires when the time is over. */
  readonly signal: AbortSignal;
  /** How long that is, in milliseconds. */
  readonly timeoutMs: number;
  /** The whole environment of a command. */
  readonly environment: Readonly<Record<string, string>>;
}

export function failed(message: string, again: boolean, afterMs: number | null = null): Told {
  return { kind: 'failed', message, again, afterMs };
}

export function notInTime(timeoutMs: number): Told {
  return failed(`did not answer within ${timeoutMs} ms`, true);
}
