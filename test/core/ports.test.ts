import { describe, expect, it } from '@jest/globals';
import { freeRanges, parsePortOwner, portOwners, portVariables } from '../../src/core/ports.ts';
import { parseProjectName, parseTaskId } from '../../src/core/ids.ts';
import type { Parsed } from '../../src/core/parsed.ts';

const PLAN = { base: 20_000, each: 10, ranges: 3 };

function value<T>(parsed: Parsed<T>): T {
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}

describe('ranges of ports', () => {
  it('lie side by side', () => {
    expect(freeRanges(PLAN, [])).toEqual([
      { first: 20_000, count: 10 },
      { first: 20_010, count: 10 },
      { first: 20_020, count: 10 },
    ]);
  });

  it('are free when no lease has a port of them, also one of another plan', () => {
    expect(freeRanges(PLAN, [{ first: 20_009, count: 2 }])).toEqual([{ first: 20_020, count: 10 }]);
    expect(freeRanges(PLAN, [{ first: 19_000, count: 1_000 }])).toHaveLength(3);
    expect(freeRanges(PLAN, [{ first: 20_030, count: 10 }])).toHaveLength(3);
    expect(freeRanges(PLAN, [{ first: 19_000, count: 2_000 }])).toEqual([]);
  });
});

describe('the owner of a range', () => {
  it('is read from its name', () => {
    const project = value(parseProjectName('shop'));
    const task = value(parseTaskId('0123456789'));
    expect(parsePortOwner(portOwners.task(project, task))).toEqual({ kind: 'task', project, task });
    expect(parsePortOwner(portOwners.gate('shop-0a1b', '2'))).toEqual({
      kind: 'gate',
      origin: 'shop-0a1b',
      number: '2',
    });
  });

  it.each(['', 'task shop', 'task shop/../x', 'task Shop/0123456789', 'task shop/short', 'other a/b'])(
    'is nobody by the name %j',
    (owner) => {
      expect(parsePortOwner(owner)).toBeNull();
    },
  );
});

describe('the environment', () => {
  const range = { first: 20_010, count: 10 };

  it('names the range, and as PORT the first one of it', () => {
    const all = { TASKS_PORT_BASE: '20010', TASKS_PORT_COUNT: '10', PORT: '20010' };
    expect(portVariables(range, 'agent')).toEqual(all);
    expect(portVariables(range, 'setup')).toEqual(all);
  });

  it('of a gate has no PORT, which would change what is tested', () => {
    expect(portVariables(range, 'gate')).toEqual({ TASKS_PORT_BASE: '20010', TASKS_PORT_COUNT: '10' });
  });

  it('says nothing without a range', () => {
    expect(portVariables(null, 'agent')).toEqual({});
  });
});
