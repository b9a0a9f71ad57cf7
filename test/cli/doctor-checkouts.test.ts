/** What `tasks doctor` says of the checkouts that host.yaml names. */

import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkCheckouts } from '../../src/cli/doctor/checkouts.ts';
import { Session } from '../../src/cli/session.ts';
import { git } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

/** The checks of a machine with this host.yaml. */
async function checked(hostFile: (folder: string) => string, folder: string) {
  await mkdir(join(folder, 'state'));
  await writeFile(join(folder, 'state/host.yaml'), hostFile(folder));
  const session = new Session(cliIo({ cwd: folder, env: cliEnvironment(folder) }), false);
  return checkCheckouts(session);
}

describe('the checkouts of host.yaml', () => {
  it('are nothing to say anything of where there are none', async () => {
    expect(await checked(() => '', await tempFolder('machine'))).toEqual([]);
  });

  it('are right where they are the top of one, with a .worktreeinclude or without', async () => {
    const folder = await tempFolder('machine');
    for (const name of ['shop', 'site']) await git(folder, 'init', '-q', join(folder, name));
    await writeFile(join(folder, 'shop/.worktreeinclude'), '.env\n');
    const checks = await checked((at) => `checkouts: {shop: ${at}/shop, site: ${at}/site}\n`, folder);
    expect(checks).toMatchObject([
      { name: 'checkouts.shop', verdict: 'ok', found: expect.stringContaining('.worktreeinclude') },
      { name: 'checkouts.site', verdict: 'ok', found: expect.stringContaining('nothing is copied') },
    ]);
  });

  it('are told of with the fix where they are not there, no folder, or no checkout', async () => {
    const folder = await tempFolder('machine');
    await mkdir(join(folder, 'plain'));
    await writeFile(join(folder, 'file'), '');
    const checks = await checked(
      (at) => `checkouts: {gone: ${at}/gone, plain: ${at}/plain, file: ${at}/file}\n`,
      folder,
    );
    expect(checks.map(({ verdict }) => verdict)).toEqual(['warn', 'warn', 'warn']);
    expect(checks.map(({ found }) => found)).toEqual([
      `${folder}/gone is not there`,
      `${folder}/plain is no checkout: it has no .git`,
      `${folder}/file is no folder`,
    ]);
    for (const { fix } of checks) expect(fix).toContain('checkouts:');
  });

  it('leave a host.yaml that is wrong to the check of that', async () => {
    const folder = await tempFolder('machine');
    expect(await checked(() => 'checkouts: 7\n', folder)).toEqual([]);
  });
});
