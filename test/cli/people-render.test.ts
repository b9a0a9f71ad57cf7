/** What people are shown of what waits for them. */

import { describe, expect, it } from '@jest/globals';
import pc from 'picocolors';
import type { AskView } from '../../src/core/ask-types.ts';
import type { WaitingFor } from '../../src/core/task-types.ts';
import type { InboxRow } from '../../src/ledger/types.ts';
import { exchangesOf } from '../../src/cli/exchanges.ts';
import { commandsFor, renderAsk } from '../../src/cli/render/asks.ts';
import { renderExchanges } from '../../src/cli/render/exchanges.ts';
import { inboxObject, isMine, renderInbox, waitKey } from '../../src/cli/render/inbox.ts';
import { NOW_MS, SCREEN, viewWith } from './views.ts';

const SINCE = '2026-01-02T03:03:05.000Z';
const QUESTION: AskView = {
  version: 3,
  kind: 'question',
  text: 'Which region?\nIt cannot be changed later.',
  body: '',
  choices: ['eu', 'us'],
  default: 'eu',
  items: [],
  for: 'Bob',
  since: SINCE,
  expiresAt: '2026-01-02T06:04:05.000Z',
};
const PLAN: AskView = {
  ...QUESTION,
  version: 4,
  kind: 'plan',
  text: 'Two steps',
  body: '# Plan\n\n- one\n- two',
  choices: [],
  default: null,
  for: null,
  expiresAt: null,
};
const WAITING: WaitingFor = {
  kind: 'question',
  text: QUESTION.text,
  since: SINCE,
  version: 3,
  proposal: null,
  for: 'Bob',
  open: 1,
};
const ID = viewWith({}).id;

function row(changes: Partial<InboxRow>): InboxRow {
  return { ...viewWith({ state: 'waiting', waitingFor: WAITING }), asks: [QUESTION], ...changes };
}

describe('an ask', () => {
  it('whose choices are numbers shows none beside them, since a number is taken as it is', () => {
    const ports = { ...QUESTION, choices: ['8080', '9090'] };
    expect(renderAsk(ID, ports, SCREEN)).toEqual(expect.arrayContaining(['     -  8080', '     -  9090']));
    expect(renderInbox([row({ asks: [ports] })], SCREEN).join('\n')).toContain('choices: 8080, 9090\n');
  });

  it('that is a question shows all of it, its choices by number, its default, its end and the command', () => {
    expect(renderAsk(ID, QUESTION, SCREEN)).toEqual([
      'Question 3 for Bob, 1 min ago',
      '  Which region?',
      '  It cannot be changed later.',
      '     1  eu',
      '     2  us',
      '  default: eu',
      '  until: 2026-01-02T06:04:05.000Z (in 3 h)',
      `  reply with: tasks answer ${ID}@3 "…"`,
    ]);
  });

  it('that is a plan shows its text as it is, and each command that replies', () => {
    expect(renderAsk(ID, PLAN, SCREEN)).toEqual([
      'Proposal (plan) 4, 1 min ago',
      '  Two steps',
      '',
      '  # Plan',
      '',
      '  - one',
      '  - two',
      '',
      `  reply with: tasks approve ${ID}@4`,
      `          or: tasks revise ${ID}@4 "…"`,
      `          or: tasks reject ${ID}@4 --reason "…"`,
    ]);
  });

  it('that is a patch has its diff in colour on a terminal alone', () => {
    const patch: AskView = {
      ...PLAN,
      kind: 'patch',
      body: 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same',
    };
    expect(renderAsk(ID, patch, SCREEN).join('\n')).not.toContain('\u001b');
    const palette = pc.createColors(true);
    const lines = renderAsk(ID, patch, { ...SCREEN, palette });
    expect(lines).toContain(`  ${palette.green('+new')}`);
    expect(lines).toContain(`  ${palette.red('-old')}`);
    expect(lines).toContain(`  ${palette.bold('+++ b/x')}`);
    expect(lines).toContain('   same');
  });

  it('that is no patch is not painted as one', () => {
    const palette = pc.createColors(true);
    expect(renderAsk(ID, PLAN, { ...SCREEN, palette })).toContain('  - one');
  });

  it('that proposes tasks numbers them', () => {
    const items = [
      { title: 'First', body: 'more' },
      { title: 'Second', body: '' },
    ];
    const lines = renderAsk(ID, { ...PLAN, kind: 'tasks', body: '', items }, SCREEN);
    expect(lines.slice(2, 5)).toEqual(['     1  First', '        more', '     2  Second']);
  });

  it('shows nothing that a terminal would obey', () => {
    const evil = 'a\u001b]0;title\u0007\u001b[2J\u202eb';
    const lines = renderAsk(ID, { ...PLAN, text: evil, body: evil, for: evil }, SCREEN).join('\n');
    expect(lines).toContain(' for ab, ');
    expect(lines).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  it('of a task that is only proposed cannot be sent back', () => {
    expect(commandsFor(ID, { ...PLAN, kind: 'task' })).toEqual([
      `tasks approve ${ID}@4`,
      `tasks reject ${ID}@4 --reason "…"`,
    ]);
  });
});

describe('the inbox', () => {
  it('has each open question with its own command', () => {
    const second = {
      ...QUESTION,
      version: 5,
      text: 'And when?',
      choices: [],
      default: null,
      for: null,
      expiresAt: null,
    };
    expect(renderInbox([row({ asks: [QUESTION, second] }), row({ waitingFor: null })], SCREEN)).toEqual([
      `${ID}  question  shop, 1 min ago  Sort the imports`,
      '    for Bob: Which region?',
      '    choices: 1 eu, 2 us',
      '    default: eu',
      '    until: 2026-01-02T06:04:05.000Z (in 3 h)',
      `    reply with: tasks answer ${ID}@3 "…"`,
      '    And when?',
      `    reply with: tasks answer ${ID}@5 "…"`,
    ]);
  });

  it('has a proposal with where to see it', () => {
    const lines = renderInbox(
      [row({ waitingFor: { ...WAITING, kind: 'proposal', proposal: 'plan' }, asks: [PLAN] })],
      SCREEN,
    );
    expect(lines[0]).toBe(`${ID}  proposal (plan)  shop, 1 min ago  Sort the imports`);
    expect(lines.slice(1, 4)).toEqual([
      '    Two steps',
      `          see: tasks show ${ID}`,
      `    reply with: tasks approve ${ID}@4`,
    ]);
  });

  it('has what waits for something else than a reply', () => {
    const waitingFor = { ...WAITING, kind: 'attempts', text: 'it failed', version: null, for: null } as const;
    expect(renderInbox([row({ waitingFor, asks: [] })], SCREEN).slice(1)).toEqual([
      '    it failed',
      `    reply with: tasks retry ${ID}`,
    ]);
  });

  it.each([
    ['asked of me', row({}), 'bob', true],
    ['asked of another', row({ owner: 'Ada' }), 'Ada', false],
    ['asked of nobody, of a task of mine', row({ asks: [PLAN] }), 'Ada', true],
    ['asked of nobody, of a task of another', row({ asks: [PLAN], owner: 'Eve' }), 'Ada', false],
    ['no question, of a task of mine', row({ asks: [], waitingFor: { ...WAITING, for: null } }), 'Ada', true],
    ['one of two asked of me', row({ asks: [QUESTION, PLAN], owner: 'Eve' }), 'Bob', true],
  ])('is mine where it is %s: %#', (_name, one, person, mine) => {
    expect(isMine(one, person)).toBe(mine);
  });

  it('tells a wait from the next one of the same task', () => {
    expect(waitKey(row({}))).toBe(waitKey(row({ sequence: 99 })));
    expect(waitKey(row({}))).not.toBe(waitKey(row({ asks: [PLAN] })));
    const parked = { ...WAITING, kind: 'attempts' } as const;
    const later = { ...parked, since: new Date(NOW_MS).toISOString() };
    expect(waitKey(row({ asks: [], waitingFor: parked }))).not.toBe(waitKey(row({ asks: [], waitingFor: later })));
  });

  it('begins with the id as JSON, for completion, and has the commands', () => {
    const object = inboxObject(row({}));
    expect(JSON.stringify(object)).toMatch(new RegExp(`^{"id":"${ID}",`));
    expect(object).toMatchObject({
      reply: `tasks answer ${ID}@3 "…"`,
      asks: [{ version: 3, commands: [`tasks answer ${ID}@3 "…"`] }],
    });
  });
});

describe('what was said', () => {
  it('is shown with who said it, a few lines of it', () => {
    const answer = Array.from({ length: 9 }, (_, index) => `line ${index}`).join('\n');
    expect(
      renderExchanges(
        [
          { kind: 'question', question: 'Sure?', answer: 'yes', actor: 'Ada', atMs: 0 },
          { kind: 'comment', question: '', answer, actor: 'Bob', atMs: 0 },
        ],
        SCREEN,
      ),
    ).toEqual([
      '',
      'Answers, decisions and comments',
      '  Sure?',
      '    Ada: yes',
      '  Bob: line 0',
      '      line 1',
      '      line 2',
      '      line 3',
      '      line 4',
      '      …',
    ]);
    expect(renderExchanges([], SCREEN)).toEqual([]);
  });

  it('is read from the record when no worker can say', () => {
    const at = SINCE;
    const events = [
      { sequence: 1, at, happened: { kind: 'asked', ask: PLAN } as const },
      {
        sequence: 2,
        at,
        happened: {
          kind: 'decided',
          version: 4,
          decision: 'changes-requested',
          text: 'shorter',
          items: [],
          actor: 'Ada',
        },
      } as const,
      { sequence: 3, at, happened: { kind: 'commented', text: 'hi', actor: 'Bob' } as const },
      { sequence: 4, at, happened: { kind: 'answered', version: 9, text: 'x', actor: 'Eve' } as const },
    ];
    expect(exchangesOf(events).map(({ kind, question, answer, actor }) => [kind, question, answer, actor])).toEqual([
      ['decision', 'Two steps', 'changes are wanted: shorter', 'Ada'],
      ['comment', '', 'hi', 'Bob'],
      ['question', '', 'x', 'Eve'],
    ]);
  });
});
