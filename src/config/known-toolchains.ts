/**
 * Managers of toolchains that people install into their home, and that find them by HOME: agents and gates have another one,
 * so they are told by the variable that the manager has for it, and see that folder read-only. What holds keys or sessions
 * is not among them: of ~/.cargo, for one, no more is seen than the programs in the PATH.
 */

import { statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

interface Known {
  /** Below the home, in the PATH of who uses it. */
  readonly programs: readonly string[];
  readonly variable: string;
  /** Below the home, where the variable is not set. */
  readonly folder: string;
}

const KNOWN: readonly Known[] = [
  { programs: ['.cargo/bin'], variable: 'RUSTUP_HOME', folder: '.rustup' },
  { programs: ['.pyenv/shims', '.pyenv/bin'], variable: 'PYENV_ROOT', folder: '.pyenv' },
  { programs: ['.rbenv/shims', '.rbenv/bin'], variable: 'RBENV_ROOT', folder: '.rbenv' },
  { programs: ['.volta/bin'], variable: 'VOLTA_HOME', folder: '.volta' },
  { programs: ['.asdf/shims', '.asdf/bin'], variable: 'ASDF_DATA_DIR', folder: '.asdf' },
  { programs: ['.local/share/mise/shims'], variable: 'MISE_DATA_DIR', folder: '.local/share/mise' },
];

/** What agents, set-up and gates are told of what the account has. */
export interface KnownPlaces {
  readonly variables: Readonly<Record<string, string>>;
  /** Folders and files that they see read-only for that. */
  readonly read: readonly string[];
}

/** Those of the account whose environment this is. @param isFolder whether there is such a folder */
export function toolchainsOf(
  environment: Readonly<Record<string, string | undefined>>,
  isFolder: (path: string) => boolean = isFolderHere,
): KnownPlaces {
  const { HOME: home = '', PATH: path = '' } = environment;
  if (!isAbsolute(home)) return { variables: {}, read: [] };
  const inPath = new Set(path.split(delimiter).map((folder) => folder.replace(/\/+$/, '')));
  const found = KNOWN.flatMap(({ programs, variable, folder }): readonly (readonly [string, string])[] => {
    const given = environment[variable] ?? '';
    const place = given === '' ? join(home, folder) : given;
    const isUsed = given !== '' || programs.some((each) => inPath.has(join(home, each)));
    return isUsed && isAbsolute(place) && isFolder(place) ? [[variable, place]] : [];
  });
  return { variables: Object.fromEntries(found), read: found.map(([, place]) => place) };
}

/** What this account may not look at, or into, is not there for it. */
function isFolderHere(path: string): boolean {
  try {
    return statSync(`${path}/.`).isDirectory();
  } catch {
    return false;
  }
}
