import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { tempFolder } from '../support/temp.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const LIMIT_MS = 60_000;

describe('the bound of all trees together', () => {
  const test = isRoot && process.platform === 'linux' ? it : it.skip;

  test('is done without where no hierarchy of groups is mounted, as in a mount namespace of its own', async () => {
    const program = join(await tempFolder('bound'), 'bound.mjs');
    const flags = ['--bundle', '--platform=node', '--format=esm', `--outfile=${program}`];
    await run(resolve('node_modules/.bin/esbuild'), [resolve('src/process/bound.ts'), ...flags]);
    const script = `import(${JSON.stringify(program)}).then(({ createBound }) => {
      const bound = createBound({ processes: 100, cpus: Infinity });
      process.stdout.write(String(bound.hold(process.pid)));
      bound.release();
    })`;
    // Like a bare sysfs, /proc answers that a folder cannot be made because it is not there.
    const bare = 'mount --bind /proc /sys/fs/cgroup && exec "$@"';
    const node = [process.execPath, '-e', script];
    const { stdout } = await run('unshare', ['--mount', '/bin/sh', '-c', bare, 'sh', ...node], { timeout: LIMIT_MS });
    expect(stdout).toBe('null');
  });
});
