import { describe, expect, it } from '@jest/globals';
import type { ObjectId } from '../../src/core/ids.ts';
import { TASK_STATES, type WaitingKind } from '../../src/core/task-types.ts';
import { renderChecks } from '../../src/cli/render/checks.ts';
import { renderCompletion, SHELLS } from '../../src/cli/render/completion.ts';
import { choosePalette, PLAIN } from '../../src/cli/render/palette.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { renderQueue } from '../../src/cli/render/queue.ts';
import { countsLine, lastWord, renderLive, stackEventLine } from '../../src/cli/render/stack.ts';
import { cutTo, displayWidth, fit, table } from '../../src/cli/render/table.ts';
import { happenedText, renderTask } from '../../src/cli/render/task.ts';
import { renderInbox } from '../../src/cli/render/inbox.ts';
import { outcomeLine, paintState, renderList, replyCommand, waitsLine } from '../../src/cli/render/tasks.ts';
import { ago, duration } from '../../src/cli/render/time.ts';
import { NOW_MS, SCREEN, viewWith } from './views.ts';

const SINCE = '2026-01-02T03:03:05.000Z';
const question = viewWith({
  state: 'waiting',
  waitingFor: {
    kind: 'question',
    text: 'Which\none?',
    since: SINCE,
    version: null,
    proposal: null,
    for: null,
    open: 0,
  },
});

describe('the list', () => {
  it('has one line a task under a heading', () => {
    expect(renderList([viewWith({}), question], SCREEN)).toEqual([
      'ID          STATE               PROJECT  AGE        TITLE',
      '3fa0000000  running (execute)   shop     2 min ago  Sort the imports',
      '3fa0000000  waiting (question)  shop     2 min ago  Sort the imports',
    ]);
  });

  it('cuts titles to the terminal, wide characters counted as two', () => {
    const [, line = ''] = renderList([viewWith({ title: '漢'.repeat(60) })], { ...SCREEN, columns: 80 });
    expect(displayWidth(line)).toBeLessThanOrEqual(80);
    expect(line).toMatch(/漢…$/);
  });

  it('prints no control characters of a title', () => {
    expect(renderList([viewWith({ title: 'a\u001b[31mb\u202e' })], SCREEN).join('\n')).toMatch(/ {2}ab$/);
  });
});

describe('what waits for a person', () => {
  it.each<[WaitingKind, string | null]>([
    ['question', 'tasks answer 3fa0000000 "…"'],
    ['proposal', 'tasks approve 3fa0000000'],
    ['attempts', 'tasks retry 3fa0000000'],
    ['revisions', 'tasks retry 3fa0000000'],
    ['checkout', null],
    ['gate', null],
    ['origin', null],
    ['engine', null],
    ['retry', null],
    ['limit', null],
  ])('%s is replied to with %s', (kind, command) => {
    expect(
      replyCommand(
        viewWith({ waitingFor: { kind, text: 'x', since: SINCE, version: null, proposal: null, for: null, open: 0 } }),
      ),
    ).toBe(command);
  });

  it('is told on one line with the command', () => {
    expect(waitsLine(question)).toBe('3fa0000000 waits for an answer: Which — reply with: tasks answer 3fa0000000 "…"');
  });

  it('tells how many more questions are open', () => {
    const waitingFor = {
      kind: 'question',
      text: 'Which',
      since: SINCE,
      version: 1,
      proposal: null,
      for: null,
      open: 3,
    };
    expect(waitsLine(viewWith({ waitingFor: { ...waitingFor, kind: 'question' } }))).toBe(
      '3fa0000000 waits for an answer: Which — reply with: tasks answer 3fa0000000@1 "…" (2 more are open: tasks show 3fa0000000)',
    );
  });

  it('does not tell a command twice', () => {
    const text = 'it failed; go on with: tasks retry 3fa0000000';
    expect(
      waitsLine(
        viewWith({
          waitingFor: { kind: 'attempts', text, since: SINCE, version: null, proposal: null, for: null, open: 0 },
        }),
      ),
    ).toBe(`3fa0000000 waits for a person, its attempts are used up: ${text}`);
  });

  it('says once in a task and in the inbox how to go on', () => {
    const text = 'it failed; go on with: tasks retry 3fa0000000';
    const view = viewWith({
      state: 'waiting',
      waitingFor: { kind: 'revisions', text, since: SINCE, version: null, proposal: null, for: null, open: 0 },
    });
    const page = renderTask({ view, body: null, asks: [], exchanges: [], events: [], webUrl: null }, SCREEN);
    expect(page.slice(-2)).toEqual([
      'Waits for a person, its revisions are used up (since 1 min ago)',
      '  it failed; go on with: tasks retry 3fa0000000',
    ]);
    expect(renderInbox([{ ...view, asks: [] }], SCREEN)).toHaveLength(2);
  });

  it('has nothing to reply with where the checkout is waited for', () => {
    const text = 'a.txt is changed in the checkout; commit it, landing goes on by itself';
    const view = viewWith({
      state: 'landing',
      waitingFor: { kind: 'checkout', text, since: SINCE, version: null, proposal: null, for: null, open: 0 },
    });
    expect(waitsLine(view)).toBe(`3fa0000000 waits for the checkout: ${text}`);
    expect(renderInbox([{ ...view, asks: [] }], SCREEN).at(-1)).toBe('    see: tasks show 3fa0000000');
  });

  it('leads to the queue where nothing lands, which says why and what lets it go on', () => {
    const text = 'main itself is red (npm test exited with 1): landing goes on by itself when it is green';
    const view = viewWith({
      state: 'landing',
      waitingFor: { kind: 'gate', text, since: SINCE, version: null, proposal: null, for: null, open: 0 },
    });
    expect(renderInbox([{ ...view, asks: [] }], SCREEN).at(-1)).toBe(`    see: tasks queue --project ${view.project}`);
  });
});

describe('one task', () => {
  it('shows its facts, its wait, its questions and its history', () => {
    const view = { ...question, usage: { inputTokens: 5, outputTokens: 6, costUsd: 0.5 }, revisions: 1 };
    const exchanges = [{ kind: 'question', question: 'A?', answer: 'B', actor: 'Bob', atMs: 0 } as const];
    const events = [
      { sequence: 1, at: SINCE, happened: { kind: 'submitted', title: 'x', work: 'agent', type: 'task' } as const },
    ];
    const lines = renderTask({ view, body: 'More\nof it', asks: [], exchanges, events, webUrl: 'http://w' }, SCREEN);
    expect(lines).toEqual([
      '3fa0000000  waiting (question)  Sort the imports',
      '  project  shop, branch main',
      '  agent    claude',
      '  by       Ada, 2 min ago',
      '  attempt  2, revisions 1',
      '  usage    5 tokens in, 6 out, $0.50',
      '  web      http://w',
      '',
      '  More',
      '  of it',
      '',
      'Waits for an answer (since 1 min ago)',
      '  Which',
      '  one?',
      '  reply with: tasks answer 3fa0000000 "…"',
      '',
      'Answers, decisions and comments',
      '  A?',
      '    Bob: B',
      '',
      'History, in UTC',
      '  2026-01-02 03:03:05  submitted',
    ]);
  });

  it('shows a failure with the next step and the end of the evidence', () => {
    const evidence = Array.from({ length: 40 }, (_, index) => `line ${index}`).join('\n');
    const failure = { kind: 'agent-failed', message: 'it broke', next: 'mend it', evidence } as const;
    const lines = renderTask(
      { view: viewWith({ state: 'failed', failure }), body: null, asks: [], exchanges: [], events: [], webUrl: null },
      SCREEN,
    );
    expect(lines).toContain('agent-failed: it broke');
    expect(lines).toContain('  next: mend it');
    expect(lines).toContain('  line 39');
    expect(lines).not.toContain('  line 0');
  });

  it('tells how it ended on one line', () => {
    const commit = 'a'.repeat(40) as ObjectId;
    expect(outcomeLine(viewWith({ state: 'landed', commit }), PLAIN)).toBe(
      '3fa0000000  landed  Sort the imports  as aaaaaaaaaaaa',
    );
    const failure = { kind: 'agent-failed', message: 'it broke', next: '' } as const;
    expect(outcomeLine(viewWith({ state: 'failed', failure }), PLAIN)).toContain('agent-failed: it broke');
  });

  it('has every state painted', () => {
    for (const state of TASK_STATES) expect(paintState(state, PLAIN)(state)).toBe(state);
  });

  it.each([
    [{ kind: 'answered', version: 1, text: 'yes\nno', actor: 'Bob' } as const, 'Bob answers: yes'],
    [{ kind: 'held', held: null } as const, 'landing goes on'],
    [{ kind: 'cancel-requested' } as const, 'is asked to stop'],
    [{ kind: 'ended', end: 'landed', failure: null } as const, 'ended: landed'],
  ])('tells %j in a few words', (happened, text) => {
    expect(happenedText(happened)).toBe(text);
  });
});

describe('the queue', () => {
  it('shows its rows and why it stopped', () => {
    const row = {
      position: 1,
      id: viewWith({}).id,
      title: 'T',
      priority: 'normal',
      state: 'held',
      base: null,
      tree: null,
      verdict: null,
      waitingFor: 'the checkout is dirty',
      since: SINCE,
      estimate: null,
    } as const;
    const { project, branch } = viewWith({});
    const shown = {
      project,
      branch,
      origin: 'o',
      landed: 3,
      window: 1,
      flakes: 0,
      rows: [row],
      more: 0,
      stopped: 'a mismatch',
      evidence: null,
      alarms: [],
      from: 'workflow',
    } as const;
    expect(renderQueue(shown, SCREEN)).toEqual([
      'shop main  3 landed',
      '  stopped: a mismatch',
      '  1  3fa0000000  held  1 min ago  T — the checkout is dirty',
    ]);
    const estimated = (ms: number): string | undefined =>
      renderQueue(
        {
          ...shown,
          rows: shown.rows.map((row) => ({ ...row, waitingFor: null, estimate: new Date(NOW_MS + ms).toISOString() })),
        },
        SCREEN,
      )
        .at(-1)
        ?.split(' — ')[1];
    expect([90_000, 1_000, 999, 0, -59_999].map(estimated)).toEqual([
      'in about 1 min',
      'in about 1 s',
      'any moment',
      'any moment',
      'any moment',
    ]);
    expect(estimated(-300_000)).toBe('takes longer than others did (by 5 min)');
    const red = { ...shown, rows: [], alarms: [], stopped: 'main itself is red', evidence: 'expected 1,\ngot 2\n' };
    expect(renderQueue(red, SCREEN).slice(1)).toEqual([
      '  stopped: main itself is red',
      '    expected 1,',
      '    got 2',
      '  mend it by a commit of your own on main, or by: tasks submit --priority hotfix "…"',
      '  nothing waits',
    ]);
    expect(renderQueue({ ...red, evidence: '' }, SCREEN)[2]).toMatch(/^ {2}mend it by/);
    const again = (againAt: string | null): string | undefined => renderQueue({ ...red, againAt }, SCREEN).at(-2);
    expect(again(null)).toBe('  main is gated again just now');
    expect(again(new Date(SCREEN.nowMs + 240_000).toISOString())).toBe(
      '  main is gated again by itself in about 4 min, within a minute of a new commit, and at once by: tasks queue resume --project shop',
    );
    expect(again(new Date(SCREEN.nowMs).toISOString())).toContain('any moment');
    expect(renderQueue({ ...red, againAt: null, atRest: true }, SCREEN).at(-2)).toBe(
      '  main is gated again when a task is to land (none is now), within a minute of a new commit, and at once by: tasks queue resume --project shop',
    );
    expect(renderQueue({ ...shown, rows: [], stopped: null }, SCREEN)).toContain('  nothing waits');
  });
});

describe('the stack', () => {
  it('tells how far a download is', () => {
    const event = { kind: 'progress', text: 'downloading', done: 1024 * 1024, total: 4 * 1024 * 1024 } as const;
    expect(stackEventLine(event, PLAIN)).toBe('downloading (1.0 of 4.0 MiB, 25 %)');
  });

  it('counts tasks in the order of their life', () => {
    expect(countsLine({ landed: 2, queued: 1 }, PLAIN)).toBe('1 queued · 2 landed');
    expect(countsLine({}, PLAIN)).toBe('no tasks yet');
  });

  it('shows what is at work before what waits for its turn, each task once, and counts the others', () => {
    const asked = { ...question, id: '3fb0000000' as typeof question.id };
    const active = [
      viewWith({ title: 'first', state: 'queued' }),
      asked,
      viewWith({ title: 'second', state: 'landing' }),
      viewWith({ title: 'third', state: 'running' }),
    ];
    const data = { temporal: 't', uiUrl: null, events: [], stopping: false };
    const counts = { queued: 70, waiting: 1, landing: 1, running: 1, landed: 9 };
    const lines = renderLive({ ...data, tasks: { counts, active, inbox: [asked] } }, SCREEN, 40);
    const about = lines.filter((line) => line.startsWith('3f') || line.startsWith('and'));
    expect(about.map((line) => /third|second|first|waits|and \d+ more/.exec(line)?.[0])).toEqual([
      'third',
      'second',
      'first',
      'waits',
      'and 69 more',
    ]);
  });

  it('is drawn within the height of the terminal', () => {
    const active = Array.from({ length: 50 }, () => viewWith({}));
    const data = { temporal: 't', uiUrl: 'u', events: ['e'], stopping: false };
    const tasks = { counts: { running: 50 }, active, inbox: Array.from({ length: 30 }, () => question) };
    const lines = renderLive({ ...data, tasks }, { ...SCREEN, columns: 40 }, 20);
    expect(lines.length).toBeLessThan(20);
    for (const line of lines) expect(displayWidth(line)).toBeLessThan(40);
    for (const rows of [3, 6, 8, 12]) {
      expect(renderLive({ ...data, tasks }, { ...SCREEN, columns: 45 }, rows).length).toBeLessThan(rows);
    }
    expect(renderLive({ ...data, tasks: null }, SCREEN, 20).join('\n')).toContain('does not answer yet');
  });
});

describe('small things', () => {
  it('says durations', () => {
    expect([1_000, 90_000, 7_200_000, 3 * 86_400_000].map(duration)).toEqual(['1 s', '1 min', '2 h', '3 d']);
    expect(ago(new Date(NOW_MS).toISOString(), NOW_MS)).toBe('now');
  });

  it('aligns columns by what a terminal shows', () => {
    expect(
      table(
        [
          [{ text: '漢' }, { text: 'x' }],
          [{ text: 'abcd' }, { text: 'y' }],
        ],
        null,
      ),
    ).toEqual(['漢    x', 'abcd  y']);
    expect(cutTo('abc', 3)).toBe('abc');
    expect(cutTo('abcd', 3)).toBe('ab…');
    expect(fit('\u001b[31mabcd\u001b[39m', 4)).toBe('\u001b[31mabcd\u001b[39m');
    expect(fit('\u001b[31mabcd\u001b[39m', 3)).toBe('ab…');
  });

  it.each([
    ['a terminal', { isTTY: true }, {}, true],
    ['no terminal', {}, {}, false],
    ['NO_COLOR', { isTTY: true }, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['FORCE_COLOR', {}, { FORCE_COLOR: '1' }, true],
    ['an empty FORCE_COLOR', {}, { FORCE_COLOR: '' }, false],
    ['FORCE_COLOR=0', { isTTY: true }, { FORCE_COLOR: '0' }, false],
    ['a dumb terminal', { isTTY: true }, { TERM: 'dumb' }, false],
  ])('chooses colour for %s', (_name, stream, env, colored) => {
    expect(choosePalette(stream, readEnvironment(env)).red('x') !== 'x').toBe(colored);
  });

  it('lists checks with their fixes and counts them', () => {
    const checks = [
      { name: 'git', verdict: 'ok', found: '2.40', fix: null },
      { name: 'disk', verdict: 'fail', found: 'full', fix: 'make room' },
    ] as const;
    expect(renderChecks(checks, PLAIN)).toEqual([
      'ok    git   2.40',
      'FAIL  disk  full',
      '            → make room',
      '',
      '1 failed',
    ]);
  });

  it.each(SHELLS)('completes every command in %s', (shell) => {
    const options = [{ name: '--all', description: 'all', value: 'none' } as const];
    const shapes = [{ name: 'wait', description: "it's", options, below: ['long'] }];
    const script = renderCompletion(shell, shapes);
    expect(script).toContain('wait');
    expect(script).toContain(shell === 'fish' ? "-l all -d 'all'" : '--all');
    expect(script).toContain(shell === 'fish' ? "-a 'long'" : 'compgen -W "long"');
    expect(script).not.toContain('undefined');
  });
});

describe("a worker's last word", () => {
  it('is the limit that it met, wherever among its last starts it says so', () => {
    const crash =
      '  #  Assertion failed: (0) == (uv_thread_create(t.get(), start_thread, this))\n 1: 0xcb5167 [node]\n';
    expect(lastWord(crash)).toMatch(/^: its account may have no more processes and threads; .*ulimit -u/);
    expect(lastWord(`${crash}${'connecting\n'.repeat(2_000)}`)).toBe(': connecting');
  });

  it('is else its last line, and nothing of one that has said nothing', () => {
    expect(lastWord('a\nb\n\n')).toBe(': b');
    expect(lastWord('')).toBe('');
  });
});
