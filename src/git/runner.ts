/**
 * A small process of its own that starts git's processes for a worker.
 *
 * Starting a process copies the page tables of the one that starts it, with all its threads held up: from a worker of a
 * quarter of a gigabyte some four milliseconds, from a small process less than one.
 *
 * It owns the runner process. Kept true: every call is answered or fails, also where the runner was stopped; a runner that
 * died is started again at the next call; it ends with the worker, by its closed channel, however the worker ends.
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
  /** When it should have been answered long since. */
  readonly limit: NodeJS.Timeout;
}

export interface RunnerLimits {
  /** Beyond a call's own time-out, which the runner keeps itself. */
  readonly answerMs: number;
  /** How long it has for its end, before it is killed. */
  readonly endMs: number;
}

const READ_FIRST_MS = 100;
const LIMITS: RunnerLimits = { answerMs: 30_000, endMs: 5_000 };

/** @param program the built runner-program */
export function startGitRunner(program: string, { answerMs, endMs }: RunnerLimits = LIMITS): GitRunner {
  const waiting = new Map<number, Waiting>();
  let child: ChildProcess | null = null;
  let closed = false;
  let lastId = 0;

  const failAll = (reason: string): void => {
    for (const { reject, limit } of waiting.values()) {
      clearTimeout(limit);
      reject(new Error(`git's runner process ended: ${reason}`));
    }
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
      const asked = waiting.get(answer.id);
      clearTimeout(asked?.limit);
      asked?.resolve(buffered(answer.ended));
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
        // Stopped, or without an end in what it does: all that it was asked fails with it.
        const kill = (): void => {
          if (waiting.has(question.id)) runner.kill('SIGKILL');
        };
        // This process may have stood still itself: what was answered meanwhile is read first.
        const limit = setTimeout(() => setTimeout(kill, READ_FIRST_MS), request.timeoutMs + answerMs);
        waiting.set(question.id, { resolve, reject, limit });
        // One that was never there has no channel; its end is told in a moment.
        if (!runner.connected) return;
        runner.send(question, (error) => {
          if (error === null || !waiting.delete(question.id)) return;
          clearTimeout(limit);
          reject(error);
        });
      });
    },
    close: async () => {
      closed = true;
      const ending = child;
      if (ending === null) return;
      const gone = new Promise((resolve) => ending.once('exit', resolve).once('error', resolve));
      if (ending.connected) ending.disconnect();
      const limit = setTimeout(() => ending.kill('SIGKILL'), endMs);
      await gone;
      clearTimeout(limit);
    },
  };
}

/** The channel hands bytes over as plain arrays of bytes. */
function buffered(ended: Ended): Ended {
  return { ...ended, stdout: Buffer.from(ended.stdout), stderr: Buffer.from(ended.stderr) };
}
