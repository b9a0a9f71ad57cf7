import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempFolder } from '../support/temp.ts';

const BUILT = fileURLToPath(new URL('../../dist/bin/tasks.cjs', import.meta.url));

/** A built program of two chunks: the main one loads the other when it is asked to. */
const MAIN = `
const path = require('node:path');
exports.name = path.basename(__filename);
if (process.argv[2] === 'lazy') Promise.resolve().then(() => require('./lazy-1.cjs')).then(({ say }) => say());
else console.log('main', exports.name, require('./lazy-1.cjs') === require('./lazy-1.cjs'));
`;
const LAZY = `const main = require('./main.cjs'); exports.say = () => console.log('lazy', main.name, typeof require.resolve);`;

async function program(): Promise<string> {
  const folder = await tempFolder('program');
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'cli'));
  await cp(BUILT, join(folder, 'bin/tasks.cjs'));
  await writeFile(join(folder, 'cli/main.cjs'), MAIN);
  await writeFile(join(folder, 'cli/lazy-1.cjs'), LAZY);
  return folder;
}

function run(folder: string, args: readonly string[] = [], nodeArgs: readonly string[] = []): string {
  return execFileSync(process.execPath, [...nodeArgs, join(folder, 'bin/tasks.cjs'), ...args], { encoding: 'utf8' });
}

async function cached(folder: string): Promise<readonly string[]> {
  const versions = await readdir(join(folder, 'cache'));
  return versions.length === 1 ? (await readdir(join(folder, 'cache', versions[0] ?? ''))).toSorted() : versions;
}

describe('the program', () => {
  beforeAll(() => {
    if (!existsSync(BUILT)) throw new Error('dist/ is not there; run npm run build');
  });

  it('runs the same without a cache, and with the one that the first run left', async () => {
    const folder = await program();
    expect(run(folder)).toBe('main main.cjs true\n');
    expect(await cached(folder)).toEqual(['lazy-1.cjs', 'main.cjs']);
    expect(run(folder)).toBe('main main.cjs true\n');
    expect(run(folder, ['lazy'])).toBe('lazy main.cjs function\n');
  });

  it('keeps only what was loaded', async () => {
    const folder = await program();
    await writeFile(join(folder, 'cli/main.cjs'), "console.log('alone');");
    expect(run(folder)).toBe('alone\n');
    expect(await cached(folder)).toEqual(['main.cjs']);
  });

  it('runs the same under flags for which the cache does not hold', async () => {
    const folder = await program();
    run(folder);
    expect(run(folder, ['lazy'], ['--no-opt'])).toBe('lazy main.cjs function\n');
  });

  it('runs the same with what is no cache at all', async () => {
    const folder = await program();
    run(folder);
    const [version = ''] = await readdir(join(folder, 'cache'));
    await writeFile(join(folder, 'cache', version, 'main.cjs'), 'not compiled code');
    expect(run(folder)).toBe('main main.cjs true\n');
  });

  it('runs from a folder that it cannot write to', async () => {
    const folder = await program();
    // As root the permissions of a folder stop nobody: a file in its place does.
    await writeFile(join(folder, 'cache'), '');
    await chmod(join(folder, 'cache'), 0o400);
    expect(run(folder)).toBe('main main.cjs true\n');
    expect(await readFile(join(folder, 'cache'), 'utf8')).toBe('');
  });

  it('keeps the exit code and the errors of what it runs', async () => {
    const folder = await program();
    await rm(join(folder, 'cli/lazy-1.cjs'));
    await writeFile(
      join(folder, 'cli/main.cjs'),
      'process.exitCode = 7; function fail() { throw new Error("told"); }\nfail();',
    );
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bin/tasks.cjs')], { encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('Error: told');
    expect(stderr).toContain('cli/main.cjs:2');
  });
});
