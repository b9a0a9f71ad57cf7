/**
 * How a task's workflow keeps the ledger informed, and waits.
 *
 * It owns the count of tries that could not reach the ledger. Kept true here: what the ledger has not confirmed stays in
 * the task's state and goes along with the next activity (N9); waiting holds nothing but a timer (N6).
 */

import { condition, patched, setCurrentDetails } from '@temporalio/workflow';
import type { Recorded } from '../activities/types.ts';
import { backoffMs, RECORD_BACKOFF } from '../core/retry.ts';
import { confirmRecorded, overtake, type Stage, type Task } from '../core/task.ts';
import { detailsOf } from '../core/task-details.ts';
import { recordRequestOf } from '../core/task-request.ts';
import type { TaskEvent } from '../core/task-events.ts';
import type { TaskSpec } from '../core/task-types.ts';
import { reasonOf, shortActivities } from './activity-options.ts';

/** How often the end waits for a ledger that is away; with the back-off some two days. */
const MAX_FINAL_RECORDS = 3_000;

/** An answer to a query has to fit into a payload of 2 MiB, whatever its characters are. */
const MAX_TOLD_CHARS = 400_000;

const LEDGER_AGAIN = 'the ledger is asked again';

/** The task whose state is recorded: the workflow's own variable. */
export interface Held {
  task: Task;
}

export class Recording {
  readonly #held: Held;
  readonly #spec: TaskSpec;
  readonly #onTimer: () => void;
  /** Tries in a row that could not reach the ledger. */
  #tries = 0;
  /** What the ledger has confirmed in this run: nothing else remembers it once the ledger is lost (N9). */
  readonly #told: TaskEvent[] = [];
  #toldChars = 0;

  /** @param onTimer called when a timer has ended, before anything follows from it */
  constructor(held: Held, spec: TaskSpec, onTimer: () => void) {
    this.#held = held;
    this.#spec = spec;
    this.#onTimer = onTimer;
  }

  /**
   * Waits until the task has left a stage or the time is over; brings the ledger up to date meanwhile.
   *
   * @param stage the one that is lived: what came while something else was awaited may have ended it already
   * @param summary what the Temporal Web UI says of the timer
   */
  async waitForChange(stage: Stage, timeoutMs: number | null, summary: string): Promise<void> {
    const begun = this.#held.task.stage;
    // An older history waits for the next change.
    if (begun !== stage && patched('stage-left')) return;
    const changed = (): boolean => this.#held.task.stage !== begun || this.#held.task.toMake.length > 0;
    const untilMs = timeoutMs === null ? null : Date.now() + timeoutMs;
    while (!changed()) {
      if (this.#unrecorded()) {
        await this.record();
        // More has happened meanwhile, and the ledger is there.
        if (this.#tries === 0 && this.#unrecorded()) continue;
      }
      const leftMs = untilMs === null ? null : untilMs - Date.now();
      if (leftMs !== null && leftMs <= 0) return;
      await this.#pause(changed, leftMs, this.#unrecorded() ? this.#backoffMs() : null, summary);
    }
  }

  async #pause(changed: () => boolean, leftMs: number | null, recordMs: number | null, summary: string): Promise<void> {
    const timeMs = leftMs === null ? recordMs : Math.min(leftMs, recordMs ?? leftMs);
    const news = (): boolean => changed() || (recordMs === null && this.#unrecorded());
    if (timeMs === null) await condition(news);
    else if (!(await condition(news, timeMs, { summary: timeMs === leftMs ? summary : LEDGER_AGAIN }))) this.#onTimer();
  }

  /** What has happened in this run, oldest first, as far as it is small enough to be told. */
  happened(): readonly TaskEvent[] {
    return [...this.#told, ...this.#held.task.unrecorded];
  }

  async record(): Promise<void> {
    await this.recordedBy(shortActivities.record(recordRequestOf(this.#held.task, this.#spec)));
  }

  /** Until the ledger knows how the task ended, or has been away for days. */
  async recordTheEnd(): Promise<void> {
    // Somebody may be waiting for the end: begin with short waits again.
    this.#tries = 0;
    for (let tries = 0; tries < MAX_FINAL_RECORDS && this.#unrecorded(); tries += 1) {
      await this.record();
      if (this.#tries > 0) await condition(() => false, this.#backoffMs(), { summary: LEDGER_AGAIN });
    }
  }

  /** An activity that takes the record along. @returns false when it failed, after a pause, which ends when the stage does */
  async recordedBy(activity: Promise<Recorded>): Promise<boolean> {
    const { stage } = this.#held.task;
    try {
      this.confirm(await activity);
      return true;
    } catch (error) {
      // These activities fail only when the engine does; the next round tries again.
      this.confirm({ recordedUpTo: null });
      setCurrentDetails(`${detailsOf(this.#held.task, this.#spec)}\n\nThe engine has trouble: ${reasonOf(error)}`);
      // An older history waits the pause out.
      const isHeard = patched('heard-in-trouble');
      const left = (): boolean => isHeard && this.#held.task.stage !== stage;
      const summary = 'the engine has trouble: tries again';
      if (!(await condition(left, this.#backoffMs(), { summary })) && isHeard) this.#onTimer();
      return false;
    }
  }

  confirm({ recordedUpTo, ledgerAt }: Recorded): void {
    this.#tries = recordedUpTo === null ? this.#tries + 1 : 0;
    if (ledgerAt !== undefined) {
      const surroundings = { spec: this.#spec, nowMs: Date.now(), random: 0 };
      this.#held.task = overtake(this.#held.task, ledgerAt, surroundings);
    }
    if (recordedUpTo === null) return;
    for (const event of this.#held.task.unrecorded) {
      if (event.sequence > recordedUpTo || this.#toldChars > MAX_TOLD_CHARS) continue;
      this.#told.push(event);
      this.#toldChars += JSON.stringify(event).length;
    }
    this.#held.task = confirmRecorded(this.#held.task, recordedUpTo);
  }

  #unrecorded(): boolean {
    return this.#held.task.unrecorded.length > 0;
  }

  #backoffMs(): number {
    return backoffMs(RECORD_BACKOFF, this.#tries, Math.random());
  }
}
