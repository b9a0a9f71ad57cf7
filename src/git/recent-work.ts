/**
 * The objects that this process has pushed or built lately, so that its other repositories need neither fetch nor
 * make them again. A cache: what is not in it is fetched, or built.
 */

import type { ObjectId } from '../core/ids.ts';
import type { NewObjects } from './new-objects.ts';

const MAX_BYTES = 32 * 1024 * 1024;
const ENTRY_BYTES = 200;

interface Recent {
  /** What the objects are to be added to. */
  readonly base: ObjectId;
  readonly objects: NewObjects;
}

export class RecentWork {
  /** A stored branch's head, or a candidate: what it adds to its base. */
  readonly #kept = new Map<ObjectId, Recent>();
  #bytes = 0;

  get(commit: ObjectId): Recent | null {
    return this.#kept.get(commit) ?? null;
  }

  keep(commit: ObjectId, base: ObjectId, objects: NewObjects): void {
    this.forget(commit);
    this.#kept.set(commit, { base, objects });
    this.#bytes += sizeOf(objects);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MAX_BYTES) break;
      this.forget(oldest);
    }
  }

  forget(commit: ObjectId): void {
    const kept = this.#kept.get(commit);
    if (kept === undefined) return;
    this.#kept.delete(commit);
    this.#bytes -= sizeOf(kept.objects);
  }
}

function sizeOf(objects: NewObjects): number {
  return [...objects.values()].reduce((sum, { body }) => sum + body.length + ENTRY_BYTES, ENTRY_BYTES);
}
