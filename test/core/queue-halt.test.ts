import { describe, expect, it } from '@jest/globals';
import { queueViewOf, reconcile, type Queue } from '../../src/core/queue.ts';
import { CHAIN, green, pushed, run, say, TARGET } from './queue-rig.ts';
import { NOW_MS } from './rig.ts';

const stoppedOf = (queue: Queue): string | null => queueViewOf(queue, TARGET, NOW_MS).stopped;

describe('a queue that halts until a person says so', () => {
  it('names the command that lets it go on, with its project', () => {
    expect(stoppedOf(run(CHAIN, say('pause')))).toBe('paused by Ada; to go on: tasks queue resume --project demo');
    const mismatch = run(CHAIN, green(1), pushed(1, { kind: 'mismatch', text: 'main is at another tree' }));
    expect(stoppedOf(mismatch)).toBe('main is at another tree. When main is right: tasks queue resume --project demo');
  });

  it('names it without one when its project is not known', () => {
    const { queue } = reconcile(CHAIN, [say('pause')], { nowMs: NOW_MS, random: 0.5 });
    expect(stoppedOf(queue)).toBe('paused by Ada; to go on: tasks queue resume');
  });
});
