/** What happens to a queue, in as few words as a table of it needs. */

import { EMPTY_QUEUE, nextQueue, type Queue, type QueueEvent } from '../../src/core/queue.ts';
import type { BuildResult, LandResult } from '../../src/core/queue-types.ts';
import { candidateOf, itemOf, LANDING, NOW_MS, taskId } from './rig.ts';

const CLOCK = { nowMs: NOW_MS, random: 0.5 };

export function run(queue: Queue, ...events: readonly QueueEvent[]): Queue {
  return events.reduce((next, event) => nextQueue(next, event, CLOCK), queue);
}

export function enqueued(task: number, attempt: number): QueueEvent {
  return { kind: 'enqueued', item: itemOf(task, attempt) };
}

export function withdraw(task: number, handoff: number): QueueEvent {
  return { kind: 'withdraw', taskId: taskId(task), handoff };
}

export function built(result: BuildResult): QueueEvent {
  return { kind: 'built', result };
}

export function candidate(number: number, knownGreen = false): QueueEvent {
  return built({ kind: 'candidate', candidate: candidateOf(number), knownGreen });
}

export function pushed(result: LandResult): QueueEvent {
  return { kind: 'pushed', result };
}

export const GREEN: QueueEvent = { kind: 'gated', verdict: { kind: 'green' } };
export const NONE: QueueEvent = { kind: 'gated', verdict: { kind: 'none', reason: 'killed' } };
export const LANDED = pushed({ kind: 'landed', landing: LANDING });
export const NO_ANSWER = pushed({ kind: 'held', why: 'origin', text: 'no answer to the push' });
export const ALL_TOLD: QueueEvent = { kind: 'told', count: 1_000 };
export const ONE = run(EMPTY_QUEUE, enqueued(1, 3));
export const AT_LANDING = run(ONE, candidate(5), GREEN);

export function told(queue: Queue): string[] {
  return queue.replies.map(({ taskId: id, reply }) => `${id.slice(-1)}/${reply.handoff} ${reply.kind}`);
}
