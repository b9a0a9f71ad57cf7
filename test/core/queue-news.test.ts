import { describe, expect, it } from '@jest/globals';
import { newsOf, NOTHING_TOLD, whyNewsSettled, type QueueNews, type ToldOfQueue } from '../../src/core/queue-news.ts';
import { EMPTY_QUEUE, queueViewOf, type Queue } from '../../src/core/queue.ts';
import { candidateOf, failureOf, itemOf, LANDING, NOW_MS, SPEC } from './rig.ts';

const MINUTE = 60_000;
const RED: Queue = {
  ...EMPTY_QUEUE,
  redMain: { text: 'main itself is red (npm test)', sinceMs: NOW_MS, tries: 1, againMs: NOW_MS },
};
const halted = (kind: 'person' | 'rewritten' | 'mismatch', sinceMs = NOW_MS): Queue => ({
  ...EMPTY_QUEUE,
  halt: { kind, text: `it is ${kind}`, sinceMs },
});

/** What is told of queues that follow one another, a minute apart, each with its alarms. */
function told(steps: readonly (readonly [Queue, ...string[]])[], apartMs = MINUTE): QueueNews[][] {
  let state: ToldOfQueue = NOTHING_TOLD;
  let before: Queue = EMPTY_QUEUE;
  return steps.map(([queue, ...alarms], at) => {
    const next = newsOf(state, before, queue, alarms, { target: SPEC, nowMs: NOW_MS + at * apartMs });
    ({ told: state } = next);
    before = queue;
    return [...next.news];
  });
}
const kinds = (news: QueueNews[][]): string[] => news.map((some) => some.map(({ kind }) => kind).join(' '));

describe('a queue that stops', () => {
  it('is told once, with what to do, and so is that it goes on', () => {
    const news = told([
      [RED],
      [RED],
      [{ ...RED, redMain: { ...RED.redMain, tries: 2 } as Queue['redMain'] }],
      [EMPTY_QUEUE],
      [EMPTY_QUEUE],
    ]);
    expect(kinds(news)).toEqual(['stopped', '', '', 'resumed', '']);
    expect(news[0]?.[0]).toMatchObject({
      title: 'Landing has stopped: main is red (demo, main)',
      text: expect.stringMatching(/^main itself is red \(npm test\)\nMend main/),
      commands: [
        'tasks queue --project demo',
        'tasks submit --priority hotfix "mend main"',
        'tasks queue resume --project demo',
      ],
    });
    expect(news[3]?.[0]?.text).toMatch(/^After about 3 min landing on main goes on/);
  });

  it('is told again when it is for something else', () => {
    const news = told([[RED], [halted('rewritten')], [halted('mismatch')], [RED], [EMPTY_QUEUE]]);
    expect(kinds(news)).toEqual(['stopped', 'stopped', 'stopped', 'stopped', 'resumed']);
    expect(news[1]?.[0]?.commands).toContain('tasks queue resume --project demo');
    const names = news.flat().map(({ name }) => name);
    expect(names[3]).toBe(names[0]);
    expect(new Set(names).size).toBe(4);
  });

  it('is not told of a pause that a person has made, nor that it is over', () => {
    expect(kinds(told([[halted('person')], [EMPTY_QUEUE]]))).toEqual(['', '']);
  });

  it('does not go on while a person has paused it', () => {
    const paused: Queue = { ...RED, halt: halted('person').halt };
    expect(kinds(told([[RED], [paused], [halted('person')], [EMPTY_QUEUE]]))).toEqual(['stopped', '', '', 'resumed']);
  });
});

describe('an alarm', () => {
  const still = 'nothing has landed for 6 gate runs and more';

  it('is told once while it lasts, when it has lasted a minute', () => {
    const both = [EMPTY_QUEUE, 'late', still] as const;
    const news = told([[EMPTY_QUEUE, 'late'], both, both, both, [EMPTY_QUEUE, still]]);
    expect(kinds(news)).toEqual(['', 'alarm', 'alarm', '', '']);
    expect(news[2]?.[0]).toMatchObject({ text: expect.stringContaining(still) });
  });

  it('is not told while landing has stopped', () => {
    expect(
      kinds(
        told([
          [RED, 'late'],
          [RED, 'late'],
          [RED, 'late'],
        ]),
      ),
    ).toEqual(['stopped', '', '']);
  });

  it('that comes and goes is told every half hour at the most', () => {
    const news = told(Array.from({ length: 70 }, (_, at) => (at % 3 === 2 ? [EMPTY_QUEUE] : [EMPTY_QUEUE, 'late'])));
    expect(kinds(news).flatMap((kind, at) => (kind === '' ? [] : [at]))).toEqual([1, 34, 67]);
  });
});

const entry = (task: number): Queue['chain'][number] => ({
  item: itemOf(task, 1),
  waited: {
    priority: 'normal',
    lift: 'none',
    placeMs: 0,
    nth: 0,
    verified: false,
    parent: null,
    taskId: itemOf(task, 1).taskId,
    attempt: 1,
  },
  stage: { kind: 'landing', candidate: candidateOf(task), sinceMs: NOW_MS },
  doubt: 'none',
  holds: 0,
  heldText: null,
  wasGreen: true,
});
const answer = (task: number): Queue['answered'][number] => ({
  taskId: itemOf(task, 1).taskId,
  head: itemOf(task, 1).head,
  reply: { kind: 'refused', handoff: 1, failure: failureOf('landing-refused', { message: 'protected branch' }) },
});

describe('an origin that refuses', () => {
  it('is told once for many tasks, with what it said', () => {
    const news = told([
      [{ ...EMPTY_QUEUE, chain: [entry(1)] }],
      [{ ...EMPTY_QUEUE, chain: [entry(2)], answered: [answer(1)] }],
      [{ ...EMPTY_QUEUE, chain: [], answered: [answer(1), answer(2)] }],
    ]);
    expect(kinds(news)).toEqual(['', 'refused', '']);
    expect(news[1]?.[0]?.text).toMatch(/^protected branch\nNext: do something/);
  });
});

describe('an origin that takes what is landed', () => {
  it('is nothing to tell of, nor is a refusal of long ago or of one that was not being landed', () => {
    const landing = { ...LANDING, attempt: 1 };
    const landed = (task: number): Queue['answered'][number] => ({
      ...answer(task),
      reply: { kind: 'landed', handoff: 1, landing },
    });
    const old = answer(1);
    const candidate = { ...entry(1), stage: { kind: 'building', sinceMs: NOW_MS } } as const;
    const news = told([
      [{ ...EMPTY_QUEUE, chain: [entry(1), entry(2)] }],
      [{ ...EMPTY_QUEUE, chain: [entry(2)], answered: [landed(1)] }],
      [{ ...EMPTY_QUEUE, chain: [candidate], answered: [landed(1), landed(2)] }],
      [{ ...EMPTY_QUEUE, chain: [entry(3)], answered: [landed(2), old] }],
      [{ ...EMPTY_QUEUE, chain: [entry(1)], answered: [old, landed(3)] }],
      [{ ...EMPTY_QUEUE, chain: [], answered: [old, landed(3), landed(4)] }],
    ]);
    expect(kinds(news)).toEqual(['', '', '', '', '', '']);
  });
});

describe('word of a queue', () => {
  it('is settled by the queue as it is', () => {
    const [free, red] = [EMPTY_QUEUE, RED].map((queue) => queueViewOf(queue, SPEC, NOW_MS));
    if (free === undefined || red === undefined) throw new Error('no views');
    expect(whyNewsSettled('stopped', free)).toBe('landing goes on');
    expect(whyNewsSettled('stopped', red)).toBeNull();
    expect(whyNewsSettled('resumed', free)).toBeNull();
    expect(whyNewsSettled('resumed', red)).toBe('it has stopped again');
    expect(whyNewsSettled('alarm', free)).toBe('it is over');
    expect(whyNewsSettled('alarm', { ...free, alarms: ['late'] })).toBeNull();
    expect(whyNewsSettled('refused', free)).toBeNull();
  });
});
