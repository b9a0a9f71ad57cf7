import { describe, expect, it } from '@jest/globals';
import type { ReplyName } from '../../src/core/replies.ts';
import { newTask, type Task } from '../../src/core/task.ts';
import { MAX_DOCUMENT_CHARS } from '../../src/core/task-types.ts';
import { headOf } from '../../src/core/text.ts';
import { after, around, asked, attemptEnded, taskId, taskIn } from './rig.ts';
import { judge, proposing, reasonOf, STAGES, TOO_LONG } from './reply-rig.ts';

describe('the text of a reply', () => {
  const cases: readonly [ReplyName, () => Task, string][] = [
    ['answer', () => taskIn('asking'), 'text'],
    ['approve', () => proposing({ kind: 'plan' }), 'text'],
    ['revise', () => proposing(), 'text'],
    ['reject', () => proposing(), 'reason'],
    ['comment', () => taskIn('phase'), 'text'],
  ];

  it.each(cases)('of %s is refused over 64 KiB, and taken below', (name, task, field) => {
    expect(reasonOf(judge(name, task(), { [field]: TOO_LONG }))).toContain('is 65538 bytes, the limit is 65536');
    expect(judge(name, task(), { [field]: TOO_LONG.slice(1) }).kind).toBe('take');
  });

  it.each(cases)('of %s is refused when there is nothing to read in it', (name, task, field) => {
    for (const text of ['', ' \n\t', '\u0000\u200b', '\u202e']) {
      expect(reasonOf(judge(name, task(), { [field]: text }))).toContain('is empty');
    }
  });

  it.each(cases)('of %s may be in any script, and loses what does not print', (name, task, field) => {
    const judgement = judge(name, task(), { [field]: '\u001b[31mنعم، الثاني\u202e من فضلك\u0007\r\n👍', actor: 'منى' });
    expect(judgement).toMatchObject({ kind: 'take', event: { text: 'نعم، الثاني من فضلك\n👍', actor: 'منى' } });
  });

  it.each(cases.filter(([name]) => name !== 'approve'))('of %s is refused when it is none', (name, task, field) => {
    for (const text of [7, null, [], {}, true]) {
      expect(reasonOf(judge(name, task(), { [field]: text }))).toMatch(/text|missing/);
    }
  });

  it.each(cases.filter(([name]) => name !== 'approve'))('of %s may be sent bare', (name, task) => {
    expect(judge(name, task(), 'so be it')).toMatchObject({ kind: 'take', event: { kind: name, text: 'so be it' } });
  });

  it('of a rejection may be called a text', () => {
    expect(judge('reject', proposing(), { text: 'no' })).toMatchObject({ kind: 'take', event: { text: 'no' } });
  });
});

describe('an approval', () => {
  it('is taken with nothing at all when one thing is open', () => {
    for (const payload of [undefined, null, {}, [], 7, { text: null, items: null, version: null }]) {
      expect(judge('approve', proposing(), payload)).toEqual({
        kind: 'take',
        event: { kind: 'approve', version: 1, text: null, items: [], ids: [], actor: 'somebody' },
      });
    }
  });

  it('of a question is its default answer, where it has one', () => {
    const asking = after(newTask(around()), [attemptEnded(1, asked({ default: 'both' }))]);
    expect(judge('approve', asking, {})).toMatchObject({ event: { kind: 'answer', version: 1, text: 'both' } });
    expect(reasonOf(judge('approve', asking, { text: 'neither' }))).toBe('a question is open: answer it: Which one?');
    expect(reasonOf(judge('approve', taskIn('asking'), {}))).toContain('it has no default: answer it: Which one?');
  });

  it('sent as a bare text is refused: it may not be meant for what is to run', () => {
    expect(reasonOf(judge('approve', proposing({ kind: 'plan' }), 'ok'))).toContain('sent with nothing in it');
  });

  it.each(['understanding', 'plan', 'effect', 'message', 'task'] as const)('may edit a %s', (kind) => {
    expect(judge('approve', proposing({ kind }), { text: 'other' })).toMatchObject({ event: { text: 'other' } });
  });

  it('with a text that is unchanged is no edit', () => {
    for (const text of ['drop table users', 'drop table users\n']) {
      expect(judge('approve', proposing(), { text })).toMatchObject({ kind: 'take', event: { text: null } });
    }
  });

  it('with an empty edit approves nothing, and says how to turn it down', () => {
    expect(reasonOf(judge('approve', proposing({ kind: 'plan' }), { text: ' \n' }))).toBe(
      'the edited plan: is empty; nothing was approved; to turn it down, reject it',
    );
  });

  it.each([
    ['patch', 'say what to change with revise'],
    ['tasks', 'edit its items one by one'],
  ] as const)('cannot edit a %s as a text', (kind, instead) => {
    expect(reasonOf(judge('approve', proposing({ kind }), { text: 'other' }))).toContain(instead);
  });

  it('cannot edit what is too long to be shown whole, and can approve it', () => {
    const body = headOf('x'.repeat(MAX_DOCUMENT_CHARS + 9), MAX_DOCUMENT_CHARS);
    const plan = proposing({ kind: 'plan', body });
    expect(reasonOf(judge('approve', plan, { text: 'x' }))).toContain('would lose the rest');
    expect(judge('approve', plan, { text: body }).kind).toBe('take');
    expect(judge('approve', plan, {}).kind).toBe('take');
  });

  it.each([7, [], {}, true])('is refused with the text %j', (text) => {
    expect(reasonOf(judge('approve', proposing(), { text }))).toBe('text: must be a text, or be left out');
  });
});

function itemsOf(task: Task, items: readonly unknown[]): unknown {
  const judgement = judge('approve', task, { items });
  return judgement.kind === 'take' && judgement.event.kind === 'approve' ? judgement.event.items : judgement;
}

describe('an approval of further tasks', () => {
  const items = [
    { title: 'Sort', body: '' },
    { title: 'Tidy', body: 'all' },
  ];
  const task = proposing({ kind: 'tasks', items });

  it('accepts them all when it says nothing of them', () => {
    expect(judge('approve', task, {})).toMatchObject({
      event: { items: [{ kind: 'accepted' }, { kind: 'accepted' }], ids: [taskId(11), taskId(12)] },
    });
  });

  it('accepts, edits and drops each by itself', () => {
    expect(itemsOf(task, [{}, { drop: true }])).toEqual([{ kind: 'accepted' }, { kind: 'dropped' }]);
    expect(itemsOf(task, [{ title: 'Sort', drop: false }, { body: 'half' }])).toEqual([
      { kind: 'accepted' },
      { kind: 'edited', task: { title: 'Tidy', body: 'half' } },
    ]);
    expect(itemsOf(task, [{ title: ' Sort all ' }, {}])).toMatchObject([{ task: { title: 'Sort all', body: '' } }, {}]);
  });

  it.each([
    ['fewer', [{}]],
    ['more', [{}, {}, {}]],
    ['no list', { 0: {} }],
    ['a text', 'all'],
  ])('is refused with %s', (_what, given) => {
    expect(reasonOf(judge('approve', task, { items: given }))).toContain('must be a list of 2 decisions');
  });

  it.each([null, 'drop', 7, [], { drop: 'yes' }, { drop: null }, { title: 7 }, { body: {} }])(
    'is refused with the item %j, by its number',
    (item) => {
      expect(reasonOf(judge('approve', task, { items: [{}, item] }))).toMatch(/^items: 2: must be \{\}/);
    },
  );

  it('is refused with an item that could not be submitted', () => {
    expect(reasonOf(judge('approve', task, { items: [{ title: '' }, {}] }))).toContain('items: 1: title: is empty');
    expect(reasonOf(judge('approve', task, { items: [{}, { body: TOO_LONG }] }))).toContain('items: 2: body: is 65538');
  });

  it('has no items of anything else', () => {
    expect(judge('approve', proposing(), { items: [] }).kind).toBe('take');
    expect(reasonOf(judge('approve', proposing(), { items: [{}] }))).toContain('must be a list of 0 decisions');
  });
});

describe('a comment and an edit', () => {
  it.each(STAGES)('in %s count for as long as they can reach anybody', (stage) => {
    const over = stage === 'ended' || stage === 'withdrawing';
    expect(judge('comment', taskIn(stage), 'mind').kind).toBe(over ? 'refuse' : 'take');
    expect(judge('edit', taskIn(stage), { title: 'Other' }).kind).toBe(over ? 'refuse' : 'take');
    if (!over) return;
    expect(reasonOf(judge('comment', taskIn(stage), 'mind'))).toContain('reaches nobody any more: the task');
    expect(reasonOf(judge('edit', taskIn(stage), { body: '' }))).toContain('too late for an edit: the task');
  });

  it('edit the title, the body or both', () => {
    const event = { kind: 'edit', title: null, body: null, actor: 'somebody' };
    const task = taskIn('phase');
    expect(judge('edit', task, { title: ' Other ' })).toEqual({ kind: 'take', event: { ...event, title: 'Other' } });
    expect(judge('edit', task, { body: '' })).toEqual({ kind: 'take', event: { ...event, body: '' } });
  });

  it.each([undefined, {}, 'Other', { title: null }, { title: 7, body: 'x' }, { title: 'x', body: [] }])(
    'edit nothing by %j',
    (payload) => {
      expect(reasonOf(judge('edit', taskIn('phase'), payload))).toContain('an edit has a title, a body or both');
    },
  );

  it('edit nothing that could not be submitted', () => {
    expect(reasonOf(judge('edit', taskIn('phase'), { title: 'a\nb' }))).toContain('more than one line');
    expect(reasonOf(judge('edit', taskIn('phase'), { title: 'a', body: TOO_LONG }))).toContain('body: is 65538 bytes');
  });
});
