import { describe, expect, it } from '@jest/globals';
import {
  actorOf,
  judgeAnswer,
  judgeRetry,
  outcomeOf,
  remember,
  type Judgement,
} from '../../src/workflows/task-messages.ts';
import type { HandledMessage, MessageOutcome } from '../../src/workflows/messages.ts';
import { nextTask, newTask, type Stage } from '../../src/core/task.ts';
import { around, asked, attemptEnded, taskIn } from '../core/rig.ts';

const STAGES: readonly Stage['kind'][] = ['phase', 'backoff', 'asking', 'parked', 'landing', 'withdrawing', 'ended'];
const TAKEN: MessageOutcome = { kind: 'taken', state: 'running' };

function reasonOf(judgement: Judgement): string {
  if (judgement.kind === 'take') throw new Error('was taken');
  return judgement.reason;
}

describe('an answer', () => {
  it('is taken for the question that is open, with its actor', () => {
    const event = { kind: 'answer', text: 'both', actor: 'ada' };
    expect(judgeAnswer(taskIn('asking'), { text: 'both', actor: 'ada' })).toEqual({ kind: 'take', event });
    expect(judgeAnswer(taskIn('asking'), { text: 'both', actor: 'ada', version: 1 })).toEqual({ kind: 'take', event });
  });

  it('is refused for another question than the open one, which the reason names', () => {
    const reason = reasonOf(judgeAnswer(taskIn('asking'), { text: 'both', version: 7 }));
    expect(reason).toBe('question 7 is not open any more; question 1 is: Which one?');
  });

  it.each(STAGES.filter((stage) => stage !== 'asking'))('is refused in %s with the reason', (stage) => {
    expect(reasonOf(judgeAnswer(taskIn(stage), { text: 'both' }))).toMatch(/^no question is open: the task /);
  });

  it.each([undefined, {}, { text: '' }, { text: ' \n' }])('is refused when it is %j', (message) => {
    expect(judgeAnswer(taskIn('asking'), message).kind).toBe('refuse');
  });

  it.each(['null', '7', '"text"', '[]', '{"text": 7}', '{"text": null}'])(
    'is refused and throws nothing when a signal brings %s',
    (json) => {
      const message: Parameters<typeof judgeAnswer>[1] = JSON.parse(json);
      expect(reasonOf(judgeAnswer(taskIn('asking'), message))).toContain('has no text');
    },
  );

  it('is refused with a short reason whatever the question and the message', () => {
    const text = 'x'.repeat(60_000);
    const asking = nextTask(
      newTask(around()),
      attemptEnded(1, { ...asked('question'), kind: 'question', text }),
      around(),
    );
    const version: number = JSON.parse(JSON.stringify(text));
    expect(reasonOf(judgeAnswer(asking, { text: 'both', version })).length).toBeLessThanOrEqual(500);
    expect(reasonOf(judgeAnswer(asking, { text: 'both', version: 7 })).length).toBeLessThanOrEqual(500);
    expect(reasonOf(judgeRetry(asking, {})).length).toBeLessThanOrEqual(500);
  });
});

describe('a retry', () => {
  it.each(['parked', 'backoff'] as const)('is taken in %s', (stage) => {
    expect(judgeRetry(taskIn(stage), undefined)).toEqual({ kind: 'take', event: { kind: 'retry', actor: 'somebody' } });
  });

  it.each(STAGES.filter((stage) => stage !== 'parked' && stage !== 'backoff'))('is refused in %s', (stage) => {
    expect(reasonOf(judgeRetry(taskIn(stage), { actor: 'ada' }))).toMatch(/^there is nothing to retry: the task /);
  });
});

describe('the actor of a message', () => {
  it('is a name of one line, or somebody', () => {
    expect(actorOf({ actor: 'ada' })).toBe('ada');
    expect(actorOf({ actor: 'a\u202eda\nsecond' })).toBe('ada');
    expect(actorOf({ actor: 'x'.repeat(1_000) })).toHaveLength(200);
    for (const actor of ['', ' \n']) expect(actorOf({ actor })).toBe('somebody');
    expect(actorOf(undefined)).toBe('somebody');
  });
});

describe('a message that was handled', () => {
  it('gets its first outcome again, and another id its own', () => {
    const handled = remember([], 'one', TAKEN);
    expect(outcomeOf(handled, 'one')).toEqual(TAKEN);
    expect(outcomeOf(handled, 'two')).toBeNull();
  });

  it.each([undefined, '', null, 7])('is not remembered under the id %j', (id) => {
    const messageId: string = JSON.parse(JSON.stringify(id ?? null));
    const handled: readonly HandledMessage[] = [];
    expect(remember(handled, id === undefined ? undefined : messageId, TAKEN)).toBe(handled);
    expect(outcomeOf(handled, id === undefined ? undefined : messageId)).toBeNull();
  });

  it('is forgotten after so many others, the oldest first', () => {
    let handled: readonly HandledMessage[] = [];
    for (let count = 0; count <= 200; count += 1) handled = remember(handled, `id-${count}`, TAKEN);
    expect(handled).toHaveLength(200);
    expect(outcomeOf(handled, 'id-0')).toBeNull();
    expect(outcomeOf(handled, 'id-1')).toEqual(TAKEN);
  });

  it('is told from another with a long id without keeping that whole', () => {
    const long = 'x'.repeat(100_000);
    const handled = remember([], `${long}a`, TAKEN);
    expect(outcomeOf(handled, `${long}a`)).toEqual(TAKEN);
    expect(JSON.stringify(handled).length).toBeLessThan(1_000);
  });
});
