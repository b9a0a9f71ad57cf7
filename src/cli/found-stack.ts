/**
 * A stack that another command has started, or starts at this moment: what `tasks up` says of it. Waits only while
 * somebody holds the home's lock, and not for ever.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { homePaths, openHome } from '../local/home.ts';
import { stackHolder } from '../local/stack-lock.ts';
import { readStack, type StackRecord, type StackState } from '../local/stack-record.ts';
import { EXIT, Failed } from './errors.ts';
import { isPolled } from './pollers.ts';
import { showProgress } from './progress.ts';
import { OTHER_BUILD_FIX, otherBuildLine } from './render/other-build.ts';
import { addresses, describeStack, lastWord } from './render/stack.ts';
import type { Session } from './session.ts';

const LOOK_EVERY_MS = 50;
/** A start takes seconds, unless it has to clear up after another. */
const START_MS = 5 * 60_000;
const WORKER_READY_MS = 30_000;

/** Says that a stack runs already, and where. */
export function tellFound(session: Session, stack: StackState): number {
  const { record } = stack;
  if (session.json) session.printJson({ kind: 'already-running', stack: describeStack(record) });
  else {
    const how = record.starting ? 'is being started' : 'runs';
    session.print(`a stack ${how} already for ${session.environment.home}`, ...addresses(record));
  }
  const other = otherBuildLine(session.io.programs.build(), stack);
  if (other !== null) session.note(`tasks: ${other}; to run this one: ${OTHER_BUILD_FIX}`);
  return EXIT.ok;
}

/** Waits until the stack that another command starts is ready. @throws Failed when it is given up */
export async function awaitFound(session: Session): Promise<StackState> {
  const { home } = session.environment;
  const progress = showProgress(session);
  try {
    const untilMs = Date.now() + START_MS;
    while (Date.now() < untilMs && !session.io.interrupt.aborted) {
      // First: who lets go of the lock has written its last record before.
      const holder = await stackHolder(home);
      const stack = await readStack(home);
      const { record, states } = stack;
      if (states.supervisor === 'alive' && isReady(record)) {
        if (record.worker !== null) await untilPolled(session, (text) => progress.update(text));
        return stack;
      }
      if (holder === null && states.supervisor !== 'alive') break;
      progress.update('another tasks up starts the stack');
      await pause(LOOK_EVERY_MS);
    }
  } finally {
    progress.stop();
  }
  const log = join(homePaths(home).logs, 'up.log');
  throw new Failed(`the stack that another tasks up was starting is not ready; its log is ${log}`);
}

function isReady({ starting, temporal, postgres }: StackRecord): boolean {
  return !starting && temporal !== null && postgres !== null;
}

/** The worker is ready when it polls. One that is not in time is told with its own last line. */
export async function untilPolled(session: Session, report: (text: string) => void): Promise<void> {
  report('waiting for the worker');
  const paths = await openHome(session.environment.home);
  const temporal = await session.temporal();
  const untilMs = Date.now() + WORKER_READY_MS;
  while (Date.now() < untilMs && !session.io.interrupt.aborted) {
    if (await isPolled(temporal)) return;
    await pause(LOOK_EVERY_MS);
  }
  const log = await readFile(paths.workerLog, 'utf8').catch(() => '');
  session.note(`tasks: the worker does not poll yet${lastWord(log)}; its log is ${paths.workerLog}`);
}
