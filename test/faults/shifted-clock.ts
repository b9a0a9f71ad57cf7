/**
 * A clock that processes are told instead of the machine's: a file says by how much it differs. What is loaded before a Node
 * program has its `Date` say so; the kernel, the servers, git and agents keep the machine's time, as do monotonic clocks and
 * timers, which no change of a clock moves. Owns two files.
 */

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Read at most every few milliseconds: the clock is asked for more often than that. */
const PRELOAD = (file: string): string => `'use strict';
const { readFileSync } = require('node:fs');
const Real = Date;
let shift = 0;
let lookAgain = 0;
const now = () => {
  const at = performance.now();
  if (at >= lookAgain) {
    lookAgain = at + 5;
    shift = Number(readFileSync(${JSON.stringify(file)}, 'utf8'));
  }
  return Real.now() + shift;
};
globalThis.Date = new Proxy(Real, {
  apply: () => new Real(now()).toString(),
  construct: (target, given, as) => Reflect.construct(target, given.length === 0 ? [now()] : given, as),
  get: (target, name) => (name === 'now' ? now : target[name]),
});
`;

export class ShiftedClock {
  /** What a Node program is started with, so that it goes by this clock. */
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, 'clock-shift');
    const preload = join(folder, 'clock.cjs');
    this.jumpTo(0);
    writeFileSync(preload, PRELOAD(this.#file));
    this.env = { NODE_OPTIONS: `--require=${preload}` };
  }

  /** From now on the clock differs by so many milliseconds from the machine's. */
  jumpTo(ms: number): void {
    writeFileSync(`${this.#file}.new`, String(ms));
    renameSync(`${this.#file}.new`, this.#file);
  }
}
