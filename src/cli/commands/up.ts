/**
 * Runs the embedded stack. In the foreground this process is its supervisor; with `--detach` it starts itself again in
 * a session of its own and returns when everything answers.
 */

import { oneLine } from '../../core/text.ts';
import { livingParts, readStack, type PartName } from '../../local/stack-record.ts';
import type { LocalFailure } from '../../local/report.ts';
import { superviseStack } from '../../local/supervisor.ts';
import type { StackEvent } from '../../local/supervisor-types.ts';
import { EXIT, Failed } from '../errors.ts';
import { showLive, type LiveView } from '../live-view.ts';
import { newsOf, PLAIN_EVERY_MS, showProgress } from '../progress.ts';
import { addresses, describeStack, isLasting, stackEventLine } from '../render/stack.ts';
import type { Session } from '../session.ts';
import { chooseParts, type UpOptions } from '../stack-parts.ts';
import { detach } from '../detach.ts';
import { checkBeforeStart } from '../ready.ts';
import { awaitFound, tellFound } from '../found-stack.ts';

/** `tasks up`. */
export async function up(session: Session, options: UpOptions): Promise<number> {
  // Looked at for this alone: what the session keeps is asked for again once the stack runs.
  const stack = await readStack(session.environment.home);
  if (stack.states.supervisor === 'alive') {
    return tellFound(session, options.detach === true ? await awaitFound(session) : stack);
  }
  await checkBeforeStart(session);
  return options.detach === true ? detach(session, options) : foreground(session, options);
}

async function foreground(session: Session, options: UpOptions): Promise<number> {
  const { io } = session;
  const isLive = session.redraws(io.stdout) && !session.json;
  const progress = isLive ? showProgress(session) : null;
  let live: LiveView | null = null;
  let isReady = false;
  const isNews = newsOf(PLAIN_EVERY_MS);
  // Why it cannot be started is told once, as the error; another part's reason is told besides.
  const untold = new Map<PartName, LocalFailure>();
  const report = (event: StackEvent): void => {
    if (event.kind === 'failed' && !isReady && !session.json) return void untold.set(event.part, event.failure);
    isReady ||= event.kind === 'ready';
    if (session.json)
      return session.printJson(event.kind === 'ready' ? { ...event, stack: describeStack(event.stack) } : event);
    const line = stackEventLine(event, session.palette);
    if (line === null) return;
    if (live !== null) live.say(line);
    else if (progress !== null && isLasting(event)) progress.say(line);
    else if (progress !== null) progress.update(line);
    else if (event.kind !== 'progress' || isNews(line)) session.note(line);
    if (event.kind !== 'ready') return;
    progress?.stop();
    if (isLive) live = showLive(session, event.stack, io.stdout);
    else session.print(...addresses(event.stack));
  };
  const killNow = (): void => killParts(livingParts(session.environment.home, process.pid));
  // The second Ctrl-C ends this process, and all that it started with it.
  process.once('exit', killNow);
  try {
    const parts = await chooseParts(session, options, report);
    // Not before: as long as nothing runs that has to be stopped in order, the first Ctrl-C ends this process.
    io.interrupt.addEventListener('abort', () => live?.stopping(), { once: true });
    const result = await superviseStack({
      home: session.environment.home,
      parts,
      report,
      signal: io.interrupt,
      program: io.programs.version,
      build: io.programs.build,
    });
    if (result.kind === 'stopped') return EXIT.ok;
    // Another one was quicker.
    if (result.failure.kind === 'stack-running') return tellFound(session, await readStack(session.environment.home));
    const { message, next, evidence } = result.failure;
    for (const [part, failure] of untold) {
      const line = stackEventLine({ kind: 'failed', part, failure }, session.palette);
      if (failure.message !== message && line !== null) session.note(line);
    }
    if (evidence !== undefined) session.note(...evidence.split('\n').slice(-15));
    throw new Failed(`${oneLine(message, 500)}; ${oneLine(next, 300)}`);
  } finally {
    process.off('exit', killNow);
    progress?.stop();
    await (live as LiveView | null)?.stop();
  }
}

/** Postgres leaves its children and shared memory in order only when it is told. */
function killParts(parts: ReturnType<typeof livingParts>): void {
  for (const [part, pid] of parts) {
    try {
      process.kill(pid, part === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
