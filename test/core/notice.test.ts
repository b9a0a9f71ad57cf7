import { describe, expect, it } from '@jest/globals';
import type { AskView } from '../../src/core/ask-types.ts';
import { deliveriesOf, isQuiet, noticesOf, parseQuiet, whySettled } from '../../src/core/notice.ts';
import { contentOf, plainText } from '../../src/core/notice-text.ts';
import type { Notice } from '../../src/core/notice-types.ts';
import { newTask } from '../../src/core/task.ts';
import type { Happened, TaskEvent } from '../../src/core/task-events.ts';
import { NOTICE_KINDS, type NoticeKind, type NotifyRule, type TaskView } from '../../src/core/task-types.ts';
import { viewOf } from '../../src/core/task-view.ts';
import { webPage } from '../../src/core/web-ui.ts';
import {
  after,
  around,
  asked,
  attemptEnded,
  failureOf,
  HELD,
  LANDING,
  messageOf,
  questionOf,
  SPEC,
  valueOf,
} from './rig.ts';

const VIEW = viewOf(newTask(around()), SPEC);
const AT = '2026-01-02T03:04:05.000Z';
const ID = SPEC.id;

const ask = (change: Partial<AskView> = {}): AskView => ({
  version: 1,
  kind: 'question',
  text: 'Which one?',
  body: '',
  choices: [],
  default: null,
  items: [],
  for: null,
  since: AT,
  expiresAt: null,
  ...change,
});

/** Events from the given sequence on, a second apart unless they are to be of one moment. */
const events = (happened: readonly Happened[], first = 1, apartMs = 1_000): TaskEvent[] =>
  happened.map((each, index) => ({
    sequence: first + index,
    at: new Date(Date.parse(AT) + index * apartMs).toISOString(),
    happened: each,
  }));

const told = (happened: readonly Happened[], view: TaskView = VIEW, apartMs = 1_000) =>
  noticesOf(view, events(happened, 1, apartMs), () => true);

const attemptOf = (kind: 'idle-timeout' | 'agent-failed'): Happened => ({
  kind: 'attempt-ended',
  phase: 'execute',
  attempt: 2,
  outcome: 'failed',
  host: 'host-1',
  usage: null,
  summary: null,
  failure: failureOf(kind),
});
const ASKED: Happened = { kind: 'asked', ask: ask() };
const ENDED: Happened = { kind: 'ended', end: 'canceled', failure: null };
const RETRIED: Happened = { kind: 'retried', actor: 'Ada' };
const PARKED: Happened = { kind: 'parked', why: 'attempts', text: 'it failed three times' };
const LANDED: Happened = { kind: 'landed', landing: LANDING };
const FAILED: Happened = { kind: 'ended', end: 'failed', failure: failureOf('rejected') };

describe('what people are told', () => {
  it('of a question is what is asked and the command that answers it', () => {
    const question = ask({ version: 3, choices: ['red', 'blue'], default: 'red', for: 'Bob', expiresAt: AT });
    expect(told([{ kind: 'asked', ask: question }])).toEqual([
      {
        id: `notice/${ID}/1`,
        event: 'asks',
        project: 'demo',
        task: ID,
        title: 'Question: Sort the imports (demo)',
        text: `For Bob:\nWhich one?\nChoices: red · blue\nDefault: red\nOver at ${AT}`,
        commands: [`tasks answer ${ID}@3 "…"`],
        at: AT,
        sequence: 1,
        versions: [3],
      },
    ]);
  });

  it('of a proposal is what is proposed and each way to decide', () => {
    const proposal = ask({
      kind: 'tasks',
      text: 'Three more',
      body: 'They belong together.',
      items: [{ title: 'First', body: '' }],
    });
    expect(told([{ kind: 'asked', ask: proposal }])).toMatchObject([
      {
        title: 'Decide about the tasks: Sort the imports (demo)',
        text: 'Three more\n\nThey belong together.\n- First',
        commands: [`tasks approve ${ID}@1`, `tasks revise ${ID}@1 "…"`, `tasks reject ${ID}@1 --reason "…"`],
      },
    ]);
  });

  it('of several questions of one moment is one notice, with a command for each', () => {
    const asks: Happened[] = [1, 2].map((version) => ({
      kind: 'asked',
      ask: ask({ version, text: version === 1 ? 'x'.repeat(5_000) : 'Second?' }),
    }));
    const notices = told(asks, VIEW, 0);
    expect(notices).toMatchObject([
      {
        sequence: 1,
        versions: [1, 2],
        title: '2 questions: Sort the imports (demo)',
        text: expect.stringMatching(/^1\. x+\n\[…\]\n\n2\. Second\?$/),
        commands: [`tasks answer ${ID}@1 "…"`, `tasks answer ${ID}@2 "…"`],
      },
    ]);
    // Of two moments it is two.
    expect(told(asks)).toMatchObject([{ versions: [1] }, { versions: [2] }]);
  });

  it('of a reminder is the question again; of one of the first version, as far as the view knows it', () => {
    const task = after(newTask(around()), [
      attemptEnded(1, { ...asked(), kind: 'question', questions: [questionOf(), questionOf()] }),
    ]);
    const view = viewOf(task, SPEC);
    expect(told([{ kind: 'reminded', version: 1, count: 2 }], view)).toMatchObject([
      {
        title: 'Reminder 2: Sort the imports (demo)',
        text: 'Which one?',
        commands: [`tasks answer ${ID}@1 "…"`, `tasks show ${ID}`],
        versions: [1],
      },
    ]);
    expect(told([{ kind: 'reminded', version: 2, count: 1 }], view)).toMatchObject([
      { text: 'question 2 waits for a reply', commands: [`tasks answer ${ID}@2 "…"`, `tasks show ${ID}`] },
    ]);
    const since = new Date(0).toISOString();
    const common = { body: '', choices: [], items: [], for: null, since, expiresAt: null };
    const ask = { ...common, kind: 'question', version: 2, text: 'And how?', default: 'so' } as const;
    expect(told([{ kind: 'reminded', version: 2, count: 1, ask }], view)).toMatchObject([
      { text: 'And how?\nDefault: so', commands: [`tasks answer ${ID}@2 "…"`, `tasks show ${ID}`], versions: [2] },
    ]);
    expect(told([{ kind: 'escalated', version: 1, to: 'lead' }], view)).toMatchObject([
      { title: 'For lead, since nobody replied: Sort the imports (demo)', event: 'asks' },
    ]);
  });

  it.each<[string, Happened, Partial<Notice>]>([
    [
      'of an attempt that said nothing',
      attemptOf('idle-timeout'),
      {
        event: 'stalled',
        title: 'Stalled: Sort the imports (demo)',
        text: 'execute, attempt 2: it was idle-timeout',
        commands: [`tasks logs ${ID}`],
      },
    ],
    [
      'of a task that is parked',
      PARKED,
      { event: 'parked', text: 'it failed three times', commands: [`tasks retry ${ID}`, `tasks cancel ${ID}`] },
    ],
    [
      'of a landing that somebody must make possible',
      { kind: 'held', held: HELD },
      {
        event: 'parked',
        title: 'Cannot land: Sort the imports (demo)',
        text: HELD.text,
        commands: [`tasks show ${ID}`],
      },
    ],
    [
      'of a landing',
      LANDED,
      { event: 'landed', text: `${LANDING.commit.slice(0, 12)} is on main`, commands: [`tasks show ${ID}`] },
    ],
    [
      'of a failure',
      FAILED,
      {
        event: 'failed',
        text: 'it was rejected\nNext: do something',
        commands: [`tasks show ${ID}`, `tasks retry ${ID}`],
      },
    ],
    [
      'of a failure that nobody explains',
      { kind: 'ended', end: 'failed', failure: null },
      { event: 'failed', text: 'nothing says why' },
    ],
  ])('%s is what happened and how to go on', (_, happened, notice) => {
    expect(told([happened])).toMatchObject([{ ...notice, versions: [] }]);
  });

  it('of a landing has the summary, and of a stall what follows', () => {
    expect(told([LANDED], { ...VIEW, summary: 'All sorted' })).toMatchObject([
      { text: expect.stringContaining('\nAll sorted') },
    ]);
    const [waiting] = [viewOf(after(newTask(around()), [attemptEnded(1, asked())]), SPEC)];
    expect(told([attemptOf('idle-timeout')], waiting)).toMatchObject([
      { text: expect.stringContaining('\nWhich one?') },
    ]);
  });

  it('says where it happened though nothing says what', () => {
    const attempt = { ...attemptOf('idle-timeout'), failure: null } as Extract<Happened, { kind: 'attempt-ended' }>;
    expect(contentOf(VIEW, attempt, [])).toMatchObject({
      title: expect.stringMatching(/^Stalled/),
      text: 'execute, attempt 2:',
    });
    expect(contentOf(VIEW, { kind: 'held', held: null }, [])).toMatchObject({
      title: expect.stringMatching(/^Cannot/),
      text: '',
    });
  });

  it('is nothing of what concerns nobody', () => {
    expect(
      told([
        { kind: 'submitted', title: 'x', work: 'agent', type: 'task' },
        { kind: 'attempt-scheduled', phase: 'plan', attempt: 1 },
        attemptOf('agent-failed'),
        { kind: 'held', held: { ...HELD, kind: 'origin' } },
        { kind: 'held', held: null },
        ENDED,
      ]),
    ).toEqual([]);
  });

  it('is only what is wanted', () => {
    const wanted: NoticeKind[] = [];
    const notices = noticesOf(VIEW, events([LANDED, FAILED]), (kind) => {
      wanted.push(kind);
      return kind === 'failed';
    });
    expect(notices).toMatchObject([{ event: 'failed', sequence: 2 }]);
    expect(wanted).toEqual(['landed', 'failed']);
  });

  it('is nothing of a proposal that the project approves by itself', () => {
    const decided: Happened = {
      kind: 'decided',
      version: 1,
      decision: 'approved',
      text: null,
      items: [],
      actor: 'the project',
    };
    expect(told([{ kind: 'asked', ask: ask({ kind: 'effect' }) }, decided])).toEqual([]);
  });

  it('cannot carry a terminal’s sequences, and has an end', () => {
    const [notice] = told([{ kind: 'asked', ask: ask({ text: `\u001b[31mred\u0000\u202e ${'y'.repeat(9_000)}` }) }]);
    expect(notice?.text).toMatch(/^red y+\n\[…\]$/);
    expect(notice?.text.length).toBeLessThan(3_001);
  });
});

const answered = (version: number): Happened => ({ kind: 'answered', version, text: 'x', actor: 'Ada' });
const edited = (replaces?: number): Happened => ({
  kind: 'edited',
  title: 'x',
  body: null,
  actor: 'Ada',
  ...(replaces === undefined ? {} : { replaces }),
});

const ASKED_NO_MORE = 'a reply came, it was asked anew, or a later reminder tells of it';

describe('whether a notice is settled by what came after', () => {
  const cases: readonly [NoticeKind, readonly number[], readonly Happened[], string | null][] = [
    ['asks', [1], [], null],
    ['asks', [1], [answered(1)], ASKED_NO_MORE],
    ['asks', [1], [answered(2)], null],
    ['asks', [1, 2], [answered(2)], null],
    ['asks', [1, 2], [answered(2), answered(1)], ASKED_NO_MORE],
    ['asks', [1], [{ kind: 'reminded', version: 1, count: 1 }], ASKED_NO_MORE],
    ['asks', [1], [edited(1)], ASKED_NO_MORE],
    ['asks', [1], [edited()], null],
    ['asks', [1], [{ kind: 'commented', text: 'hm', actor: 'Ada' }], null],
    ['asks', [1], [ENDED], 'the task ended: canceled'],
    ['parked', [], [], null],
    ['parked', [], [RETRIED], 'it was retried'],
    ['parked', [], [{ kind: 'held', held: null }], 'it goes on'],
    ['parked', [], [{ kind: 'held', held: HELD }], null],
    ['parked', [], [ENDED], 'the task ended: canceled'],
    ['stalled', [], [RETRIED], null],
    ['stalled', [], [ENDED], 'the task ended: canceled'],
    ['conflicts', [], [], null],
    ['conflicts', [], [{ kind: 'conflict-seen', conflict: null, waits: true }], 'there is newer word of it'],
    ['conflicts', [], [ENDED], 'the task ended: canceled'],
    ['failed', [], [], null],
    ['failed', [], [RETRIED], 'it was retried'],
    ['landed', [], [ENDED], null],
  ];
  it.each(cases)('%s of %j with %j is %j', (event, versions, later, why) => {
    expect(whySettled({ event, versions, sequence: 3 }, events([RETRIED, answered(1), ASKED, ...later]))).toBe(why);
  });
});

const rule = (
  to: string,
  quiet: NotifyRule['quiet'] = null,
  kinds: readonly NoticeKind[] = NOTICE_KINDS,
): NotifyRule => ({ to, events: kinds, quiet });

describe('where a notice goes', () => {
  const NIGHT = { fromMinute: 1_320, toMinute: 420 };
  const NOON = { fromMinute: 660, toMinute: 780 };

  it('is each target of a rule that names its event, once', () => {
    const rules = [rule('phone'), rule('mail', null, ['landed']), rule('phone')];
    expect(deliveriesOf('asks', rules, () => null)).toEqual([{ to: 'phone', notBeforeMs: null }]);
  });

  it('is at the end of quiet hours, at the earliest of those that rules have for one target', () => {
    const end = ({ toMinute }: typeof NIGHT): number | null => (toMinute === 420 ? 7_000 : 13_000);
    expect(deliveriesOf('asks', [rule('phone', NOON), rule('phone', NIGHT), rule('mail', NOON)], end)).toEqual([
      { to: 'phone', notBeforeMs: 7_000 },
      { to: 'mail', notBeforeMs: 13_000 },
    ]);
    expect(deliveriesOf('asks', [rule('phone', NIGHT), rule('phone')], end)).toEqual([
      { to: 'phone', notBeforeMs: null },
    ]);
    expect(deliveriesOf('asks', [rule('phone'), rule('phone', NIGHT)], end)).toEqual([
      { to: 'phone', notBeforeMs: null },
    ]);
  });

  it.each([
    [NIGHT, 1_319, false],
    [NIGHT, 1_320, true],
    [NIGHT, 0, true],
    [NIGHT, 419, true],
    [NIGHT, 420, false],
    [NOON, 659, false],
    [NOON, 660, true],
    [NOON, 779, true],
    [NOON, 780, false],
  ])('has quiet hours %j at minute %i: %s', (quiet, minute, is) => {
    expect(isQuiet(quiet, minute)).toBe(is);
  });

  it('has quiet hours as people write them', () => {
    expect(valueOf(parseQuiet('22:00-07:00'))).toEqual(NIGHT);
    expect(valueOf(parseQuiet('11:00-13:00'))).toEqual(NOON);
    for (const wrong of ['', '22-7', '24:00-07:00', '22:60-07:00', '22:00 - 07:00', '22:00-07:00x']) {
      expect(messageOf(parseQuiet(wrong))).toContain('are no quiet hours');
    }
    expect(messageOf(parseQuiet('07:00-07:00'))).toContain('begin when they end');
  });
});

describe('a notice as plain text', () => {
  it('is what is asked, the commands and the link, as far as there are any', () => {
    expect(plainText({ text: 'Which?', commands: ['a', 'b'], url: 'http://x' })).toBe('Which?\n\na\nb\n\nhttp://x');
    expect(plainText({ text: 'Which?', commands: [], url: null })).toBe('Which?');
  });

  it('links to the task’s page', () => {
    expect(webPage('http://127.0.0.1:8233/', 'a b', 'task/7f')).toBe(
      'http://127.0.0.1:8233/namespaces/a%20b/workflows/task%2F7f',
    );
  });
});
