/** Another revision of this repository, built in a folder: what the fault suite runs beside this one. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.js';

const git = (...args) => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim();

/**
 * Takes the packages that are here.
 *
 * @param revision null: the last tag before what is here
 * @returns its folder and name, or what is missing
 */
export async function buildPrevious(revision, folder, say) {
  const named = revision ?? lastTag();
  if (named === null) return { missing: 'there is no tag: name the version before by --previous REV' };
  let commit;
  try {
    commit = git('rev-parse', '--verify', '--quiet', `${named}^{commit}`);
  } catch {
    return { missing: `there is no revision ${named}` };
  }
  mkdirSync(folder, { recursive: true });
  const archive = execFileSync('git', ['-C', root, 'archive', commit], { maxBuffer: 1024 ** 3 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  say(`building ${named} (${commit.slice(0, 8)})…`);
  const built = spawnSync(process.execPath, ['scripts/build.js'], { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0)
    return { missing: `${named} cannot be built with the packages that are here: ${built.stderr}` };
  return { folder, name: `${named} (${commit.slice(0, 8)})` };
}

function lastTag() {
  try {
    return git('describe', '--tags', '--abbrev=0', 'HEAD^');
  } catch {
    return null;
  }
}
