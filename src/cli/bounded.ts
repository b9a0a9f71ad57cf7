/** Doing many things, a few at a time. */

/** Each item's result, in their order; at most `limit` at once. The first error ends it once those under way are done. */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next;
      next += 1;
      const item = items[index] as T;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, lane));
  for (const outcome of lanes) if (outcome.status === 'rejected') throw outcome.reason;
  return results;
}

export interface Ordered<T> {
  /** Passes it on as soon as those before it have been. */
  pass(index: number, item: T): void;
  /** Passes on, in their order, those that wait for one that will not come. */
  passRest(): void;
}

/** Passes items on in the order of their indexes. */
export function ordered<T>(pass: (item: T) => void): Ordered<T> {
  const early = new Map<number, T>();
  let next = 0;
  return {
    pass(index, item) {
      early.set(index, item);
      for (let ready = early.get(next); ready !== undefined; ready = early.get(next)) {
        early.delete(next);
        next += 1;
        pass(ready);
      }
    },
    passRest() {
      for (const [, item] of [...early].toSorted(([one], [other]) => one - other)) pass(item);
      early.clear();
    },
  };
}
