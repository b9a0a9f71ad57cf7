/**
 * Whether any account of this machine may change what lies in the state home: it would say what runs there, and what lands. A home
 * that was there before keeps its mode, and what is made in it goes by the umask of who started the stack.
 */

import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

const OTHERS_WRITE = 0o002;
const OTHERS_ENTER = 0o001;
/** Who may write there may not take away what is somebody else's, as in /tmp. */
const STICKY = 0o1000;
/** What a worker makes in a home without a mode of its own. */
const INSIDE = ['landing', 'mirrors', 'gates', 'git', 'scratch', 'system', 'trash'];

/** Nothing where all is well, and where there is no home yet. */
export async function checkOpenHome({ environment }: Session): Promise<readonly Check[]> {
  const home = await realpath(environment.home).catch(() => null);
  if (home === null) return [];
  const above = await openAbove(home);
  if (above !== null) {
    return [toClose(above, `chmod o-w ${above}, or set TASKS_HOME to a folder that only you may write to`)];
  }
  const mode = await modeOf(home);
  const inside = (mode & OTHERS_ENTER) === 0 ? [] : await Promise.all(INSIDE.map((name) => modeOf(join(home, name))));
  const isOpen = [mode, ...inside].some((each) => (each & OTHERS_WRITE) !== 0);
  return isOpen ? [toClose(home, `chmod -R o-w ${home}, and say umask 022 before tasks up`)] : [];
}

function toClose(folder: string, fix: string): Check {
  return warn(
    'state home',
    `any account of this machine may write to ${folder}: it could say what runs here, and what lands`,
    fix,
  );
}

/** A folder above in which others may put something else in the place of what leads to the home. */
async function openAbove(home: string): Promise<string | null> {
  for (let folder = dirname(home); ; folder = dirname(folder)) {
    const mode = await modeOf(folder);
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) return folder;
    if (folder === dirname(folder)) return null;
  }
}

/** 0 of what is not there. */
async function modeOf(path: string): Promise<number> {
  return stat(path).then(
    (stats) => stats.mode,
    () => 0,
  );
}
