import { describe, expect, it } from '@jest/globals';
import { gateKey } from '../../src/core/queue-keys.ts';
import type { RunState } from '../../src/core/queue-types.ts';
import {
  EMPTY_QUEUE,
  NEW_QUEUE,
  reconcile,
  type Queue,
  type QueueCommand,
  type QueueFact,
} from '../../src/core/queue.ts';
import { candidateOf, itemOf, NOW_MS, objectId } from './rig.ts';

function run(queue: Queue, ...facts: readonly QueueFact[]): Queue {
  return facts.reduce((next, fact) => reconcile(next, [fact], { nowMs: NOW_MS, random: 0.5 }).queue, queue);
}

function handedOff(task: number, attempt: number, title: string): QueueFact {
  return { kind: 'handed-off', item: itemOf(task, attempt, { title }) };
}

const GREEN: RunState = { kind: 'ended', verdict: { kind: 'green' } };

/** Main is 9; the candidate of each task has one tree, under whatever id. */
function built(task: number, title: string, commit = task): QueueFact {
  const candidate = { ...candidateOf(task), commit: objectId(commit) };
  const result = { kind: 'candidate', candidate, knownGreen: false } as const;
  const main = { commit: objectId(9), since: 'first', vanished: [] } as const;
  const answer = { result, main, run: null, slots: 2, window: null };
  const { taskId, attempt } = itemOf(task, 1);
  return { kind: 'built', taskId, attempt, title, parent: null, known: null, answer };
}

function commandsFor(queue: Queue, kind: QueueCommand['kind']): readonly QueueCommand[] {
  const { commands } = reconcile(queue, [], { nowMs: NOW_MS, random: 0.5 });
  return commands.filter((command) => command.kind === kind);
}

describe('a hand-off that comes again under another title', () => {
  const under = run(EMPTY_QUEUE, handedOff(1, 1, 'one'), handedOff(4, 1, 'four'));
  const queue = run(under, handedOff(2, 4, 'two'), handedOff(3, 1, 'three'));

  it('is renamed where it waits, and keeps its place', () => {
    const renamed = run(queue, handedOff(2, 4, 'other'));
    expect(renamed.line.map(({ item }) => item?.title)).toEqual(['other', 'three']);
    expect(renamed.line[0]).toEqual({ ...queue.line[0], item: itemOf(2, 4, { title: 'other' }) });
    expect(renamed.chain).toBe(queue.chain);
    expect(renamed.replies).toEqual([]);
  });

  it('is renamed where it is about to be built, and what was being built meanwhile is built again', () => {
    const renamed = run(queue, handedOff(1, 1, 'other'));
    expect(renamed.chain.map(({ item }) => item.title)).toEqual(['other', 'four']);
    const late = run(renamed, built(1, 'one'));
    expect(commandsFor(late, 'build')).toMatchObject([{ item: { title: 'other' }, gate: true }]);
    expect(commandsFor(run(late, built(1, 'other', 21)), 'build')).toMatchObject([{ item: { title: 'four' } }]);
  });

  it('changes nothing when its title is the same, or when it is an older hand-off', () => {
    expect(run(queue, handedOff(2, 4, 'two'))).toBe(queue);
    expect(run(queue, handedOff(2, 3, 'other'))).toBe(queue);
  });

  it('has its new title from its task when its details are not at hand', () => {
    const line = queue.line.map((waiting) => ({ ...waiting, item: null }));
    const bare: Queue = { ...queue, line };
    expect(run(bare, handedOff(2, 4, 'other')).line).toEqual(line);
  });

  describe('while it is a candidate', () => {
    const gated = run(queue, built(1, 'one'));
    const renamed = run(gated, handedOff(1, 1, 'other'));

    it('is built again under its new title, its run goes on, and those behind wait for it', () => {
      expect(gated.runs).toHaveLength(1);
      expect(renamed.runs).toEqual(gated.runs);
      expect(renamed.dropped).toEqual([]);
      expect(commandsFor(renamed, 'build')).toMatchObject([{ item: { title: 'other' }, gate: false }]);
      const again = run(renamed, built(1, 'other', 21));
      expect(again.runs).toEqual(gated.runs);
      expect(commandsFor(again, 'build')).toMatchObject([{ item: { title: 'four' }, parent: objectId(21) }]);
    });

    it('lands under its new title alone, though its tree is green', () => {
      const green = run(renamed, { kind: 'gate', key: gateKey(candidateOf(1)), state: GREEN });
      expect(commandsFor(green, 'land')).toEqual([]);
      const again = run(green, built(1, 'other', 21));
      expect(commandsFor(again, 'land')).toMatchObject([
        { item: { title: 'other' }, candidate: { commit: objectId(21) } },
      ]);
    });

    it('keeps its title once it is on its way to main', () => {
      const landing = run(gated, { kind: 'gate', key: gateKey(candidateOf(1)), state: GREEN });
      expect(commandsFor(landing, 'land')).toHaveLength(1);
      expect(run(landing, handedOff(1, 1, 'other'))).toBe(landing);
    });

    it('is built under its new title when that comes while it is held, and may be on main already', () => {
      const held = { kind: 'held', why: 'checkout', text: 'list has changes' } as const;
      const green: QueueFact = { kind: 'gate', key: gateKey(candidateOf(1)), state: GREEN };
      const waits = run(NEW_QUEUE, handedOff(1, 1, 'one'), built(1, 'one'), green, {
        kind: 'pushed',
        ...itemOf(1, 1),
        result: held,
      });
      expect(waits.chain).toMatchObject([{ doubt: 'pushed', stage: { kind: 'held' } }]);
      const renamed = run(waits, handedOff(1, 1, 'other'));
      const { commands } = reconcile(renamed, [], { nowMs: NOW_MS + 60_000, random: 0.5 });
      expect(commands.filter(({ kind }) => kind === 'build')).toMatchObject([{ item: { title: 'other' } }]);
      const { toldOnce: _toldOnce, ...older } = waits;
      expect(run(older, handedOff(1, 1, 'other'))).toBe(older);
    });
  });
});
