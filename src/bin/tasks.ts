#!/usr/bin/env node
/**
 * The program `tasks`: loads the built command line with V8's code cache, since compiling it anew is half the time of
 * a short command.
 *
 * Owns the folder `dist/cache`: one folder a version of Node, one file a chunk. The build fills it for its own version
 * by running commands; another version's is filled when a command first ends there. Kept true: what the cache holds or
 * lacks never changes what is run. V8 refuses another version's or another source's data; a chunk's name has the hash
 * of its content, so that data of an older build cannot be taken for a newer one's; a folder that cannot be written
 * stays as it is.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { constants, Script } from 'node:vm';

interface LoadedModule {
  exports: Record<string, unknown>;
}

type Wrapper = (
  exports: LoadedModule['exports'],
  require: (name: string) => unknown,
  module: LoadedModule,
  filename: string,
  folder: string,
) => void;

const chunks = join(__dirname, '..', 'cli');
const cacheFolder = join(__dirname, '..', 'cache', `${process.version}-${process.arch}`);
const loaded = new Map<string, LoadedModule>();
const uncached = new Map<string, Script>();

load(join(chunks, 'main.cjs'));
process.once('exit', keepCompiled);

function load(file: string): LoadedModule['exports'] {
  const known = loaded.get(file);
  if (known !== undefined) return known.exports;
  // The build writes ASCII alone.
  const source = readFileSync(file, 'latin1');
  const cachedData = readCache(file);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === null ? {} : { cachedData }),
  });
  if (cachedData === null) uncached.set(file, script);
  const module: LoadedModule = { exports: {} };
  loaded.set(file, module);
  const native = createRequire(file);
  const folder = dirname(file);
  const require = (name: string): unknown => {
    const path = name.startsWith('./') ? resolve(folder, name) : null;
    return path !== null && dirname(path) === chunks ? load(path) : native(name);
  };
  const wrapper = script.runInThisContext() as Wrapper;
  wrapper.call(module.exports, module.exports, Object.assign(require, native), module, file, folder);
  return module.exports;
}

function readCache(file: string): Buffer | null {
  try {
    return readFileSync(join(cacheFolder, basename(file)));
  } catch {
    return null;
  }
}

/** Kept at the end: by then V8 has compiled what the command needed, and that is what the next one needs. */
function keepCompiled(): void {
  if (uncached.size === 0) return;
  try {
    mkdirSync(cacheFolder, { recursive: true });
    for (const [file, script] of uncached) {
      const path = join(cacheFolder, basename(file));
      const temporary = `${path}.${process.pid}`;
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, path);
    }
  } catch {
    // An installation that this person may not write to: the next start compiles again, nothing else.
  }
}
