import { describe, expect, it } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { Rounds } from '../../src/worker/rounds.ts';

describe('rounds', () => {
  it('begin one after the other, however soon the next is due', async () => {
    let under = 0;
    let most = 0;
    let done = 0;
    const steps = new EventEmitter();
    const enough = once(steps, 'enough');
    const rounds = new Rounds(async () => {
      under += 1;
      most = Math.max(most, under);
      await new Promise((resolve) => setImmediate(resolve));
      under -= 1;
      done += 1;
      if (done === 5) steps.emit('enough');
      return 0;
    });
    rounds.start();
    await enough;
    await rounds.stop();
    expect(most).toBe(1);
  });

  it('are stopped when the one under way has ended, and none begins after it', async () => {
    const steps = new EventEmitter();
    const [begun, goOn] = [once(steps, 'begun'), once(steps, 'go on')];
    const seen: string[] = [];
    const rounds = new Rounds(async () => {
      seen.push('begins');
      steps.emit('begun');
      await goOn;
      seen.push('ends');
      return 0;
    });
    rounds.start();
    await begun;
    const stopped = rounds.stop().then(() => seen.push('stopped'));
    expect(rounds.stopped).toBe(true);
    steps.emit('go on');
    await stopped;
    rounds.start();
    // Begun after it, and due as soon: by then the other would have begun.
    const later = once(steps, 'later');
    const others = new Rounds(() => {
      steps.emit('later');
      return Promise.resolve(60_000);
    });
    others.start();
    await later;
    await others.stop();
    expect(seen).toEqual(['begins', 'ends', 'stopped']);
  });
});
