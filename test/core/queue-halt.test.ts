import { describe, expect, it } from '@jest/globals';
import { NEW_QUEUE, queueViewOf, reconcile, type Queue } from '../../src/core/queue.ts';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import {
  ALL_TOLD,
  built,
  candidate,
  CHAIN,
  green,
  handedOff,
  keysOf,
  looked,
  pushed,
  run,
  say,
  stages,
  TARGET,
  told,
  withdraw,
} from './queue-rig.ts';
import { LANDING, NOW_MS, objectId, taskId } from './rig.ts';

const MISMATCH = { kind: 'mismatch', text: 'main is at another tree' } as const;

const stoppedOf = (queue: Queue): string | null => queueViewOf(queue, TARGET, NOW_MS).stopped;

describe('a queue that halts until a person says so', () => {
  it('names the command that lets it go on, with its project', () => {
    expect(stoppedOf(run(CHAIN, say('pause')))).toBe('paused by Ada; to go on: tasks queue resume --project demo');
    const mismatch = run(CHAIN, green(1), pushed(1, MISMATCH));
    expect(stoppedOf(mismatch)).toBe('main is at another tree. When main is right: tasks queue resume --project demo');
  });

  it('names it without one when its project is not known', () => {
    const { queue } = reconcile(CHAIN, [say('pause')], { nowMs: NOW_MS, random: 0.5 });
    expect(stoppedOf(queue)).toBe('paused by Ada; to go on: tasks queue resume');
  });
});

describe('one that is asked back while main is not what was tested', () => {
  const halted = run(NEW_QUEUE, handedOff(1), built(1, candidate(1)), green(1), pushed(1, MISMATCH), ALL_TOLD);

  it('is asked of git once main is right, and does not land then', () => {
    const asked = run(halted, withdraw(1));
    expect([told(asked), keysOf(asked)]).toEqual([[], []]);
    const resumed = run(asked, say('resume'), ALL_TOLD);
    expect(keysOf(resumed)).toEqual([`build/${taskId(1)}/1/main`]);
    const gone = run(resumed, built(1, candidate(1)));
    expect([told(gone), stages(gone)]).toEqual([['1 withdrawn'], []]);
    expect(run(asked, withdraw(1))).toBe(asked);
  });

  it('has landed when git finds it there', () => {
    const resumed = run(halted, withdraw(1), say('resume'), ALL_TOLD);
    expect(told(run(resumed, built(1, { kind: 'landed', landing: LANDING })))).toEqual(['1 landed']);
  });

  it('has to ask again after that where its queue goes by the older rules', () => {
    const { redRests: _, ...before } = halted;
    expect(run(before, withdraw(1))).toEqual(before);
  });
});

describe('a pause that a person has made', () => {
  const paused = run(CHAIN, say('pause'), ALL_TOLD);
  const rewritten = looked({ commit: objectId(50), since: 'rewritten', vanished: [] });
  const halted = run(paused, rewritten);

  it('is there again when a main that was rewritten meanwhile has been looked at', () => {
    expect(halted.halt?.kind).toBe('rewritten');
    const resumed = run(halted, ALL_TOLD, say('resume'));
    expect(resumed.halt).toEqual(paused.halt);
    // Main is looked at anew all the same, and who is in the chain is told what it waits for now.
    expect([resumed.main, stages(resumed)]).toEqual([null, ['1 building', '2 building', '3 building']]);
    expect(resumed.replies[0]?.reply).toMatchObject({ kind: 'held', held: { text: paused.halt?.text } });
    expect(keysOf(resumed).filter((key) => key.startsWith('build') || key.startsWith('land'))).toEqual([]);
    expect(run(resumed, say('resume')).halt).toBeNull();
  });

  it('outlasts one stop after another, and being carried on', () => {
    const pushing = run(CHAIN, green(1), say('pause'), pushed(1, { kind: 'protected', text: 'nobody may' }));
    const both = run(unpackQueue(packQueue(pushing)), rewritten);
    expect([pushing.halt?.kind, both.halt?.kind]).toEqual(['protected', 'rewritten']);
    expect(run(both, say('resume')).halt?.kind).toBe('person');
  });

  it('was not kept by an earlier version, whose stop is over with one word', () => {
    const { pause: _, ...halt } = halted.halt ?? {};
    expect(run({ ...halted, halt: halt as Queue['halt'] }, say('resume')).halt).toBeNull();
  });
});
