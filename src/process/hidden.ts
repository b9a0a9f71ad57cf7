/**
 * What nobody in a sandbox sees although it lies in a folder that is shown: the state home, where somebody has put it below a
 * folder of programs, and the files that secrets are read from.
 */

import { realpathSync, statSync } from 'node:fs';

/** As bubblewrap's arguments: `cover` comes after what is shown, `seal` after all that is put into the covered folders. */
export interface Hidden {
  readonly cover: readonly string[];
  readonly seal: readonly string[];
  /** In a covered folder: it is put there again when it is to be seen. */
  readonly isBelow: (path: string) => boolean;
}

/**
 * @param hidden folders and files of this host; those that are not there are passed over
 * @param shown folders that the sandbox has under their own names
 */
export function hide(hidden: readonly string[], shown: readonly string[]): Hidden {
  const folders: string[] = [];
  const files: string[] = [];
  const places = shown.flatMap((path) => {
    const real = realOf(path);
    return real === null ? [] : [{ path, real }];
  });
  for (const each of hidden) {
    const real = realOf(each);
    if (real === null) continue;
    // A folder may be shown under another name than the one that it has.
    const names = places
      .filter((place) => isBelow(real, place.real))
      .map((place) => place.path + real.slice(place.real.length));
    (statSync(real, { throwIfNoEntry: false })?.isDirectory() === true ? folders : files).push(...new Set(names));
  }
  return {
    cover: [
      ...folders.flatMap((path) => ['--tmpfs', path]),
      ...files.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ],
    seal: folders.flatMap((path) => ['--remount-ro', path]),
    isBelow: (path) => folders.some((folder) => isBelow(path, folder)),
  };
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
