import { describe, expect, it } from '@jest/globals';
import { isReplyTo, outcomeOf, remember } from '../../src/workflows/task-messages.ts';
import type { HandledMessage, MessageOutcome } from '../../src/workflows/messages.ts';
import { LANDING, REQUEST } from '../core/rig.ts';

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

function isTaken(reply: object): boolean {
  return isReplyTo(3, JSON.parse(JSON.stringify({ handoff: 3, ...reply })));
}

describe('an answer of the queue', () => {
  const failure = { kind: 'landing-refused', message: 'no', next: 'nothing' };

  it.each([
    { kind: 'landed', landing: LANDING },
    { kind: 'nothing-to-land' },
    { kind: 'withdrawn' },
    { kind: 'returned', request: REQUEST, turnUntilMs: null },
    { kind: 'refused', failure },
    { kind: 'held', held: null },
    { kind: 'held', held: { kind: 'gate', text: 'red', sinceMs: 1 } },
  ])('is taken: $kind', (reply) => {
    expect(isTaken(reply)).toBe(true);
    expect(isTaken({ ...reply, handoff: 2 })).toBe(false);
  });

  it.each([
    { kind: 'landed', landing: null },
    { kind: 'landed', landing: 'abc' },
    { kind: 'returned' },
    { kind: 'returned', request: null },
    { kind: 'returned', request: { ...REQUEST, text: 7 } },
    { kind: 'returned', request: { ...REQUEST, evidence: undefined } },
    { kind: 'returned', request: { ...REQUEST, files: null } },
    { kind: 'refused', failure: null },
    { kind: 'refused', failure: { kind: 'landing-refused' } },
    { kind: 'held' },
    { kind: 'held', held: 'for long' },
    { kind: 'held', held: { kind: 'gate' } },
    { kind: 'constructor' },
  ])('that lacks what follows from it is not: %j', (reply) => {
    expect(isTaken(reply)).toBe(false);
  });
});
