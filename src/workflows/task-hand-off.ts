/**
 * How a task's workflow hands its work to the queue.
 *
 * It owns what the queue has been given and has not answered yet: that is not given again because the task was told that it is
 * held, or goes on; another title is, and all of it after a while.
 */

import { patched } from '@temporalio/workflow';
import type { Task } from '../core/task.ts';
import { recordRequestOf } from '../core/task-request.ts';
import type { Checkpoint, TaskSpec } from '../core/task-types.ts';
import { shortActivities } from './activity-options.ts';
import { handOffOf, targetOf } from './task-links.ts';
import type { Recording } from './task-recording.ts';

export class HandOff {
  readonly #spec: TaskSpec;
  readonly #recording: Recording;
  #given: string | null = null;

  constructor(spec: TaskSpec, recording: Recording) {
    this.#spec = spec;
    this.#recording = recording;
  }

  /** Gives the queue what it has not got. @returns whether it has it; else that is to be tried again */
  async give(task: Task, checkpoint: Checkpoint): Promise<boolean> {
    const item = handOffOf(task, this.#spec, checkpoint);
    const text = JSON.stringify(item);
    if (this.#given === text && patched('handed-off')) return true;
    const target = targetOf(this.#spec);
    const record = recordRequestOf(task, this.#spec);
    // One that fails may have reached the queue.
    this.#given = null;
    const isGiven = await this.#recording.recordedBy(shortActivities.handOff({ target, item, record }));
    // An older history waits for an answer all the same.
    if (!isGiven && patched('handed-off')) return false;
    this.#given = text;
    return true;
  }

  /** The next time it is given, whether the queue has it or not. */
  forget(): void {
    this.#given = null;
  }
}
