/**
 * Which build of the workers gets the workflows' tasks, with Temporal's worker versioning.
 *
 * All workers that have it switched on are one deployment; a build is a version of it, and one is current. A build that
 * nobody runs any more must not stay current: its tasks would wait for ever (N1).
 */

import { quote } from './ids.ts';
import { fail, ok, type Parsed } from './parsed.ts';

/** The name of the deployment. */
export const DEPLOYMENT = 'tributary';

/** What stands for workers that have it switched off. */
export const UNVERSIONED = '';

export interface BuildFacts {
  /** This worker's; {@link UNVERSIONED}: it is switched off. */
  readonly own: string;
  readonly current: string;
  /** The builds of which workers poll. */
  readonly polling: readonly string[];
}

/** Whether this worker's build becomes the current one: when nobody runs the one that is. */
export function takesOver({ own, current, polling }: BuildFacts): boolean {
  return current !== own && !polling.includes(current);
}

/** Every poller of a queue polls anew within this time, if it lives. */
const ALIVE_MS = 70_000;

/**
 * The least that it can be by the server's clock, in milliseconds since the epoch. What the server says that it saw at a time was
 * no later than when it was heard of, and since then a monotonic clock has gone on: the host's own time of day, which may be hours
 * off, is never asked.
 */
export class ServerTime {
  #ahead = -Infinity;

  /** @param seenMs the latest time that the server has told of; @param monotonicMs when that was heard of */
  atLeast(seenMs: number, monotonicMs: number): number {
    this.#ahead = Math.max(this.#ahead, seenMs - monotonicMs);
    return monotonicMs + this.#ahead;
  }
}

/** Whether who polled last at a time still does. */
export function stillPolls(seenMs: number, serverMs: number): boolean {
  return serverMs - seenMs < ALIVE_MS;
}

const BUILD_ID = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;

/** `0.3.0-1a2b3c4d`, or what somebody named it. */
export function parseBuildId(text: string): Parsed<string> {
  return BUILD_ID.test(text)
    ? ok(text)
    : fail(`${quote(text)} is no build id; up to 100 of letters, digits, dot, hyphen, plus and underscore`);
}

/** As people see it. */
export function buildName(build: string): string {
  return build === UNVERSIONED ? 'workers without versioning' : build;
}
