/** Facts, queues and what is seen of them, for the tests of the queue: main is 9, task n's candidate is the commit 100 + n. */

import { EMPTY_QUEUE, reconcile, type Queue, type QueueCommand, type QueueFact } from '../../src/core/queue.ts';
import type { Entry } from '../../src/core/queue-state.ts';
import type {
  BuildResult,
  GateVerdict,
  LandResult,
  MainSeen,
  QueueItem,
  RunState,
} from '../../src/core/queue-types.ts';
import { candidateOf, itemOf, LANDING, NOW_MS, objectId, SPEC, taskId } from './rig.ts';

export const CLOCK = { nowMs: NOW_MS, random: 0.5, project: SPEC.project };
export const TARGET = { project: SPEC.project, branch: SPEC.branch, origin: SPEC.origin };
export const MAIN = 9;

export function run(queue: Queue, ...facts: readonly QueueFact[]): Queue {
  return facts.reduce((next, fact) => reconcile(next, [fact], CLOCK).queue, queue);
}

export function at(queue: Queue, nowMs: number, ...facts: readonly QueueFact[]): Queue {
  return reconcile(queue, facts, { ...CLOCK, nowMs }).queue;
}

export function commandsOf(queue: Queue, nowMs = NOW_MS): readonly QueueCommand[] {
  return reconcile(queue, [], { ...CLOCK, nowMs }).commands;
}

export function keysOf(queue: Queue, nowMs = NOW_MS): readonly string[] {
  return commandsOf(queue, nowMs).map(({ kind, key }) => (key.startsWith(kind) ? key : `${kind} ${key}`));
}

export function handedOff(task: number, attempt = 1, change: Partial<QueueItem> = {}): QueueFact {
  return { kind: 'handed-off', item: itemOf(task, attempt, change) };
}

/** Task n's candidate is the commit 100 + n. */
export function candidate(task: number, on = MAIN): BuildResult {
  return { kind: 'candidate', candidate: { ...candidateOf(100 + task), main: objectId(on) }, knownGreen: false };
}

export function built(task: number, result: BuildResult, parent: number | null = null, change: object = {}): QueueFact {
  const main: MainSeen = { commit: objectId(MAIN), since: 'first', vanished: [] };
  return {
    kind: 'built',
    taskId: taskId(task),
    attempt: 1,
    parent: parent === null ? null : objectId(parent),
    known: null,
    answer: { result, main, run: null, slots: 2, window: null, ...change },
  };
}

export const keyOf = (task: number): string => `${candidateOf(100 + task).tree}/gate`;

export function gated(task: number, verdict: GateVerdict): QueueFact {
  return { kind: 'gate', key: keyOf(task), state: { kind: 'ended', verdict } };
}

export function green(task: number): QueueFact {
  return gated(task, { kind: 'green' });
}

export function red(task: number, failedCommand = 'npm test'): QueueFact {
  return gated(task, { kind: 'red', failedCommand, text: 'exited with 1', logTail: `failed ${task}`, landedSince: [] });
}

export function suspect(task: number): QueueFact {
  return { kind: 'gate', key: keyOf(task), state: { kind: 'running', runId: `run ${task}`, suspect: true } };
}

export function pushed(task: number, result: LandResult): QueueFact {
  return { kind: 'pushed', taskId: taskId(task), attempt: 1, result };
}

export function landed(task: number): QueueFact {
  return pushed(task, { kind: 'landed', landing: { ...LANDING, commit: objectId(100 + task) } });
}

export function mainGate(verdict: GateVerdict, commit = MAIN): QueueFact {
  return { kind: 'main-gate', commit: objectId(commit), key: 'main/gate', state: { kind: 'ended', verdict } };
}

export function looked(main: MainSeen | null, change: object = {}): QueueFact {
  return {
    kind: 'looked',
    look: { known: objectId(MAIN), main, runs: [], turnOver: null, slots: 2, ...change },
  };
}

export const MAIN_RED: GateVerdict = {
  kind: 'red',
  failedCommand: 'npm test',
  text: 'main fails',
  logTail: 'expected 1, got 2\n',
  landedSince: [],
};
export const ALL_TOLD: QueueFact = { kind: 'told', count: 1_000 };

export function told(queue: Queue): string[] {
  return queue.replies.map(({ taskId: id, reply }) => `${id.slice(-1)} ${reply.kind}`);
}

export function stages(queue: Queue): string[] {
  return queue.chain.map(({ item, stage }) => `${item.taskId.slice(-1)} ${stage.kind}`);
}

/** Three that are candidates on each other. */
export const CHAIN = run(
  EMPTY_QUEUE,
  handedOff(1),
  built(1, candidate(1)),
  handedOff(2),
  built(2, candidate(2, 101), 101),
  handedOff(3),
  built(3, candidate(3, 102), 102),
);
export const GREEN_MAIN: Queue = { ...CHAIN, main: { commit: objectId(MAIN), standing: 'green', foreign: false } };

/** Its candidates have a gate that requires these labels. */
export function requiring(queue: Queue, requires: readonly string[]): Queue {
  const chain = queue.chain.map((entry): Entry => {
    if (entry.stage.kind !== 'candidate') return entry;
    const { candidate: made } = entry.stage;
    return { ...entry, stage: { ...entry.stage, candidate: { ...made, gate: { ...made.gate, requires } } } };
  });
  return { ...queue, chain };
}

export function order(queue: Queue): string {
  return queue.line.map(({ taskId: id }) => id.slice(-1)).join('');
}

export function say(action: 'pause' | 'resume'): QueueFact {
  return { kind: 'control', control: { action, actor: 'Ada' } };
}

export function remove(task: number): QueueFact {
  return { kind: 'control', control: { action: 'remove', actor: 'Ada', taskId: taskId(task) } };
}

export function withdraw(task: number, handoff = 1): QueueFact {
  return { kind: 'withdraw', taskId: taskId(task), handoff };
}

export function running(task: number): RunState {
  return { kind: 'running', runId: `run ${task}`, suspect: false };
}

export function started(task: number): QueueFact {
  return { kind: 'gate', key: keyOf(task), state: running(task) };
}
