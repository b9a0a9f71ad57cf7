/**
 * What nobody in a sandbox sees although it lies in a folder that is shown: the state home, where somebody has put it below a
 * folder of programs, and the files that secrets are read from. By name: a file that is replaced while a sandbox stands is a new one.
 */

import { statSync } from 'node:fs';

import { isWithin, realOf } from './visible.ts';

/** A folder or file of this host, and the name that it has in the sandbox. */
interface Place {
  readonly path: string;
  readonly real: string;
}

/** As bubblewrap's arguments. */
export interface Hidden {
  /** Folders, after what is shown as a whole, and before what is put back into them. */
  readonly cover: readonly string[];
  /** Files, after everything else. */
  readonly coverFiles: readonly string[];
  /** Covered folders, once all that is put into them is there. */
  readonly seal: readonly string[];
  /** Is a covered folder, or lies in one: seen only when it is put back by name. */
  readonly isCovered: (path: string) => boolean;
}

/** Where the sandbox has what. */
export interface Shown {
  /** Folders that it sees as a whole, whatever is in them. */
  readonly whole: readonly string[];
  /** Those that somebody has named: one that is itself to be hidden is meant. */
  readonly named: readonly string[];
  readonly mounts: readonly { readonly from: string; readonly to: string }[];
}

/** @param hidden folders and files of this host; those that are not there are passed over */
export function hide(hidden: readonly string[], { whole, named, mounts }: Shown): Hidden {
  const folders = new Set<string>();
  const files = new Set<string>();
  const [inWhole, inNamed, inMounts] = [
    placesOf(whole),
    placesOf(named),
    mounts.flatMap(({ from, to }) => placeOf(from, to)),
  ];
  for (const each of hidden) {
    const real = realOf(each);
    if (real === null) continue;
    // A folder may be shown under another name than the one that it has.
    const within = (places: readonly Place[], isIn: typeof isBelow): readonly string[] =>
      places.filter((place) => isIn(real, place.real)).map(({ path, real: top }) => path + real.slice(top.length));
    const names = [...within(inWhole, isWithin), ...within(inNamed, isBelow)];
    if (statSync(real, { throwIfNoEntry: false })?.isDirectory() === true) for (const name of names) folders.add(name);
    else for (const name of [...names, ...within(inMounts, isBelow)]) files.add(name);
  }
  return {
    cover: [...folders].flatMap((path) => ['--tmpfs', path]),
    coverFiles: [...files].flatMap((path) => ['--ro-bind', '/dev/null', path]),
    seal: [...folders].flatMap((path) => ['--remount-ro', path]),
    isCovered: (path) => [...folders].some((folder) => isWithin(path, folder)),
  };
}

function placesOf(paths: readonly string[]): readonly Place[] {
  return paths.flatMap((path) => placeOf(path, path));
}

function placeOf(from: string, path: string): readonly Place[] {
  const real = realOf(from);
  return real === null ? [] : [{ path, real }];
}

function isBelow(path: string, folder: string): boolean {
  return path !== folder && isWithin(path, folder);
}
