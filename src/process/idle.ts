/** The idle time-out: a tree ends that prints nothing, and in which nothing works either, such as a compiler. */

import { workBetween, workOf, type Members, type Work } from './members.ts';

export interface IdleWatch {
  /** It has printed something. */
  printed(): void;
  stop(): void;
}

/** Over so long, before the time is out, is looked whether anything works. */
const MAX_WINDOW_MS = 10_000;
const WINDOW_SHARE = 0.25;
/** Of one core, by all processes of the tree together. */
const BUSY_SHARE = 0.1;

/** @param members null while nobody knows, and where nothing can be known: then what it prints counts alone */
export function watchIdle(limitMs: number, members: () => Members | null, onIdle: () => void): IdleWatch {
  const windowMs = Math.min(MAX_WINDOW_MS, limitMs * WINDOW_SHARE);
  let window: NodeJS.Timeout | undefined;
  const silence = setTimeout(() => {
    const before = lookAt(members());
    window = setTimeout(() => {
      const after = lookAt(members());
      const isBusy = before !== null && after !== null && workBetween(before, after) >= windowMs * BUSY_SHARE;
      if (isBusy) silence.refresh();
      else onIdle();
    }, windowMs);
  }, limitMs - windowMs);
  return {
    printed() {
      clearTimeout(window);
      silence.refresh();
    },
    stop() {
      clearTimeout(window);
      clearTimeout(silence);
    },
  };
}

function lookAt(members: Members | null): Work | null {
  return members === null ? null : workOf(members);
}
