/** The checkouts that host.yaml names, from which ignored files are copied into workspaces. */

import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readHostFile } from '../../config/host-file.ts';
import { codeOf, messageOf } from '../../core/thrown.ts';
import { fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

const INCLUDE_FILE = '.worktreeinclude';

/** One check each; nothing is copied from one that is not right, and no attempt fails by it. */
export async function checkCheckouts(session: Session): Promise<readonly Check[]> {
  const host = await readHostFile(session.environment.home);
  if (host.kind === 'invalid') return [];
  const named = Object.entries(host.value.checkouts);
  return Promise.all(named.map(([project, path]) => checkCheckout(`checkouts.${project}`, path)));
}

async function checkCheckout(name: string, path: string): Promise<Check> {
  const fix = 'name the top folder of a checkout under checkouts: in host.yaml, or take the line out';
  try {
    if (!(await stat(path)).isDirectory()) return warn(name, `${path} is no folder`, fix);
    await access(path, constants.R_OK | constants.X_OK);
  } catch (error) {
    return warn(name, codeOf(error) === 'ENOENT' ? `${path} is not there` : messageOf(error), fix);
  }
  try {
    await stat(join(path, '.git'));
  } catch (error) {
    return warn(name, codeOf(error) === 'ENOENT' ? `${path} is no checkout: it has no .git` : messageOf(error), fix);
  }
  try {
    await access(join(path, INCLUDE_FILE), constants.R_OK);
    return fine(name, `${path}, by its ${INCLUDE_FILE}`);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return fine(name, `${path} has no ${INCLUDE_FILE}: nothing is copied from it`);
    return warn(name, messageOf(error), `let this account read ${join(path, INCLUDE_FILE)}`);
  }
}
