/** What people send to a task, and tasks that wait for it. */

import type { Proposal } from '../../src/core/ask-types.ts';
import { judgeReply, type Judgement, type ReplyName } from '../../src/core/replies.ts';
import { newTask, nextTask, type PersonEvent, type Stage, type Task } from '../../src/core/task.ts';
import type { Phase } from '../../src/core/task-types.ts';
import {
  after,
  around,
  asked,
  attemptEnded,
  checkpointOf,
  done,
  proposed,
  questionOf,
  REQUEST,
  taskId,
  taskIn,
} from './rig.ts';

export const STAGES: readonly Stage['kind'][] = [
  'phase',
  'backoff',
  'asking',
  'blocked',
  'parked',
  'landing',
  'withdrawing',
  'ended',
];

/** Just over 64 KiB of UTF-8. */
export const TOO_LONG = 'é'.repeat(32 * 1_024 + 1);

export function judge(name: ReplyName, task: Task, payload: unknown): Judgement {
  return judgeReply(name, task, payload, (count) => Array.from({ length: count }, (_, index) => taskId(11 + index)));
}

export function reasonOf(judgement: Judgement): string {
  if (judgement.kind === 'take') throw new Error('was taken');
  return judgement.reason;
}

/** What a message does to a task; refused, nothing. */
export function sent(name: ReplyName, task: Task, payload: unknown): Task {
  const judgement = judge(name, task, payload);
  return judgement.kind === 'take' ? nextTask(task, judgement.event, around()) : task;
}

/** What a person decides, of version 1 unless said otherwise. */
export function approval(
  change: Partial<Extract<PersonEvent, { kind: 'approve' }>> = {},
): Extract<PersonEvent, { kind: 'approve' }> {
  return { kind: 'approve', version: 1, text: null, items: [], ids: [], actor: 'ada', ...change };
}

export const REVISION = { kind: 'revise', version: 1, text: 'shorter', actor: 'ada' } as const;
export const REJECTION = { kind: 'reject', version: 1, text: 'not now\nnor ever', actor: 'ada' } as const;

/** A task whose agent proposes something in its first phase, or in a later one. */
export function proposing(change: Partial<Proposal> = {}, phase: Phase = 'understand'): Task {
  const checkpoint = checkpointOf(1);
  const begun: Record<Phase, Task> = {
    understand: newTask(around()),
    plan: after(newTask(around()), [attemptEnded(1, done())]),
    execute: after(newTask(around()), [attemptEnded(1, done()), attemptEnded(2, done({ checkpoint }))]),
    revise: after(taskIn('landing'), [{ kind: 'returned', request: REQUEST }]),
  };
  return after(begun[phase], [attemptEnded(begun[phase].attempt, proposed(change))]);
}

export function severalOpen(): Task {
  const questions = [questionOf(), questionOf({ text: 'How?' })];
  return after(newTask(around()), [attemptEnded(1, { ...asked(), kind: 'question', questions })]);
}
