import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { handOn } from '../../src/process/hand-on.ts';

/** One that takes a piece, and no other before it is told. */
function slow() {
  const taken: string[] = [];
  let next: (() => void) | null = null;
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      taken.push(String(chunk));
      next = done;
    },
  });
  return { stream, taken, go: () => next?.() };
}

const sending = (): Duplex => new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });

it('hands on all that was sent before the sender closed, and closes then', async () => {
  const [from, to] = [sending(), slow()];
  handOn(from, to.stream);
  const closed = once(to.stream, 'close');
  from.push('first');
  from.push('last');
  from.push(null);
  from.end();
  await once(from, 'close');
  expect(to.stream.destroyed).toBe(false);
  to.go();
  to.go();
  await closed;
  expect(to.taken.join(' ')).toBe('first last');
  expect(to.stream.writableFinished).toBe(true);
});

it('cuts the other one off when the sender was cut off', async () => {
  const [from, to] = [sending(), slow()];
  handOn(from, to.stream);
  const closed = once(to.stream, 'close');
  from.push('half');
  await once(from, 'data');
  from.destroy();
  await closed;
  expect(to.stream.writableFinished).toBe(false);
});
