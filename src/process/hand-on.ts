/** What one connection sends, handed on to another, for a proxy between the two. */

import type { Duplex } from 'node:stream';

/**
 * Hands on all that comes, also what is still on its way to a slow reader when the sender has closed; a connection that was
 * cut off cuts the other one off, too. Ends neither for being silent.
 */
export function handOn(from: Duplex, to: Duplex): void {
  from.pipe(to);
  from.once('close', () => {
    if (!from.readableEnded || to.writableFinished) to.destroy();
    else to.once('finish', () => to.destroy());
  });
}
