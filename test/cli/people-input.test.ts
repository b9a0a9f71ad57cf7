/** What people type about questions, proposals and tasks, checked before anything is sent. */

import { describe, expect, it } from '@jest/globals';
import { didYouMean } from '../../src/config/explain.ts';
import { checkAsking, type AskingDraft } from '../../src/cli/asking-options.ts';
import { choiceOf } from '../../src/cli/commands/answer.ts';
import { itemsByNumber, itemsText, parseItemsText } from '../../src/cli/items.ts';
import { checkDraft, parseDrafts } from '../../src/cli/submission.ts';
import { parseTarget } from '../../src/cli/target.ts';

describe('what a reply is for', () => {
  it.each([
    ['7fk2@3', { id: '7fk2', version: 3 }],
    ['7fk2', { id: '7fk2', version: null }],
  ])('%s names it', (text, target) => {
    expect(parseTarget(text)).toEqual(target);
  });

  it.each(['7fk2@', '7fk2@0', '7fk2@x', '7fk2@1@2', '7fk2@-1', '7fk2@1.5'])('%s is refused', (text) => {
    expect(() => parseTarget(text)).toThrow(/as in 7fk2@3/);
  });
});

describe('an answer', () => {
  it.each([
    ['2', ['red', 'blue'], 'blue'],
    [' 1\n', ['red', 'blue'], 'red'],
    ['blue', ['red', 'blue'], 'blue'],
    ['green', ['red', 'blue'], 'green'],
    ['2', [], '2'],
    ['2', ['1', '3'], '2'],
    ['2 of them', ['red', 'blue'], '2 of them'],
  ])('%j of %j is %j', (text, choices, answer) => {
    expect(choiceOf({ choices }, text)).toBe(answer);
  });

  it('with a number that no choice has is refused with the choices', () => {
    expect(() => choiceOf({ choices: ['red', 'blue'] }, '3')).toThrow(
      /there is no choice 3; the choices are 1 red, 2 blue/,
    );
  });
});

describe('proposed tasks', () => {
  it.each([
    ['1,3', '2', [{}, { drop: true }, {}]],
    ['1,3', undefined, [{}, { drop: true }, {}]],
    [undefined, '1', [{ drop: true }, {}, {}]],
    [undefined, '1,2,3', [{ drop: true }, { drop: true }, { drop: true }]],
  ])('--accept %s --drop %s decides each', (accept, drop, items) => {
    expect(itemsByNumber(3, accept, drop)).toEqual({ kind: 'ok', value: items });
  });

  it.each([
    ['1', '1,2,3', /1 is in both/],
    ['1', '2', /3 is in neither/],
    ['4', undefined, /--accept: "4" is none of the 3 tasks/],
    [undefined, 'x', /--drop: "x" is none of the 3 tasks/],
    ['', undefined, /--accept: "" is none/],
  ])('--accept %s --drop %s is refused', (accept, drop, message) => {
    expect(itemsByNumber(3, accept, drop)).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
  });

  const ITEMS = [
    { title: 'First', body: 'one\n\ntwo' },
    { title: 'Second', body: '' },
  ];

  it('come back from the editor as they were when nothing was changed', () => {
    expect(parseItemsText(itemsText(ITEMS), ITEMS)).toEqual({ kind: 'ok', value: [{}, {}] });
  });

  it('come back with a new title, a new body, or dropped', () => {
    const text = itemsText(ITEMS);
    expect(parseItemsText(text.replace('First', 'Premier'), ITEMS)).toEqual({
      kind: 'ok',
      value: [{ title: 'Premier' }, {}],
    });
    expect(parseItemsText(`${text}\nmore of it\n`, ITEMS)).toEqual({ kind: 'ok', value: [{}, { body: 'more of it' }] });
    expect(parseItemsText(text.slice(0, text.indexOf('=== 2')), ITEMS)).toEqual({
      kind: 'ok',
      value: [{}, { drop: true }],
    });
  });

  it.each([
    ['=== 3: x', /there are 2 tasks/],
    ['=== 1: a\n=== 1: b', /is there twice/],
    ['=== 1: ', /=== 1: title: is empty/],
    ['hello', /stands before the first task/],
  ])('%j is refused', (text, message) => {
    expect(parseItemsText(text, ITEMS)).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
  });
});

describe('what is submitted', () => {
  it.each([
    [{}, { type: 'task', for: null, approve: null, choices: [] }],
    [{ for: 'Ada' }, { type: 'proposal', for: 'Ada' }],
    [
      { for: 'Ada', blocks: '7fk2' },
      { type: 'question', for: 'Ada', blocks: '7fk2' },
    ],
    [{ blocks: '7fk2' }, { type: 'question' }],
    [{ choices: 'eu, us' }, { type: 'question', choices: ['eu', 'us'] }],
    [{ choices: ['yes, now', 'no'] }, { type: 'question', choices: ['yes, now', 'no'] }],
    [{ default: 'eu' }, { type: 'question', default: 'eu' }],
    [
      { type: 'task', for: 'Ada' },
      { type: 'task', for: 'Ada' },
    ],
    [{ approve: 'none' }, { type: 'task', approve: [] }],
    [{ approve: [] }, { type: 'task', approve: [] }],
    [{ approve: 'plan, patch,plan' }, { approve: ['plan', 'patch'] }],
    [{ approve: ['plan,effects', 'patch'] }, { approve: ['plan', 'effects', 'patch'] }],
    [
      { approve: ['plan', 'effects'], for: 'Ada' },
      { type: 'proposal', approve: ['plan', 'effects'] },
    ],
  ])('%j is %j', (draft: AskingDraft, asking) => {
    expect(checkAsking(draft)).toEqual({ kind: 'ok', value: expect.objectContaining(asking) });
  });

  it.each([
    [{ type: 'epic' }, /^type: "epic" is no type; give one of task, proposal, question/],
    [{ type: 'task', choices: 'a,b' }, /^choices: is for questions/],
    [{ type: 'proposal', blocks: '7fk2' }, /^blocks: is for questions/],
    [{ type: 'question', approve: 'plan' }, /^approve: a question has no stages/],
    [{ approve: 'plans' }, /^approve: "plans" is no stage; give clarification, plan,/],
    [{ approve: 'none,plan' }, /^approve: none stands alone/],
    [{ approve: '' }, /^approve: is empty/],
    [{ approve: [''] }, /^approve: is empty/],
    [{ choices: 'a,,b' }, /^choices: one of them is empty/],
    [{ choices: 'a,a' }, /^choices: one is given twice/],
    [{ choices: 'a,\u202eb' }, /^choices: .*text-direction/],
    [{ choices: Array.from({ length: 21 }, String) }, /^choices: are 21, the limit is 20/],
    [{ for: ' ' }, /^for: " " is no name/],
    [{ for: 'x'.repeat(101) }, /^for: is 101 characters/],
    [{ blocks: '' }, /^blocks: is empty/],
    [{ default: ' ', type: 'question' }, /^default: is empty/],
  ])('%j is refused', (draft: AskingDraft, message) => {
    expect(checkAsking(draft)).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
  });

  it('needs neither an agent nor a command for a question', () => {
    const settings = { agent: 'none-such', agents: {} };
    expect(checkDraft({ title: 'Which?', type: 'question' }, settings)).toMatchObject({ kind: 'ok' });
    expect(checkDraft({ title: 'Which?', type: 'question', run: 'true' }, settings)).toEqual({
      kind: 'invalid',
      message: 'run: nothing is run for a question; leave it out, or give --type task',
    });
    expect(checkDraft({ title: 'Do it' }, settings)).toMatchObject({ kind: 'invalid' });
  });

  it('has the same keys in JSON lines, lists as lists', () => {
    const line = { title: 'Which?', for: 'Ada', blocks: '7fk2', choices: ['a, b', 'c'], default: 'c' };
    expect(parseDrafts(`${JSON.stringify(line)}\n{"title":"x","approve":"plan,patch"}`, didYouMean)).toEqual({
      kind: 'ok',
      value: [
        { line: 1, draft: line },
        { line: 2, draft: { title: 'x', approve: 'plan,patch' } },
      ],
    });
  });

  it.each([
    ['{"title":"x","choices":[1]}', /line 1: choices: must be a list of strings, not one with other things/],
    ['{"title":"x","approve":true}', /line 1: approve: must be a list of strings/],
    ['{"title":"x","for":["a"]}', /line 1: for: must be a string/],
    ['{"title":"x","aprove":"plan"}', /line 1: "aprove" .* did you mean approve\?/],
  ])('%s is refused', (line, message) => {
    expect(parseDrafts(line, didYouMean)).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
  });
});
