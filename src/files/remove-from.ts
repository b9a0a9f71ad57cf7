/** Removes some of the entries of a folder, which may have millions of them. */

import { createPace, lookThrough, type Listed } from './list.ts';
import { removeAny } from './remove.ts';

/** So many are removed before the folder is looked through once more. */
const AT_ONCE = 1_000;

/** Removes each entry of a folder that is to go, with all that is in it; links are not followed. @throws when it cannot be read */
export async function removeFrom(folder: string | Buffer, isToGo: (entry: Listed) => boolean): Promise<void> {
  const pace = createPace();
  for (let more = true; more;) {
    const gone: Buffer[] = [];
    await lookThrough(
      folder,
      (entry) => {
        if (isToGo(entry)) gone.push(Buffer.concat([Buffer.from(folder), SLASH, entry.name]));
        return gone.length < AT_ONCE;
      },
      pace,
    );
    for (const path of gone) {
      await removeAny(path);
      if (pace.isDue()) await pace.turn();
    }
    more = gone.length === AT_ONCE;
  }
}

const SLASH = Buffer.from('/');
