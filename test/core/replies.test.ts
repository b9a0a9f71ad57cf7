import { describe, expect, it } from '@jest/globals';
import { actorOf, REPLIES } from '../../src/core/replies.ts';
import { newTask, nextTask } from '../../src/core/task.ts';
import { after, around, asked, attemptEnded, forEachSeed, holds, NOW_MS, SPEC, taskIn, type Dice } from './rig.ts';
import { judge, proposing, reasonOf, sent, severalOpen, STAGES, TOO_LONG } from './reply-rig.ts';

const SINCE = new Date(NOW_MS).toISOString();

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

describe('a reply of the wrong kind', () => {
  it('is told what is open', () => {
    expect(reasonOf(judge('answer', proposing({ kind: 'plan' }), { text: 'yes' }))).toBe(
      'no question is open, but a proposal of a plan: approve it, ask for changes or reject it',
    );
    for (const name of ['revise', 'reject'] as const) {
      expect(reasonOf(judge(name, taskIn('asking'), 'no'))).toBe(
        'no proposal is open, but a question: answer it: Which one?',
      );
    }
  });

  it('asks no changes of what nobody works on yet', () => {
    const task = newTask(around({ spec: { ...SPEC, type: 'proposal' } }));
    expect(reasonOf(judge('revise', task, 'shorter'))).toContain('nobody works on this proposal yet');
    expect(judge('reject', task, 'no').kind).toBe('take');
  });
});

describe('a reply while several questions are open', () => {
  it('has to name one, and the reason names them', () => {
    const reason = 'several are open: open are 1 (Which one?), 2 (How?); name one by its version';
    for (const name of ['answer', 'approve'] as const)
      expect(reasonOf(judge(name, severalOpen(), { text: 'a' }))).toBe(reason);
    expect(judge('answer', severalOpen(), { text: 'a', version: 2 })).toMatchObject({ event: { version: 2 } });
    expect(judge('answer', severalOpen(), { text: 'a', version: '2' })).toMatchObject({ event: { version: 2 } });
  });

  it('names none when it is answered already', () => {
    const one = sent('answer', severalOpen(), { text: 'a', version: 1, actor: 'ada' });
    expect(reasonOf(judge('answer', one, { text: 'b', version: 1 }))).toBe(
      `1 was answered by ada at ${SINCE}; open is 2 (How?)`,
    );
    expect(judge('answer', one, { text: 'b' })).toMatchObject({ event: { version: 2 } });
  });
});

describe('a reply that comes too late', () => {
  it('is told what holds, by its version and without one', () => {
    const answered = sent('answer', taskIn('asking'), { text: 'a', actor: 'ada' });
    const held = `1 was answered by ada at ${SINCE}`;
    expect(reasonOf(judge('answer', answered, { text: 'a', version: 1 }))).toBe(
      `${held}; the task is in its understand phase`,
    );
    expect(reasonOf(judge('answer', answered, { text: 'a' }))).toBe(
      `nothing is open that waits for a reply: the task is in its understand phase; ${held}`,
    );
  });

  it.each([
    ['approve', { actor: 'ada' }, 'was approved'],
    ['approve', { actor: 'ada', text: 'drop nothing' }, 'was approved with edits'],
    ['revise', { actor: 'ada', text: 'no' }, 'got changes requested'],
    ['reject', { actor: 'ada', reason: 'no' }, 'was rejected'],
  ] as const)('and contradicts %s %j is refused, and changes nothing', (name, payload, held) => {
    const settled = sent(name, proposing(), payload);
    expect(settled.settled).toHaveLength(1);
    for (const other of ['approve', 'revise', 'reject'] as const) {
      for (const version of [1, undefined]) {
        const late = { version, text: 'x', actor: 'eve' };
        expect(reasonOf(judge(other, settled, late))).toContain(`1 ${held} by ada at ${SINCE}`);
        expect(sent(other, settled, late)).toBe(settled);
      }
    }
  });

  it('is told that time was up, or that an edit has replaced it', () => {
    const patience = { remindMs: null, escalate: null, expire: { afterMs: 1, outcome: 'give-up' as const } };
    const spec = { ...SPEC, policy: { ...SPEC.policy, patience } };
    const asking = after(newTask(around({ spec })), [attemptEnded(1, asked())], around({ spec }));
    const over = nextTask(asking, { kind: 'due' }, around({ spec, nowMs: NOW_MS + 1 }));
    expect(reasonOf(judge('answer', over, { text: 'a', version: 1 }))).toMatch(
      /^1 was over in time, settled by the deadline at .*; the task has ended \(failed\)$/,
    );
    const proposal = around({ spec: { ...SPEC, type: 'proposal' } });
    const edit = { kind: 'edit', title: 'Other', body: null, actor: 'ada' } as const;
    const edited = nextTask(newTask(proposal), edit, proposal);
    expect(reasonOf(judge('approve', edited, { version: 1 }))).toBe(
      `1 was asked anew by ada at ${SINCE}; open is 2 (Other)`,
    );
  });

  it('is not meant for what is asked next', () => {
    const again = after(sent('answer', taskIn('asking'), { text: 'a' }), [attemptEnded(2, asked({ text: 'And?' }))]);
    expect(reasonOf(judge('answer', again, { text: 'a', version: 1 }))).toContain('open is 2 (And?)');
    expect(reasonOf(judge('answer', again, { text: 'a', version: 3 }))).toBe('3 is not open; open is 2 (And?)');
  });

  it.each([true, [1], {}, 1.5, 'one', '', -0.5])('is refused with the version %j', (version) => {
    const reason = reasonOf(judge('answer', taskIn('asking'), { text: 'a', version }));
    expect(reason).toMatch(/^(version: must be the number of what is replied to|0 is not open); open is 1/);
  });
});

function payloadOf(dice: Dice): unknown {
  const value = (): unknown =>
    dice.pick<unknown>([undefined, null, 7, -1, '', 'x', 'x\u0000', [], [{}], {}, true, { text: {} }, TOO_LONG, 1, 2]);
  const fields = ['text', 'reason', 'version', 'items', 'title', 'body', 'actor', 'messageId', '__proto__', 'bare'];
  return dice.roll() < 0.3 ? value() : Object.fromEntries(fields.map((field) => [field, value()]));
}

describe('any payload at all', () => {
  it('is taken with effect, or refused in one short line without one', () => {
    const tasks = [...STAGES.map(taskIn), severalOpen(), proposing(), proposing({ kind: 'patch' }), newTask(around())];
    let taken = 0;
    forEachSeed((dice) => {
      for (const task of tasks) {
        for (const name of REPLIES) {
          const judgement = judge(name, task, payloadOf(dice));
          if (judgement.kind === 'take') {
            taken += 1;
            holds('what is taken has an effect', nextTask(task, judgement.event, around()) !== task);
          } else {
            const { reason } = judgement;
            holds('a refusal is one short line', reason.length > 0 && reason.length <= 500 && !/[\n\0]/.test(reason));
          }
        }
      }
    });
    expect(taken).toBeGreaterThan(500);
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
