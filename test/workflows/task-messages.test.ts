import { describe, expect, it } from '@jest/globals';
import { outcomeOf, remember } from '../../src/workflows/task-messages.ts';
import type { HandledMessage, MessageOutcome } from '../../src/workflows/messages.ts';

const TAKEN: MessageOutcome = { kind: 'taken', state: 'running' };

describe('a message that was handled', () => {
  it('gets its first outcome again, and another id its own', () => {
    const handled = remember([], 'one', TAKEN);
    expect(outcomeOf(handled, 'one')).toEqual(TAKEN);
    expect(outcomeOf(handled, 'two')).toBeNull();
  });

  it.each([undefined, '', null, 7])('is not remembered under the id %j', (id) => {
    const messageId: string = JSON.parse(JSON.stringify(id ?? null));
    const handled: readonly HandledMessage[] = [];
    expect(remember(handled, id === undefined ? undefined : messageId, TAKEN)).toBe(handled);
    expect(outcomeOf(handled, id === undefined ? undefined : messageId)).toBeNull();
  });

  it('is forgotten after so many others, the oldest first', () => {
    let handled: readonly HandledMessage[] = [];
    for (let count = 0; count <= 200; count += 1) handled = remember(handled, `id-${count}`, TAKEN);
    expect(handled).toHaveLength(200);
    expect(outcomeOf(handled, 'id-0')).toBeNull();
    expect(outcomeOf(handled, 'id-1')).toEqual(TAKEN);
  });

  it('is told from another with a long id without keeping that whole', () => {
    const long = 'x'.repeat(100_000);
    const handled = remember([], `${long}a`, TAKEN);
    expect(outcomeOf(handled, `${long}a`)).toEqual(TAKEN);
    expect(JSON.stringify(handled).length).toBeLessThan(1_000);
  });
});
