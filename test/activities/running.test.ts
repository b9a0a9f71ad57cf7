import { describe, expect, it } from '@jest/globals';
import { NoFreeSlot, Running } from '../../src/activities/running.ts';

const NEVER = new AbortController().signal;

describe('attempts within a limit', () => {
  it('run at once up to it, and then one for each that ends, in their order', async () => {
    const running = new Running(2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const runs = [0, 1, 2, 3].map((number) =>
      running.run(NEVER, () => {
        begun.push(number);
        return new Promise<void>((resolve) => (ends[number] = resolve));
      }),
    );
    expect(begun).toEqual([0, 1]);
    ends[1]?.();
    await runs[1];
    expect(begun).toEqual([0, 1, 2]);
    expect(running.count).toBe(2);
    ends[0]?.();
    ends[2]?.();
    await Promise.all([runs[0], runs[2]]);
    expect(begun).toEqual([0, 1, 2, 3]);
    ends[3]?.();
    await runs[3];
    expect(running.count).toBe(0);
  });

  it('give their place on when they fail', async () => {
    const running = new Running(1);
    const failing = running.run(NEVER, () => Promise.reject(new Error('no')));
    const next = running.run(NEVER, () => Promise.resolve('went on'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('went on');
  });

  it('are given back when none ends within a moment, and take no place then', async () => {
    const running = new Running(1, 5);
    const ends: (() => void)[] = [];
    const first = running.run(NEVER, () => new Promise<void>((resolve) => void ends.push(resolve)));
    let began = false;
    await expect(running.run(NEVER, () => Promise.resolve((began = true)))).rejects.toThrow(NoFreeSlot);
    expect(began).toBe(false);
    ends[0]?.();
    await first;
    expect(running.count).toBe(0);
  });

  it('do not begin when they are stopped while they wait, and take no place', async () => {
    const running = new Running(1);
    const ends: (() => void)[] = [];
    const first = running.run(NEVER, () => new Promise<void>((resolve) => void ends.push(resolve)));
    const stop = new AbortController();
    let began = false;
    const second = running.run(stop.signal, () => Promise.resolve((began = true)));
    const reason = new Error('drained');
    stop.abort(reason);
    await expect(second).rejects.toBe(reason);
    await expect(running.run(stop.signal, () => Promise.resolve())).rejects.toBe(reason);
    expect(began).toBe(false);
    ends[0]?.();
    await first;
    expect(await running.run(NEVER, () => Promise.resolve('free'))).toBe('free');
  });
});
