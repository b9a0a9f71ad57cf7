/** The small process that starts contained trees for a worker; see starter.ts. It ends when its worker does (N5). */

import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { ErrorFacts, StarterNews, StartOrder } from './starter.ts';

function tell(news: StarterNews): void {
  process.send?.(news);
}

function factsOf(error: unknown): ErrorFacts {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
  return { code, message: error instanceof Error ? error.message : String(error) };
}

function start(order: StartOrder, pipes: readonly number[]): void {
  const { id, argv, cwd, env } = order;
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env,
    // Its own session, so that no terminal's signal reaches it and its group can be signaled.
    detached: true,
    stdio: ['ignore', ...pipes],
  });
  child.on('error', (error) => {
    if (child.pid === undefined) tell({ kind: 'not-started', id, why: 'program', error: factsOf(error) });
  });
  if (child.pid === undefined) return;
  tell({ kind: 'started', id, pid: child.pid });
  child.once('exit', (code, signal) => tell({ kind: 'ended', id, code, signal }));
}

process.on('message', (order: StartOrder) => {
  const { id } = order;
  const pipes: number[] = [];
  let why: 'pipes' | 'program' = 'pipes';
  try {
    for (const path of order.pipes) pipes.push(openSync(path, constants.O_WRONLY));
    why = 'program';
    start(order, pipes);
  } catch (error) {
    tell({ kind: 'not-started', id, why, error: factsOf(error) });
  } finally {
    for (const pipe of pipes) closeSync(pipe);
  }
});
process.on('disconnect', () => process.exit());
// A terminal's Ctrl-C is the worker's to hear: it still gives running phases their grace.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
