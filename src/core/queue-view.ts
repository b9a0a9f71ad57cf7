/** What people see of a queue. */

import type { Queue, QueueStep } from './queue-state.ts';
import type { QueueRow, QueueView, Target } from './queue-types.ts';

export function queueViewOf(queue: Queue, target: Target): QueueView {
  const { step } = queue;
  return {
    ...target,
    landed: queue.landed,
    rows: queue.items.map((item, index): QueueRow => {
      const at = index === 0 ? presentRow(step, item.enqueuedAtMs) : waitingRow(item.enqueuedAtMs);
      const { sinceMs, ...row } = at;
      return {
        position: index + 1,
        id: item.taskId,
        title: item.title,
        ...row,
        since: new Date(sinceMs).toISOString(),
      };
    }),
    stopped: step.kind === 'stopped' ? step.text : null,
  };
}

type Row = Omit<QueueRow, 'position' | 'id' | 'title' | 'since'> & { readonly sinceMs: number };

function waitingRow(sinceMs: number): Row {
  return { state: 'queued', base: null, tree: null, verdict: null, waitingFor: null, sinceMs };
}

function presentRow(step: QueueStep, enqueuedAtMs: number): Row {
  switch (step.kind) {
    case 'idle':
      return waitingRow(enqueuedAtMs);
    case 'building':
      return { ...waitingRow(step.sinceMs), state: 'building' };
    case 'gating':
    case 'landing': {
      const { main, tree } = step.candidate;
      const verdict = step.kind === 'landing' ? 'green' : null;
      return { state: step.kind, base: main, tree, verdict, waitingFor: null, sinceMs: step.sinceMs };
    }
    case 'holding':
      return { ...waitingRow(step.held.sinceMs), state: 'held', waitingFor: step.held.text };
    case 'stopped':
      return { ...waitingRow(step.sinceMs), state: 'held', waitingFor: step.text };
  }
}
