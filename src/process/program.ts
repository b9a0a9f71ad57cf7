/** Finding out before a start whether a program can be started, so that the error names what is missing. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

import { quote } from '../core/ids.ts';

// What a shell searches when PATH is not set.
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** One line that says why the program cannot be started and what to do, or null when it can. */
export function whyNotRunnable(program: string, cwd: string, path: string | undefined): string | null {
  if (program.includes('/')) {
    const file = isAbsolute(program) ? program : resolve(cwd, program);
    if (isRunnable(file)) return null;
    return exists(file)
      ? `${quote(program)} is not executable; chmod +x it, or name another program`
      : `there is no program ${quote(program)} on this host; install it there, or correct its path`;
  }
  const folders = (path ?? DEFAULT_PATH).split(delimiter).map((folder) => resolve(cwd, folder));
  if (folders.some((folder) => isRunnable(join(folder, program)))) return null;
  return `no program ${quote(program)} is on the PATH of this host's worker; install it, or give its full path`;
}

/** The message for a program whose start failed although it is there: its interpreter is missing, or the like. */
export function startFailure(program: string, why: string): string {
  return `${quote(program)} could not be started (${why}); check that its interpreter (the #! line) is installed and that it was built for this machine`;
}

function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
