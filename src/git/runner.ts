/**
 * A small process of its own that starts git's processes for a worker.
 *
 * Starting a process copies the page tables of the one that starts it, with all its threads held up: from a worker of a
 * quarter of a gigabyte some four milliseconds, from a small process less than one.
 *
 * It owns the runner process. Kept true: every call is answered or fails; a runner that died is started again at the
 * next call; it ends with the worker, by its closed channel, however the worker ends.
 */

import { fork, type ChildProcess } from 'node:child_process';
import type { Collect, CollectRequest, Ended } from './collect.ts';

export interface RunnerQuestion {
  readonly id: number;
  readonly request: CollectRequest;
}

export interface RunnerAnswer {
  readonly id: number;
  readonly ended: Ended;
}

export interface GitRunner {
  readonly collect: Collect;
  /** Ends the process; calls under way fail. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (ended: Ended) => void;
  readonly reject: (error: Error) => void;
}

/** @param program the built runner-program */
export function startGitRunner(program: string): GitRunner {
  const waiting = new Map<number, Waiting>();
  let child: ChildProcess | null = null;
  let closed = false;
  let lastId = 0;

  const failAll = (reason: string): void => {
    for (const { reject } of waiting.values()) reject(new Error(`git's runner process ended: ${reason}`));
    waiting.clear();
  };
  const start = (): ChildProcess => {
    const started = fork(program, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      env: {},
    });
    started.on('message', (answer: RunnerAnswer) => {
      waiting.get(answer.id)?.resolve(buffered(answer.ended));
      waiting.delete(answer.id);
    });
    const gone = (reason: string): void => {
      if (child !== started) return;
      child = null;
      failAll(reason);
    };
    started.on('error', (error) => gone(error.message));
    started.on('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
    return started;
  };

  return {
    collect: (request) => {
      if (closed) return Promise.reject(new Error("git's runner process is closed"));
      child ??= start();
      lastId += 1;
      const question: RunnerQuestion = { id: lastId, request };
      const runner = child;
      return new Promise((resolve, reject) => {
        waiting.set(question.id, { resolve, reject });
        // One that was never there has no channel; its end is told in a moment.
        if (!runner.connected) return;
        runner.send(question, (error) => {
          if (error !== null && waiting.delete(question.id)) reject(error);
        });
      });
    },
    close: async () => {
      closed = true;
      const ending = child;
      if (ending === null) return;
      const gone = new Promise((resolve) => ending.once('exit', resolve).once('error', resolve));
      if (ending.connected) ending.disconnect();
      await gone;
    },
  };
}

/** The channel hands bytes over as plain arrays of bytes. */
function buffered(ended: Ended): Ended {
  return { ...ended, stdout: Buffer.from(ended.stdout), stderr: Buffer.from(ended.stderr) };
}
