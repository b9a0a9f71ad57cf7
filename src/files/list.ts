/** Looks through folders that may have millions of entries: never at all of them at once, and never for long in one go. */

import { opendirSync, type Dir } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { absentAsNull } from './errors.ts';

/** For so long nothing else of this process has its turn. To ask the thread pool for each folder would take longer. */
const WORK_MS = 10;
const AT_ONCE = 64;

/** Lets others have their turn, when it has been some while. */
export interface Pace {
  readonly isDue: () => boolean;
  readonly turn: () => Promise<void>;
}

export function createPace(): Pace {
  let untilMs = performance.now() + WORK_MS;
  return {
    isDue: () => performance.now() >= untilMs,
    turn: async () => {
      await turn();
      untilMs = performance.now() + WORK_MS;
    },
  };
}

export interface Listed {
  /** Bytes: a name need not be UTF-8. */
  readonly name: Buffer;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
}

/**
 * Hands over the entries of a folder, in no order, until one is not wanted (`false`); nothing of a folder that is not there.
 *
 * @throws when it cannot be read
 */
export async function lookThrough(
  folder: string | Buffer,
  look: (entry: Listed) => boolean,
  pace = createPace(),
): Promise<void> {
  const opened = open(folder);
  if (opened === null) return;
  try {
    let looked = 0;
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
      const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'other';
      if (!look({ name: Buffer.from(entry.name), kind })) return;
      looked += 1;
      if (looked % AT_ONCE === 0 && pace.isDue()) await pace.turn();
    }
  } finally {
    opened.closeSync();
  }
}

function open(folder: string | Buffer): Dir | null {
  try {
    return opendirSync(folder, { encoding: 'buffer' as BufferEncoding });
  } catch (error) {
    // Not every Node says which.
    if (error instanceof Error && !('path' in error)) Object.assign(error, { path: folder.toString() });
    return absentAsNull(error);
  }
}

/** The names in a folder, none of one that is not there; null when they are more than so many. */
export function fewNamesIn(folder: string, most: number): readonly string[] | null {
  const opened = open(folder);
  if (opened === null) return [];
  try {
    const names: string[] = [];
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
      if (names.length >= most) return null;
      names.push(Buffer.from(entry.name).toString());
    }
    return names;
  } finally {
    opened.closeSync();
  }
}
