/** What `tasks doctor` says of a state home that any account of the machine may write to. */

import { describe, expect, it } from '@jest/globals';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkOpenHome } from '../../src/cli/doctor/open-home.ts';
import { Session } from '../../src/cli/session.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, cliIo } from './rig.ts';

interface Place {
  readonly above: string;
  readonly home: string;
  readonly check: () => ReturnType<typeof checkOpenHome>;
}

/** A home of mode 0755 in a folder of its own, with a landing folder. */
async function place(): Promise<Place> {
  const above = await tempFolder('above');
  const home = join(above, 'home');
  await mkdir(join(home, 'landing'), { recursive: true });
  for (const folder of [above, home, join(home, 'landing')]) await chmod(folder, 0o755);
  const env = cliEnvironment(above, { TASKS_HOME: home });
  return { above, home, check: () => checkOpenHome(new Session(cliIo({ cwd: above, env }), false)) };
}

const open = (folder: string) => `any account of this machine may write to ${folder}: `;

describe('a state home', () => {
  it('that only its owner may write to is nothing to say anything of, nor is one that is not there', async () => {
    const { above, home, check } = await place();
    expect(await check()).toEqual([]);
    await chmod(above, 0o1777);
    expect(await check()).toEqual([]);
    await chmod(home, 0o700);
    await chmod(join(home, 'landing'), 0o777);
    expect(await check()).toEqual([]);
    const env = cliEnvironment(above, { TASKS_HOME: join(above, 'none') });
    expect(await checkOpenHome(new Session(cliIo({ cwd: above, env }), false))).toEqual([]);
  });

  it.each([
    ['all', 0o777],
    ["all but what is somebody else's", 0o1777],
  ])('in which anybody may change %s is to be closed', async (_what, mode) => {
    const { above, home } = await place();
    await chmod(home, mode);
    const run = await cli({ cwd: above, env: cliEnvironment(above, { TASKS_HOME: home }) }, ['doctor', '--json']);
    const [report] = run.json<{ checks: readonly { readonly name: string }[] }>();
    expect(report?.checks.find(({ name }) => name === 'state home')).toEqual({
      name: 'state home',
      verdict: 'warn',
      found: `${open(home)}it could say what runs here, and what lands`,
      fix: `chmod -R o-w ${home}, and say umask 022 before tasks up`,
    });
  });

  it('in which a worker has made what anybody may write, by its umask, is to be closed', async () => {
    const { home, check } = await place();
    await chmod(join(home, 'landing'), 0o777);
    expect(await check()).toMatchObject([{ verdict: 'warn', found: expect.stringContaining(open(home)) }]);
  });

  it('in whose place any account may put another one is told of by the folder above', async () => {
    const { above, check } = await place();
    await chmod(above, 0o777);
    expect(await check()).toMatchObject([
      {
        verdict: 'warn',
        found: expect.stringContaining(open(above)),
        fix: expect.stringContaining(`chmod o-w ${above},`),
      },
    ]);
  });
});
