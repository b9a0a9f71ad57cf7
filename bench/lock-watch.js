/** How long a lock file is there each time, by what the kernel tells of its folder. */

import { watch } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** @returns {{ take: () => number, close: () => void }} `take`: milliseconds in all since it was last asked */
export function watchLock(folder, name) {
  let sinceMs = null;
  let heldMs = 0;
  const watcher = watch(folder, (event, file) => {
    if (event !== 'rename' || file !== name) return;
    const nowMs = performance.now();
    if (sinceMs !== null) heldMs += nowMs - sinceMs;
    sinceMs = sinceMs === null ? nowMs : null;
  });
  return {
    take: () => {
      const all = heldMs;
      heldMs = 0;
      return all;
    },
    close: () => watcher.close(),
  };
}
