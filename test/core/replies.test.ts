import { describe, expect, it } from '@jest/globals';
import { actorOf, judgeReply, type Judgement, type ReplyName } from '../../src/core/replies.ts';
import { newTask, nextTask, type Stage, type Task } from '../../src/core/task.ts';
import { around, asked, attemptEnded, taskIn } from './rig.ts';

const STAGES: readonly Stage['kind'][] = [
  'phase',
  'backoff',
  'asking',
  'blocked',
  'parked',
  'landing',
  'withdrawing',
  'ended',
];

const judge = (name: ReplyName, task: Task, payload: unknown): Judgement => judgeReply(name, task, payload, () => []);

function reasonOf(judgement: Judgement): string {
  if (judgement.kind === 'take') throw new Error('was taken');
  return judgement.reason;
}

describe('an answer', () => {
  it('is taken for the question that is open, with its actor', () => {
    const event = { kind: 'answer', version: 1, text: 'both', actor: 'ada' };
    expect(judge('answer', taskIn('asking'), { text: 'both', actor: 'ada' })).toEqual({ kind: 'take', event });
    expect(judge('answer', taskIn('asking'), { text: 'both', actor: 'ada', version: 1 })).toEqual({
      kind: 'take',
      event,
    });
  });

  it('is refused for another question than the open one, which the reason names', () => {
    const reason = reasonOf(judge('answer', taskIn('asking'), { text: 'both', version: 7 }));
    expect(reason).toBe('7 is not open; open is 1 (Which one?)');
  });

  it.each(STAGES.filter((stage) => stage !== 'asking'))('is refused in %s with the reason', (stage) => {
    expect(reasonOf(judge('answer', taskIn(stage), { text: 'both' }))).toMatch(
      /^nothing is open that waits for a reply: the task /,
    );
  });

  it.each([undefined, {}, { text: '' }, { text: ' \n' }])('is refused when it is %j', (message) => {
    expect(judge('answer', taskIn('asking'), message).kind).toBe('refuse');
  });

  it.each(['null', '7', '[]', '{"text": 7}', '{"text": null}'])(
    'is refused and throws nothing when a signal brings %s',
    (json) => {
      const message: unknown = JSON.parse(json);
      expect(reasonOf(judge('answer', taskIn('asking'), message))).toContain('has no text');
    },
  );

  it('is refused with a short reason whatever the question and the message', () => {
    const text = 'x'.repeat(60_000);
    const asking = nextTask(newTask(around()), attemptEnded(1, asked({ text })), around());
    const version: number = JSON.parse(JSON.stringify(text));
    expect(reasonOf(judge('answer', asking, { text: 'both', version })).length).toBeLessThanOrEqual(500);
    expect(reasonOf(judge('answer', asking, { text: 'both', version: 7 })).length).toBeLessThanOrEqual(500);
    expect(reasonOf(judge('retry', asking, {})).length).toBeLessThanOrEqual(500);
  });
});

describe('a retry', () => {
  it.each(['parked', 'backoff'] as const)('is taken in %s', (stage) => {
    expect(judge('retry', taskIn(stage), undefined)).toEqual({
      kind: 'take',
      event: { kind: 'retry', actor: 'somebody' },
    });
  });

  it.each(STAGES.filter((stage) => stage !== 'parked' && stage !== 'backoff'))('is refused in %s', (stage) => {
    expect(reasonOf(judge('retry', taskIn(stage), { actor: 'ada' }))).toMatch(/^there is nothing to retry: the task /);
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
