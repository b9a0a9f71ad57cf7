/** What tasks in line wait for while their queue has stopped, and has not told them yet. */

import { describe, expect, it } from '@jest/globals';
import { queueViewOf, type Queue } from '../../src/core/queue.ts';
import { queuesToAsk, withStops } from '../../src/core/queue-stop.ts';
import type { QueueView } from '../../src/core/queue-types.ts';
import type { TaskView, WaitingFor } from '../../src/core/task-types.ts';
import { emptyView } from '../../src/core/task-view.ts';
import { CHAIN, handedOff, mainGate, MAIN_RED, red, run, say, TARGET } from './queue-rig.ts';
import { NOW_MS, taskId } from './rig.ts';

const GATE: WaitingFor = { kind: 'gate', text: 'x', since: '', version: null, proposal: null, for: null, open: 0 };
const LINE = run(CHAIN, handedOff(4));
const PAUSED = run(LINE, say('pause'));

const landing = (task: number, change: Partial<TaskView> = {}): TaskView => ({
  ...emptyView(taskId(task)),
  ...TARGET,
  state: 'landing',
  ...change,
});
const seen = (queue: Queue, maxRows?: number): QueueView => queueViewOf(queue, TARGET, NOW_MS, maxRows);
const waits = (view: TaskView, queue: QueueView): string | null | undefined =>
  withStops([view], [queue])[0]?.waitingFor?.text;

describe('a task in line', () => {
  it('waits for what its queue has stopped for, since that did', () => {
    const [told] = withStops([landing(4)], [seen(PAUSED)]);
    const text = 'paused by Ada; to go on: tasks queue resume --project demo';
    expect(told).toEqual(landing(4, { waitingFor: { ...GATE, text, since: new Date(NOW_MS).toISOString() } }));
    const redMain = run(LINE, red(1), mainGate(MAIN_RED));
    expect(waits(landing(4), seen(redMain))).toMatch(/^main itself is red/);
    const verified: QueueView = {
      ...seen(PAUSED),
      rows: seen(PAUSED).rows.map((row) => ({ ...row, state: 'verifying' })),
    };
    expect(waits(landing(4), verified)).toBe(text);
  });

  it('does so too where it is too far behind to have a row', () => {
    expect(waits(landing(4), seen(PAUSED, 3))).toMatch(/^paused/);
    expect(waits(landing(5), seen(PAUSED))).toBeUndefined();
  });

  it('waits for nothing of the kind where its queue lands, or has not said since when it does not', () => {
    expect(waits(landing(4), seen(LINE))).toBeUndefined();
    const { stoppedSince: _, ...older } = seen(PAUSED);
    expect(waits(landing(4), older)).toBeUndefined();
    expect(waits(landing(4, { branch: 'other' as TaskView['branch'] }), seen(PAUSED))).toBeUndefined();
  });

  it('keeps what it was told itself', () => {
    expect(waits(landing(4, { waitingFor: GATE }), seen(PAUSED))).toBe('x');
    expect(waits(landing(4, { state: 'running' }), seen(PAUSED))).toBeUndefined();
  });
});

describe('one that goes on while main is red', () => {
  it('does not wait for that: a hotfix in line, or one that waits for a gate slot', () => {
    const { rows, ...view } = seen(run(LINE, red(1), mainGate(MAIN_RED)));
    const [first] = rows;
    if (first === undefined) throw new Error('there is no row');
    const hotfix = { ...first, id: taskId(7), state: 'queued', waitingFor: null } as const;
    const gated = { ...first, id: taskId(8), state: 'gating', waitingFor: 'a gate slot' } as const;
    const queue: QueueView = { ...view, rows: [hotfix, gated] };
    expect([7, 8].map((task) => waits(landing(task), queue))).toEqual([undefined, undefined]);
  });
});

describe('the queues that a list asks', () => {
  const held = landing(1, { waitingFor: GATE });

  it('are those of which some tasks are told that they are held and others nothing, each once', () => {
    const other = { project: 'other' as TaskView['project'] };
    const views = [held, landing(2), landing(3), landing(4, other)];
    expect(queuesToAsk(views)).toEqual([{ project: TARGET.project, branch: TARGET.branch }]);
  });

  it('are none while all land, or all know', () => {
    expect(queuesToAsk([landing(1), landing(2)])).toEqual([]);
    expect(queuesToAsk([held, landing(2, { waitingFor: GATE })])).toEqual([]);
    expect(queuesToAsk([landing(1), landing(2, { waitingFor: { ...GATE, kind: 'checkout' } })])).toEqual([]);
    expect(queuesToAsk([landing(1), landing(2, { state: 'waiting', waitingFor: GATE })])).toEqual([]);
  });
});
