import { expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chooseContainer } from '../../src/process/containment.ts';
import { eventually } from '../support/eventually.ts';
import { onLinux } from '../support/on-linux.ts';
import { tempFolder } from '../support/temp.ts';
import { pidsWith } from './rig.ts';

it('tells what bubblewrap says of why it cannot be used', async () => {
  const bwrap = join(await tempFolder('bwrap'), 'bwrap');
  // As bubblewrap does, what is contained closes the descriptor of the status, and then says what is wrong.
  const program = `while [ "$1" != --json-status-fd ]; do shift; done
eval "exec $2>&-"
echo "bwrap: Can't mount proc on /newroot/proc: Operation not permitted" >&2
exit 1`;
  await writeFile(bwrap, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  const { containment } = await chooseContainer(bwrap);
  expect(containment).toEqual({ kind: 'process-group', why: expect.stringContaining("(bwrap: Can't mount proc on ") });
});

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

it('leaves nothing behind that would keep the process from ending when bubblewrap cannot be started', async () => {
  const before = timers();
  const { containment } = await chooseContainer('/no/such/bwrap');
  expect(containment).toEqual({ kind: 'process-group', why: expect.stringContaining('ENOENT') });
  expect(timers()).toBe(before);
});

/** Counts its starts; of the first ones each is too late. Stands for bubblewrap otherwise. */
async function lateFor(starts: number): Promise<{ readonly bwrap: string; readonly count: () => number }> {
  const folder = await tempFolder('bwrap');
  const bwrap = join(folder, 'bwrap');
  const program = `echo x >> '${folder}/starts'
[ "$(wc -l < '${folder}/starts')" -gt ${starts} ] || { trap '' TERM; read -r _ < '${folder}/fifo'; }
while [ "$1" != -- ]; do shift; done
shift
exec "$@"`;
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  await writeFile(bwrap, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  return { bwrap, count: () => readFileSync(join(folder, 'starts'), 'utf8').split('\n').length - 1 };
}

onLinux(
  'tries bubblewrap again when an overloaded machine had it answer too late: a worker lives by what comes of it',
  async () => {
    const { bwrap, count } = await lateFor(2);
    const { containment, sandbox } = await chooseContainer(bwrap, 500);
    expect(containment).toEqual({ kind: 'pid-namespace' });
    expect(sandbox).toEqual({ kind: 'works' });
    expect(count()).toBe(4);
  },
);

onLinux('does without bubblewrap when that never answers, and leaves none of it behind', async () => {
  const { bwrap, count } = await lateFor(1_000);
  const { containment } = await chooseContainer(bwrap, 300);
  const why = expect.stringContaining('(it did not answer within 0.3 s, 3 times)');
  expect(containment).toEqual({ kind: 'process-group', why });
  expect(count()).toBe(3);
  await eventually('all of it to have ended', () => pidsWith(bwrap).length === 0);
});

onLinux(
  'makes a sandbox also where TMPDIR names a folder that has gone, as with the shell that had made it',
  async () => {
    const folder = await tempFolder('containment');
    const program = join(folder, 'containment.mjs');
    const flags = ['--bundle', '--platform=node', '--format=esm', `--outfile=${program}`];
    execFileSync(resolve('node_modules/.bin/esbuild'), [resolve('src/process/containment.ts'), ...flags]);
    const script = `import(${JSON.stringify(program)})
    .then(({ chooseContainer }) => chooseContainer())
    .then(({ sandbox }) => process.stdout.write(JSON.stringify(sandbox)))`;
    const sandboxIn = (tmp: string): unknown =>
      JSON.parse(
        execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', env: { ...process.env, TMPDIR: tmp } }),
      );
    expect(sandboxIn(join(folder, 'gone'))).toEqual(sandboxIn(folder));
    expect(sandboxIn(folder)).toEqual({ kind: 'works' });
  },
);
