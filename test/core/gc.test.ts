import { describe, expect, it } from '@jest/globals';
import { judgeHome, judgeRefs, judgeRemade, judgeWorkspace, type TaskFacts } from '../../src/core/gc.ts';
import { newTask } from '../../src/core/task.ts';
import type { EndKind, TaskView } from '../../src/core/task-types.ts';
import { viewOf } from '../../src/core/task-view.ts';
import { around, checkpointOf, NOW_MS, objectId, SPEC } from './rig.ts';

const HOUR_MS = 3_600_000;
const days = (count: number): number => NOW_MS - count * 24 * HOUR_MS;
const KEPT = { keptMs: 24 * HOUR_MS, nowMs: NOW_MS };
const VIEW: TaskView = { ...viewOf(newTask(around()), SPEC), checkpoint: checkpointOf(2) };

const ended = (state: EndKind, hoursAgo: number, change: Partial<TaskView> = {}): TaskFacts => ({
  kind: 'closed',
  view: { ...VIEW, state, endedAt: new Date(NOW_MS - hoursAgo * HOUR_MS).toISOString(), ...change },
});

const OVER: readonly (readonly [string, TaskFacts, string])[] = [
  ['landed', ended('landed', 0, { commit: objectId(1) }), `it landed as ${objectId(1).slice(0, 12)}`],
  ['landed, as a question does', ended('landed', 0, { commit: null }), 'it landed'],
  ['changed nothing', ended('unchanged', 0), 'it changed nothing'],
  ['was terminated', { kind: 'terminated', view: null }, 'its workflow was terminated'],
  [
    'is forgotten by Temporal, and on main',
    { kind: 'landed', view: VIEW, commit: objectId(2) },
    `it landed as ${objectId(2).slice(0, 12)}, as main says`,
  ],
];

const HELD: readonly (readonly [string, TaskFacts, string])[] = [
  ['is open', { kind: 'open', state: 'waiting' }, 'its task is open (waiting)'],
  ['timed out', { kind: 'broken', status: 'timed_out' }, 'timed_out, which says nothing'],
  ['is unknown', { kind: 'unknown' }, 'which proves nothing'],
  ['cannot be asked', { kind: 'unreachable', reason: 'Temporal is away' }, 'Temporal is away'],
];

describe('everything of a task that', () => {
  it.each(OVER)('%s goes', (_what, facts, why) => {
    const gone = { verdict: 'remove', why };
    expect(judgeRefs(facts)).toEqual(gone);
    expect(judgeHome(facts, KEPT)).toEqual(gone);
    expect(judgeWorkspace(facts, null, false, KEPT)).toEqual(gone);
  });

  it.each(HELD)('%s stays', (_what, facts, why) => {
    const kept = { verdict: 'keep', why: expect.stringContaining(why) };
    expect(judgeRefs(facts)).toEqual(kept);
    expect(judgeHome(facts, KEPT)).toEqual(kept);
    expect(judgeWorkspace(facts, checkpointOf(2), false, KEPT)).toEqual(kept);
  });
});

describe('what a task left that ended without landing', () => {
  it.each<EndKind>(['failed', 'rejected', 'canceled'])(
    'goes from this host after its time, not its refs: %s',
    (end) => {
      const facts = ended(end, 25);
      const why = `it ended as ${end} 1 d ago, and what it has stored is on the origin`;
      expect(judgeWorkspace(facts, checkpointOf(2), false, KEPT)).toEqual({ verdict: 'remove', why });
      expect(judgeHome(facts, KEPT)).toEqual({ verdict: 'remove', why });
      expect(judgeRefs(facts)).toEqual({ verdict: 'keep', why: `tasks retry goes on from them: it ended as ${end}` });
    },
  );

  it('stays before its time', () => {
    const why = 'it ended as failed 23 h ago: it stays for 1 d (workspaces.keep in host.yaml)';
    expect(judgeWorkspace(ended('failed', 23), checkpointOf(2), false, KEPT)).toEqual({ verdict: 'keep', why });
    expect(judgeHome(ended('failed', 0, { endedAt: null }), KEPT)).toMatchObject({
      verdict: 'keep',
      why: expect.stringContaining('failed 0 s ago'),
    });
  });

  it('stays for good while its workspace holds what is stored nowhere else', () => {
    expect(judgeWorkspace(ended('failed', 100), checkpointOf(1), false, KEPT)).toEqual({
      verdict: 'keep',
      why: 'what an attempt left in it is stored nowhere else',
    });
  });
});

describe('a workspace', () => {
  it('stays while a process is at work in it, whatever became of its task', () => {
    for (const [, facts] of OVER) {
      expect(judgeWorkspace(facts, checkpointOf(2), true, KEPT)).toEqual({
        verdict: 'keep',
        why: 'a process of this host is at work in it',
      });
    }
  });
});

describe('what can be made again', () => {
  const mirror = { kind: 'mirror', usedMs: days(31), tasks: 0, isLeased: false } as const;

  it('goes when nobody has used it for long', () => {
    const why = 'last used 31 d ago, and made again when it is needed';
    expect(judgeRemade(mirror, false, NOW_MS)).toEqual({ verdict: 'remove', why });
    expect(judgeRemade({ ...mirror, kind: 'gate', usedMs: days(8) }, true, NOW_MS).verdict).toBe('remove');
  });

  it.each([
    [{ usedMs: days(29) }, false, 'last used 29 d ago: it stays for 30 d'],
    [{ usedMs: NOW_MS - 90_000 }, false, 'last used 1 min ago: it stays for 30 d'],
    [{ kind: 'set-up', usedMs: days(6) } as const, false, 'last used 6 d ago: it stays for 7 d'],
    [{ tasks: 1 }, false, 'it has refs of 1 task'],
    [{ tasks: 2 }, false, 'it has refs of 2 tasks'],
    [{ isLeased: true }, false, 'a run of this host has it'],
    [{}, true, 'last used 31 d ago, but a worker of this host runs; stop it first'],
  ])('with %j, a worker here: %s, stays: %s', (change, isWorked, why) => {
    expect(judgeRemade({ ...mirror, ...change }, isWorked, NOW_MS)).toEqual({ verdict: 'keep', why });
  });
});
