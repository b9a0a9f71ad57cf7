import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { tempFolder } from '../support/temp.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const LIMIT_MS = 60_000;

describe('the bound of all trees together', () => {
  const test = isRoot && process.platform === 'linux' ? it : it.skip;

  test('is done without where no hierarchy of groups is mounted, as in a mount namespace of its own', async () => {
    const program = await built();
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

  test('leaves an account that may make no groups as many threads as it has, and what its trees may take', async () => {
    const program = await built();
    const script = `import(${JSON.stringify(program)}).then(async ({ createBound }) => {
      const { readFileSync } = await import('node:fs');
      const number = (file, pattern) => Number(pattern.exec(readFileSync('/proc/self/' + file, 'utf8'))[1]);
      const threads = number('status', /Threads:\\s*(\\d+)/);
      const by = createBound({ processes: 5_000, cpus: Infinity }, '/no/groups').hold(process.pid);
      process.stdout.write(JSON.stringify({ by, more: number('limits', /Max processes\\s+(\\d+)/) - threads }));
    })`;
    // Of nobody's: all that it runs is this.
    const account = ['--reuid', '61234', '--regid', '61234', '--clear-groups'];
    const { stdout } = await run('setpriv', [...account, process.execPath, '-e', script], { timeout: LIMIT_MS });
    expect(JSON.parse(stdout)).toEqual({ by: 'limit', more: 5_000 });
  });
});

async function built(): Promise<string> {
  const folder = await tempFolder('bound');
  await chmod(folder, 0o755);
  const program = join(folder, 'bound.mjs');
  const flags = ['--bundle', '--platform=node', '--format=esm', `--outfile=${program}`];
  await run(resolve('node_modules/.bin/esbuild'), [resolve('src/process/bound.ts'), ...flags]);
  return program;
}
