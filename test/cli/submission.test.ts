import { describe, expect, it } from '@jest/globals';
import { didYouMean } from '../../src/config/explain.ts';
import { checkDraft, parseDrafts, type Draft } from '../../src/cli/submission.ts';
import type { ProjectSettings } from '../../src/core/project.ts';

const SETTINGS: Pick<ProjectSettings, 'agent' | 'agents'> = {
  agent: 'claude',
  agents: { claude: { kind: 'claude', model: null, args: [] }, mine: { kind: 'command', command: ['x'], phases: [] } },
};

describe('a draft of a task', () => {
  it.each([
    ['the project’s agent when none is named', { title: 'A' }, { kind: 'agent', agent: 'claude' }],
    ['the agent that is named', { title: 'A', agent: 'mine' }, { kind: 'agent', agent: 'mine' }],
    ['a command', { title: 'A', run: 'make' }, { kind: 'shell', run: 'make' }],
  ])('is done by %s', (_name, draft: Draft, work) => {
    expect(checkDraft(draft, SETTINGS)).toMatchObject({ kind: 'ok', value: { title: 'A', body: '', work } });
  });

  it.each([
    ['no labels', {}, [], []],
    ['its own labels, from a text', { requires: 'linux, gpu' }, [], ['gpu', 'linux']],
    ['its own labels, from a list', { requires: ['gpu'] }, [], ['gpu']],
    ['those of its project beside its own', { requires: 'gpu' }, ['linux', 'gpu'], ['gpu', 'linux']],
    ['none of its project as a question', { type: 'question' }, ['linux'], []],
  ])('requires %s', (_name, draft: Partial<Draft>, requires, expected) => {
    const checked = checkDraft({ title: 'A', ...draft }, { ...SETTINGS, requires });
    expect(checked).toMatchObject({ kind: 'ok', value: { requires: expected } });
  });

  it.each([
    ['an empty title', { title: ' ' }, /^title: is empty/],
    ['a title of two lines', { title: 'a\nb' }, /^title: has more than one line/],
    ['a title that begins with a dash', { title: '-x' }, /^title: "-x" begins with a dash/],
    ['a title with a right-to-left mark', { title: 'a\u202eb' }, /^title: .*\\u202e.* text-direction/],
    ['a body over the limit', { title: 'a', body: 'x'.repeat(65_537) }, /^body: is 65537 bytes, the limit is 65536/],
    ['an empty command', { title: 'a', run: ' ' }, /^run: is empty/],
    ['a command and an agent', { title: 'a', run: 'x', agent: 'mine' }, /^run and agent: /],
    ['an unknown agent', { title: 'a', agent: 'min' }, /^agent: "min" is not known; tasks.yaml has claude, mine/],
    ['an inherited name for an agent', { title: 'a', agent: 'toString' }, /^agent: "toString" is not known/],
    ['the agent shell without a command', { title: 'a', agent: 'shell' }, /^agent: shell needs a command/],
    ['an empty request id', { title: 'a', requestId: '' }, /^request-id: is empty/],
    ['a request id of two lines', { title: 'a', requestId: 'a\nb' }, /^request-id: /],
    ['a label that is none', { title: 'a', requires: 'gpu,Linux' }, /^requires: "Linux" is no label/],
    ['labels for a question', { title: 'a', type: 'question', requires: 'gpu' }, /^requires: nothing is run for/],
    ['a request id over the limit', { title: 'a', requestId: 'x'.repeat(201) }, /^request-id: is 201 characters/],
  ])('refuses %s', (_name, draft: Draft, message) => {
    const checked = checkDraft(draft, SETTINGS);
    expect(checked).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
    expect(checked.kind === 'invalid' && checked.message.includes('\n')).toBe(false);
  });
});

describe('JSON lines', () => {
  it('are drafts with their line numbers; empty lines and a byte-order mark are passed over', () => {
    expect(parseDrafts('\ufeff{"title":"a"}\n\n{"title":"b","run":"x","body":null}\r\n', didYouMean)).toEqual({
      kind: 'ok',
      value: [
        { line: 1, draft: { title: 'a' } },
        { line: 3, draft: { title: 'b', run: 'x' } },
      ],
    });
  });

  it.each(['requestId', 'request-id', 'request_id'])('take %s', (key) => {
    const parsed = parseDrafts(JSON.stringify({ title: 'a', [key]: 'k' }), didYouMean);
    expect(parsed).toMatchObject({ value: [{ draft: { requestId: 'k' } }] });
  });

  it.each([
    ['no JSON', '{"title":"a"}\n{', 'line 2: is no JSON'],
    ['a list', '[]', 'line 1: is no JSON object'],
    ['no title', '{"body":"a"}', 'line 1: title: is missing'],
    ['a number for a title', '{"title":7}', 'line 1: title: must be a string, not 7'],
    ['nothing for a title', '{"title":null}', 'line 1: title: must be a string, not null'],
    ['a map for a title', '{"title":{}}', 'line 1: title: must be a string, not a map'],
    ['a number for stages', '{"title":"a","approve":2}', 'line 1: approve: must be a list of strings, not 2'],
    ['numbers for stages', '{"title":"a","approve":[2]}', 'must be a list of strings, not one with other things'],
    ['an unknown key', '{"titel":"a"}', 'line 1: "titel" is no key here; did you mean title?'],
    ['a key that is near to none', '{"zebra":"a"}', 'line 1: "zebra" is no key here (the keys are title, '],
    ['an inherited key', '{"title":"a","constructor":"b"}', 'line 1: "constructor" is no key here'],
    [
      'a key under two spellings',
      '{"title":"a","requestId":"x","request-id":"y"}',
      'line 1: requestId: is given twice',
    ],
    ['nothing at all', '\n\n', 'has no tasks'],
  ])('refuse %s', (_name, text, message) => {
    expect(parseDrafts(text, didYouMean)).toEqual({ kind: 'invalid', message: expect.stringContaining(message) });
  });
});
