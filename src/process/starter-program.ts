/** The small process that starts trees for a worker; see starter.ts. It ends when its worker does (N5). */

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';

import { wrote } from './group-files.ts';
import { startGuard, type Guard } from './guard.ts';
import { leaderOf } from './launch.ts';
import { ASK, type ErrorFacts, type StarterNews, type StartOrder } from './starter.ts';
import type { Leader } from './sweep.ts';

function tell(news: StarterNews): void {
  process.send?.(news);
}

function factsOf(error: unknown): ErrorFacts {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
  return { code, message: error instanceof Error ? error.message : String(error) };
}

function guarded({ guard }: StartOrder, leader: Leader, pipe: number | null): Guard | null {
  return guard === null || pipe === null ? null : startGuard(guard.command, leader, pipe);
}

function start(order: StartOrder, pipes: readonly number[], guardPipe: number | null): void {
  const { id, argv, cwd, env } = order;
  const [program, ...args] = argv;
  const { enter = [], leave = [] } = order.doors ?? {};
  let child: ChildProcess;
  try {
    // What this thread starts is in the groups that it is in itself.
    for (const door of enter) wrote(door, '0');
    // Its own session, so that no terminal's signal reaches it and its group can be signaled.
    child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', ...pipes] });
  } finally {
    for (const door of leave) wrote(door, '0');
  }
  child.on('error', (error) => {
    if (child.pid === undefined) tell({ kind: 'not-started', id, why: 'program', error: factsOf(error) });
  });
  const leader = leaderOf(child);
  if (leader === null) return;
  tell({ kind: 'started', id, leader, guard: guarded(order, leader, guardPipe) });
  child.once('exit', (code, signal) => tell({ kind: 'ended', id, code, signal }));
}

process.on('message', (order: StartOrder | typeof ASK) => {
  if (order === ASK) return tell({ kind: 'here' });
  const { id } = order;
  const pipes: number[] = [];
  let guardPipe: number | null = null;
  let why: 'pipes' | 'program' = 'pipes';
  try {
    for (const path of order.pipes) pipes.push(openSync(path, constants.O_WRONLY));
    // Before anything is started: what it is to guard must not be there without it.
    if (order.guard !== null) guardPipe = openSync(order.guard.pipe, constants.O_RDONLY);
    why = 'program';
    start(order, pipes, guardPipe);
  } catch (error) {
    tell({ kind: 'not-started', id, why, error: factsOf(error) });
  } finally {
    for (const pipe of [...pipes, guardPipe]) if (pipe !== null) closeSync(pipe);
  }
});
process.on('disconnect', () => process.exit());
// A terminal's Ctrl-C is the worker's to hear: it still gives running phases their grace.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
