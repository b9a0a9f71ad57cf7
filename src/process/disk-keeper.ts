/**
 * Keeps some of the disk free while process trees run: when little is left, the one tree ends that has written the most.
 *
 * It owns nothing but the list of those that run. Kept true: one at a time is ended, and none that has hardly written:
 * what others have filled is not its fault.
 */

import { bytesBelow } from '../files/sizes.ts';

export interface Writer {
  readonly folders: readonly string[];
  /** Ends it. @param bytes what its folders take */
  readonly end: (bytes: number) => void;
}

export interface DiskKeeper {
  /** @returns what takes it off the list */
  add(writer: Writer): () => void;
  /** Somebody has seen that too little is free. */
  isShort(): void;
}

/** Who has less than this is not asked to go. */
const HARDLY_BYTES = 32 * 1024 * 1024;
/** What was ended has its folders removed meanwhile. */
const QUIET_MS = 3_000;
/** So long it is counted what each has: one with millions of files must not keep another from being ended. */
const COUNT_MS = 10_000;

export function createDiskKeeper(countMs = COUNT_MS): DiskKeeper {
  const writers = new Set<Writer>();
  let looking = false;
  let quietUntil = 0;
  const endTheLargest = async (): Promise<void> => {
    const signal = AbortSignal.timeout(countMs);
    const sizes = [...writers].map(async (writer) => {
      return { writer, bytes: await bytesBelow(writer.folders, { signal }) };
    });
    const [largest] = (await Promise.all(sizes)).toSorted((one, other) => other.bytes - one.bytes);
    quietUntil = performance.now() + QUIET_MS;
    if (largest !== undefined && largest.bytes >= HARDLY_BYTES) largest.writer.end(largest.bytes);
  };
  return {
    add(writer) {
      writers.add(writer);
      return () => {
        writers.delete(writer);
      };
    },
    isShort() {
      if (looking || performance.now() < quietUntil) return;
      looking = true;
      void endTheLargest().finally(() => {
        looking = false;
      });
    },
  };
}
