import { describe, expect, it } from '@jest/globals';
import { Turns } from '../../src/activities/turns.ts';
import { otherTaskId, taskId } from '../support/git-rig.ts';

const going = new AbortController().signal;

function opened(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: (() => void) | undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open?.() };
}

describe('the attempts of one task on a worker', () => {
  it('follow one another, and those of another task do not wait for them', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const gate = opened();
    const first = turns.take(taskId, going, async () => {
      await gate.passed;
      order.push('first');
    });
    const second = turns.take(taskId, going, () => Promise.resolve(order.push('second')));
    await turns.take(otherTaskId, going, () => Promise.resolve(order.push('other')));
    expect(order).toEqual(['other']);
    gate.open();
    await Promise.all([first, second]);
    expect(order).toEqual(['other', 'first', 'second']);
  });

  it('are not kept back by one that failed', async () => {
    const turns = new Turns();
    const first = turns.take(taskId, going, () => Promise.reject(new Error('broke')));
    const second = turns.take(taskId, going, () => Promise.resolve('done'));
    await expect(first).rejects.toThrow('broke');
    await expect(second).resolves.toBe('done');
  });

  it('may give up waiting, and leave the one before them and the one after them in their order', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const gate = opened();
    const first = turns.take(taskId, going, async () => {
      await gate.passed;
      order.push('first');
    });
    const stop = new AbortController();
    const second = turns.take(taskId, stop.signal, () => Promise.resolve(order.push('second')));
    const third = turns.take(taskId, going, () => Promise.resolve(order.push('third')));
    stop.abort(new Error('canceled'));
    await expect(second).rejects.toThrow('canceled');
    expect(order).toEqual([]);
    gate.open();
    await Promise.all([first, third]);
    expect(order).toEqual(['first', 'third']);
  });

  it('wait for the one that runs, also where one before that has ended meanwhile', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const gate = opened();
    const first = turns.take(taskId, going, () => Promise.resolve(order.push('first')));
    const second = turns.take(taskId, going, async () => {
      order.push('second began');
      await gate.passed;
      order.push('second');
    });
    await first;
    await new Promise(setImmediate);
    const third = turns.take(taskId, going, () => Promise.resolve(order.push('third')));
    await new Promise(setImmediate);
    expect(order).toEqual(['first', 'second began']);
    gate.open();
    await Promise.all([second, third]);
    expect(order).toEqual(['first', 'second began', 'second', 'third']);
  });

  it('do not begin when they are stopped already, though none is before them', async () => {
    const turns = new Turns();
    const reason = new Error('canceled');
    let began = false;
    const taken = turns.take(taskId, AbortSignal.abort(reason), () => Promise.resolve((began = true)));
    await expect(taken).rejects.toBe(reason);
    expect(began).toBe(false);
  });
});
