import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
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
    const running = new Running(1, { patienceMs: 5 });
    const ends: (() => void)[] = [];
    const first = running.run(NEVER, () => new Promise<void>((resolve) => void ends.push(resolve)));
    let began = false;
    await expect(running.run(NEVER, () => Promise.resolve((began = true)))).rejects.toThrow(NoFreeSlot);
    expect(began).toBe(false);
    ends[0]?.();
    await first;
    expect(running.count).toBe(0);
  });

  it('wait on, the first of them alone, for as long as they may stay', async () => {
    let asked = 0;
    let mayStay = true;
    const running = new Running(1, {
      patienceMs: 5,
      mayStay: () => {
        asked += 1;
        return Promise.resolve(mayStay);
      },
    });
    const ends: (() => void)[] = [];
    const held = (): Promise<void> => new Promise<void>((resolve) => void ends.push(resolve));
    const [first, second, third] = [running.run(NEVER, held), running.run(NEVER, held), running.run(NEVER, held)];
    await expect(third).rejects.toThrow(NoFreeSlot);
    await eventually('asked more than once', () => asked > 2);
    ends[0]?.();
    await first;
    const fourth = expect(running.run(NEVER, held)).rejects.toThrow(NoFreeSlot);
    mayStay = false;
    await fourth;
    expect(ends).toHaveLength(2);
    ends[1]?.();
    await second;
    expect(running.count).toBe(0);
  });

  it('are given back when it cannot be told whether they may stay', async () => {
    const running = new Running(1, { patienceMs: 5, mayStay: () => Promise.reject(new Error('no')) });
    const ends: (() => void)[] = [];
    const first = running.run(NEVER, () => new Promise<void>((resolve) => void ends.push(resolve)));
    await expect(running.run(NEVER, () => Promise.resolve())).rejects.toThrow(NoFreeSlot);
    ends[0]?.();
    await first;
    expect(running.count).toBe(0);
  });

  it('take the place that comes while it is asked whether they may stay', async () => {
    const answers: ((mayStay: boolean) => void)[] = [];
    const mayStay = (): Promise<boolean> => new Promise((resolve) => void answers.push(resolve));
    const running = new Running(1, { patienceMs: 5, mayStay });
    const ends: (() => void)[] = [];
    const first = running.run(NEVER, () => new Promise<void>((resolve) => void ends.push(resolve)));
    const second = running.run(NEVER, () => Promise.resolve('went on'));
    await eventually('asked', () => answers.length > 0);
    ends[0]?.();
    await first;
    answers[0]?.(false);
    expect(await second).toBe('went on');
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
