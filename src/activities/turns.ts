/**
 * One attempt of a task at a time on this worker. A run that was set back or taken over begins its next attempt while the
 * old one's processes are still to be ended, in the same workspace: the next one waits for that (N5).
 */

import type { TaskId } from '../core/ids.ts';

export class Turns {
  readonly #last = new Map<TaskId, Promise<unknown>>();

  /** Runs a body once the task's earlier ones have ended. @throws the signal's reason when it fires before */
  async take<T>(taskId: TaskId, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    const before = this.#last.get(taskId) ?? Promise.resolve();
    const turn = waitFor(before, signal).then(body);
    // The one after it waits for both: this one may have given up while the one before went on.
    const over = Promise.allSettled([before, turn]);
    this.#last.set(taskId, over);
    try {
      return await turn;
    } finally {
      void over.then(() => {
        if (this.#last.get(taskId) === over) this.#last.delete(taskId);
      });
    }
  }
}

async function waitFor(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([before, stopped]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
