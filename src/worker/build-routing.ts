/**
 * Sees that the build whose workers get the workflows' tasks is one that is run. Which one that is, with several, is for
 * people to say (tasks builds use): this worker's becomes current only when nobody runs the one that is (N1).
 *
 * It owns what it has said already, and what it knows of the server's time. It looks at a worker's start and every now and then: workers of a build end one by one.
 */

import type { Client } from '@temporalio/client';
import { buildName, DEPLOYMENT, ServerTime, takesOver, UNVERSIONED } from '../core/builds.ts';
import { messageOf } from '../core/thrown.ts';
import { readBuilds, setCurrentBuild } from '../local/temporal-builds.ts';
import { Rounds } from './rounds.ts';

/** So much more often it looks while its build is not current: tasks may be waiting. */
const SOONER = 6;

export interface BuildRoutingOptions {
  readonly client: Client;
  /** This worker's; empty where versioning is switched off. */
  readonly own: string;
  readonly identity: string;
  readonly everyMs: number;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class BuildRouting {
  readonly #options: BuildRoutingOptions;
  readonly #time = new ServerTime();
  readonly #rounds: Rounds;
  #said = '';

  constructor(options: BuildRoutingOptions) {
    this.#options = options;
    this.#rounds = new Rounds(async () => {
      const isCurrent = await this.#look().catch((error: unknown) => this.#failed(messageOf(error)));
      return isCurrent ? options.everyMs : options.everyMs / SOONER;
    });
  }

  start(): void {
    this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Whether this worker's build is current, and nothing is to be waited for. */
  async #look(): Promise<boolean> {
    const { client, own, identity } = this.#options;
    const known = await readBuilds(client, this.#time);
    // No worker with versioning has polled yet, this one included.
    if (known === null) return own === UNVERSIONED;
    const { current, polling, token } = known;
    if (current === own) {
      this.#say(own, 'this build is current', { build: buildName(own), deployment: DEPLOYMENT });
      return true;
    }
    if (!takesOver({ own, current, polling })) {
      const next = own === UNVERSIONED ? 'set TASKS_VERSIONING=on here' : `tasks builds use ${own}`;
      const facts = { build: buildName(own), current: buildName(current), next };
      this.#say(`waits for ${current}`, 'another build is current: this worker gets no workflows until it is', facts);
      return false;
    }
    // Refused when another worker has changed it since: the next look sees what it is then.
    await setCurrentBuild(client, own, identity, token);
    const facts = { build: buildName(own), before: buildName(current) };
    this.#say(own, 'this build is current now, since nobody runs the one that was', facts);
    return true;
  }

  #failed(reason: string): boolean {
    this.#say(`failed: ${reason}`, 'which build is current could not be looked up; it is tried again', { reason });
    return false;
  }

  /** Each thing once. */
  #say(what: string, message: string, facts: Readonly<Record<string, unknown>>): void {
    if (this.#said === what) return;
    this.#said = what;
    this.#options.log(message, facts);
  }
}
