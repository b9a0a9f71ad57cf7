/** The live view of `tasks up` on a terminal: redrawn in place until it is stopped. */

import type { TaskStateName } from '../core/task-types.ts';
import { LedgerUnavailable } from '../ledger/types.ts';
import { openLedgerReader } from '../ledger/reader.ts';
import type { StackRecord } from '../local/stack-record.ts';
import { rowsOf, type Output } from './io.ts';
import { nextLook } from './next-look.ts';
import { renderLive, type LiveData } from './render/stack.ts';
import type { Session } from './session.ts';

/** What is at work is shown before what waits for its turn. */
const MOVING: readonly TaskStateName[] = ['running', 'landing'];
const RESTING: readonly TaskStateName[] = ['waiting', 'queued'];
/** More than a screen shows. */
const MOST = 50;

export interface LiveView {
  /** A line for its foot. */
  say(line: string): void;
  stopping(): void;
  stop(): Promise<void>;
}

/** Draws until `stop`. */
export function showLive(session: Session, stack: StackRecord, output: Output): LiveView {
  const events: string[] = [];
  const end = new AbortController();
  const ledger = stack.postgres === null ? null : openLedgerReader({ url: stack.postgres.url });
  let drawn = 0;
  let isStopping = false;

  const draw = (tasks: LiveData['tasks']): void => {
    const data: LiveData = {
      temporal: stack.temporal?.address ?? 'none',
      uiUrl: stack.temporal?.uiUrl ?? null,
      tasks,
      events,
      stopping: isStopping,
    };
    const lines = renderLive(data, session.screen(), rowsOf(output));
    const up = drawn === 0 ? '' : `\u001b[${drawn}A\r`;
    output.write(`${up}\u001b[J${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
  };

  const read = async (): Promise<LiveData['tasks']> => {
    if (ledger === null) return null;
    try {
      const [counts, moving, resting, inbox] = await Promise.all([
        ledger.countByState(null),
        ledger.listTasks({ project: null, states: MOVING, limit: MOST }),
        ledger.listTasks({ project: null, states: RESTING, limit: MOST }),
        ledger.readInbox(null, MOST),
      ]);
      return { counts, active: [...moving, ...resting], inbox };
    } catch (error) {
      if (error instanceof LedgerUnavailable) return null;
      throw error;
    }
  };

  const loop = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const begunMs = performance.now();
      draw(await read());
      await nextLook(performance.now() - begunMs, end.signal);
    }
  };
  const running = loop().catch((error: unknown) => events.push(String(error)));
  return {
    say: (line) => void events.push(line),
    stopping: () => {
      isStopping = true;
    },
    async stop() {
      end.abort();
      await running;
      await ledger?.close();
    },
  };
}
