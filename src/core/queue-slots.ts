/** What a queue cannot know of its gate runs, since runs of other queues take slots too: whether they have one yet. Pure. */

import type { QueueView } from './queue-types.ts';

const NO_SLOT = 'a gate slot: none is free';

/** The runs of rows that seem to be gated; each once, in the order of the rows. */
export function runsOf({ rows }: Pick<QueueView, 'rows'>): readonly string[] {
  const runs = rows.flatMap(({ run, waitingFor }) => (run === undefined || waitingFor !== null ? [] : run));
  return [...new Set(runs)];
}

/** The rows whose run has no slot wait for one; when they land cannot be told, nor when those behind them do. */
export function withoutSlots(view: QueueView, waiting: ReadonlySet<string>): QueueView {
  let isUntold = false;
  const rows = view.rows.map((row): QueueView['rows'][number] => {
    const hasNone = row.run !== undefined && waiting.has(row.run);
    isUntold ||= hasNone;
    if (!isUntold) return row;
    return { ...row, waitingFor: row.waitingFor ?? (hasNone ? NO_SLOT : null), estimate: null };
  });
  return { ...view, rows };
}
