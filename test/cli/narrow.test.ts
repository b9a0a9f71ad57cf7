/** What lists look like on a terminal of a telephone, or half a screen. */

import { describe, expect, it } from '@jest/globals';
import { fitColumns } from '../../src/cli/render/columns.ts';
import { renderFailed } from '../../src/cli/render/failed.ts';
import { renderHosts } from '../../src/cli/render/hosts.ts';
import { renderInbox } from '../../src/cli/render/inbox.ts';
import { renderQueue } from '../../src/cli/render/queue.ts';
import { displayWidth, wrap } from '../../src/cli/render/table.ts';
import { renderList } from '../../src/cli/render/tasks.ts';
import { hostsOf } from '../../src/core/hosts.ts';
import { NOW_MS, SCREEN, viewWith } from './views.ts';

const TITLE = 'Sort the imports of everything below src and test';
const SINCE = '2026-01-02T03:03:05.000Z';
const waitingFor = { text: 'Which of the two?', since: SINCE, version: 1, proposal: null, for: null, open: 1 } as const;
const question = viewWith({ title: TITLE, state: 'waiting', waitingFor: { ...waitingFor, kind: 'question' } });
const failed = viewWith({
  title: TITLE,
  state: 'failed',
  failure: { kind: 'agent-failed', message: 'it exited with 1', next: '' },
});
const views = [viewWith({ title: TITLE }), question, failed];
const at = (columns: number) => ({ ...SCREEN, columns });

const row = {
  position: 1,
  id: viewWith({}).id,
  title: TITLE,
  priority: 'normal',
  state: 'gating',
  base: null,
  tree: null,
  verdict: null,
  waitingFor: null,
  since: SINCE,
  estimate: new Date(NOW_MS + 120_000).toISOString(),
} as const;
const { project, branch } = viewWith({});
const facts = { origin: 'o', landed: 3, window: 1, flakes: 0, more: 0, stopped: null, evidence: null, alarms: [] };
const queue = {
  project,
  branch,
  ...facts,
  rows: [row, { ...row, position: 12, waitingFor: 'its base' }],
  from: 'workflow',
} as const;

const seen = {
  host: 'build-machine-7-0a1b2c3d',
  worker: '10',
  version: '0.3.0',
  build: '0.3.0-1a2b3c4d',
  labels: ['linux', 'gpu', 'big-memory'],
  agents: { used: 1, total: 4 },
  gates: { used: 0, total: 2 },
  load: 1.25,
  cores: 8,
  freeBytes: 20 * 1024 ** 3,
  workspaces: { count: 12, bytes: 5 * 1024 ** 3, hibernated: 3, latest: [] },
  seenMsAgo: 3_000,
  stopped: false,
};
const hosts = hostsOf([seen, { ...seen, host: 'b', seenMsAgo: 20_000 }], []);
const ask = {
  version: 1,
  kind: 'question',
  text: 'Shall all imports be sorted by their paths or by names?',
  for: 'Ada',
  since: SINCE,
  choices: ['by path', 'by name'],
  default: null,
  expiresAt: null,
} as const;

describe.each([40, 48, 60, 80, 120])('with %i columns', (columns) => {
  it.each([
    ['the list', renderList(views, at(columns))],
    ['the queue', renderQueue(queue, at(columns))],
    ['hosts', renderHosts(hosts, at(columns))],
    ['what failed', renderFailed([failed], at(columns))],
    ['the inbox', renderInbox([{ ...question, asks: [ask] }], at(columns))],
  ])('no line of %s is wider, and ids stay whole', (what, lines) => {
    // A command is there to be copied whole.
    const rows = lines.filter((line) => !line.includes(': tasks '));
    for (const line of rows) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    if (what !== 'hosts') expect(lines.join('\n')).toContain(viewWith({}).id);
  });
});

describe('on a narrow terminal', () => {
  it('the title of a task is cut first, then its age and its project go, and its state stays readable', () => {
    expect(renderList(views, at(72))[1]).toBe(
      '3fa0000000  running (execute)   shop     2 min ago  Sort the imports of…',
    );
    expect(renderList(views, at(60)).map((line) => line.slice(0, 40))).toEqual([
      'ID          STATE               PROJECT ',
      '3fa0000000  running (execute)   shop    ',
      '3fa0000000  waiting (question)  shop    ',
      '3fa0000000  failed              shop    ',
    ]);
    expect(renderList(views, at(44))).toEqual([
      'ID          STATE               TITLE',
      '3fa0000000  running (execute)   Sort the im…',
      '3fa0000000  waiting (question)  Sort the im…',
      '3fa0000000  failed              Sort the im…',
    ]);
  });

  it('the queue keeps what it waits for, or when it lands, behind a shorter title', () => {
    const lines = renderQueue(queue, at(60));
    expect(lines[1]).toMatch(/^ {2}1 {3}3fa0000000 {2}gating {2}Sort .*… — in about 2 min$/);
    expect(lines[2]).toMatch(/^ {2}12 {2}3fa0000000 {2}gating {2}Sort .*… — its base$/);
  });

  it('hosts keep their names, their states and their agents', () => {
    const lines = renderHosts(hosts, at(48));
    expect(lines[0]).toMatch(/^HOST +STATE +AGENTS/);
    expect(lines[1]).toMatch(/^b +no sign of/);
    expect(lines[2]).toMatch(/^build-mach.* up +1\/4/);
  });

  it('a question of the inbox is read whole, on more lines', () => {
    const lines = renderInbox([{ ...question, asks: [ask] }], at(40));
    expect(
      lines
        .slice(1, 4)
        .map((line) => line.trim())
        .join(' '),
    ).toContain(`for Ada: ${ask.text}`);
    expect(lines).toContain('    choices: 1 by path, 2 by name');
    expect(lines.at(-1)).toContain('tasks answer 3fa0000000@1');
  });
});

describe('columns', () => {
  it('that fit are left as they are', () => {
    expect(fitColumns([3, 4], [{}, { first: true, min: 2 }], 9)).toEqual([3, 4]);
  });

  it('that are left out give the title its room back', () => {
    expect(fitColumns([10, 10, 30], [{}, { drop: 1 }, { first: true, min: 10 }], 32)).toEqual([10, null, 20]);
  });

  it('that cannot be helped stay too wide', () => {
    expect(fitColumns([10, 10], [{}, {}], 5)).toEqual([10, 10]);
  });

  it('break texts between words, and leave a word that is too long whole', () => {
    expect(wrap('ab cd efghijkl m', 5)).toEqual(['ab cd', 'efghijkl', 'm']);
    expect(wrap('ab cd', null)).toEqual(['ab cd']);
  });
});
