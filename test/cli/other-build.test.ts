/** A stack that runs what was built before is said to, wherever somebody looks at it. */

import { beforeAll, describe, expect, it } from '@jest/globals';
import { identify } from '../../src/local/processes.ts';
import { EMPTY_STACK, writeStack, type StackRecord } from '../../src/local/stack-record.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

/** Of servers that do not answer, and of this process as worker and supervisor: nothing else is looked at. */
async function placeWith(builds: StackRecord['builds']): Promise<CliPlace> {
  const home = await tempFolder('home');
  const env = cliEnvironment(home);
  const own = await identify(process.pid);
  await writeStack(`${home}/state`, {
    ...EMPTY_STACK,
    program: '0.0.0',
    temporal: { external: true, address: '127.0.0.1:1', namespace: 'default', uiUrl: null },
    postgres: { external: true, url: 'postgresql://ada@127.0.0.1:1/tributary', dataDir: '' },
    worker: own,
    supervisor: own,
    builds,
  });
  return { cwd: home, env };
}

describe('a stack whose worker is of another build than the command', () => {
  let place: CliPlace;

  beforeAll(async () => {
    place = await placeWith({ supervisor: '0.4.0-aaaaaaaa', worker: '0.4.0-aaaaaaaa' });
  });

  it('is told by status, with what to do', async () => {
    const { stdout } = await cli(place, ['status'], { build: '0.4.0-bbbbbbbb' });
    expect(stdout).toContain(
      'build      the worker that runs is of build 0.4.0-aaaaaaaa, this command of build 0.4.0-bbbbbbbb; to run this one: tasks down, then tasks up --detach',
    );
  });

  it('is in the JSON of status', async () => {
    const status = await cli(place, ['status', '--json'], { build: '0.4.0-bbbbbbbb' });
    expect(status.json()).toEqual([
      expect.objectContaining({
        build: '0.4.0-bbbbbbbb',
        worker: { state: 'alive', pid: process.pid, build: '0.4.0-aaaaaaaa' },
      }),
    ]);
  });

  it('is told by an up that finds it running', async () => {
    const { code, stderr } = await cli(place, ['up'], { build: '0.4.0-bbbbbbbb' });
    expect(stderr).toContain('tasks: the worker that runs is of build 0.4.0-aaaaaaaa');
    expect(code).toBe(0);
  });

  it('is not spoken of by a command of the same build', async () => {
    const options = { build: '0.4.0-aaaaaaaa' };
    expect((await cli(place, ['status'], options)).stdout).not.toContain('build');
    expect((await cli(place, ['up'], options)).stderr).toBe('');
  });

  it('is not spoken of by a command that was not built', async () => {
    expect((await cli(place, ['status'])).stdout).not.toContain('build');
  });
});

describe('a stack that was started by another build', () => {
  it('is told also when its worker was started again since', async () => {
    const place = await placeWith({ supervisor: '0.4.0-aaaaaaaa', worker: '0.4.0-bbbbbbbb' });
    const { stdout } = await cli(place, ['status'], { build: '0.4.0-bbbbbbbb' });
    expect(stdout).toContain('the stack was started by build 0.4.0-aaaaaaaa');
  });

  it('is told of a version that noted no builds', async () => {
    const place = await placeWith({ supervisor: null, worker: null });
    const { stdout } = await cli(place, ['status'], { build: '0.4.0-bbbbbbbb' });
    expect(stdout).toContain('the worker that runs is of an older build');
  });
});
