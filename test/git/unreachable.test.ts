/** What is told of an origin that cannot be reached: git's reason, not the advice that it gives whatever the reason is. */

import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { probeOrigin } from '../../src/git/room.ts';
import { branch, project } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const isRoot = process.getuid?.() === 0;

describe('an origin that cannot be reached', () => {
  it('is told with the folder that is gone', async () => {
    const home = await tempFolder('home');
    const origin = join(home, 'gone.git');
    const { fetch } = await probeOrigin({ project, branch, origin }, { home, processHome: home });
    expect(fetch).toEqual({
      kind: 'failed',
      why: 'absent',
      message: `fatal: '${origin}' does not appear to be a git repository; fatal: Could not read from remote repository.`,
    });
  });

  it('is told with what ssh says', async () => {
    const home = await tempFolder('home');
    const ssh = join(home, 'ssh');
    await writeFile(ssh, '#!/bin/sh\necho "git@example.com: Permission denied (publickey)." >&2\nexit 255\n');
    await chmod(ssh, 0o755);
    const personal = { env: { PATH: process.env['PATH'] ?? '', GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'ssh' } };
    const target = { project, branch, origin: 'git@example.com:team/shop.git' };
    const { fetch } = await probeOrigin(target, { home, processHome: home, personal });
    expect(fetch).toEqual({
      kind: 'failed',
      why: 'refused',
      message: 'git@example.com: Permission denied (publickey).; fatal: Could not read from remote repository.',
    });
  });

  (isRoot ? it : it.skip)(
    'and belongs to somebody else is told with the command that has git trust it, which does',
    async () => {
      const home = await tempFolder('home');
      const origin = join(home, "ada's checkout");
      const git = promisify(execFile);
      await git('git', ['init', '--quiet', origin]);
      await git('chown', ['-R', '65534', origin]);
      const env = { PATH: process.env['PATH'] ?? '', HOME: home, GIT_CONFIG_NOSYSTEM: '1' };
      const target = { project, branch, origin };
      const { fetch, push } = await probeOrigin(target, { home, processHome: home, personal: { env } });
      for (const probed of [fetch, push]) {
        expect(probed).toMatchObject({
          message: `git does not trust "${origin}", which belongs to somebody else`,
          next: expect.stringMatching(
            /^if you do: git config --global --add safe.directory .*, then restart the worker$/,
          ),
        });
      }
      const next = 'next' in fetch ? (fetch.next ?? '') : '';
      await git('/bin/sh', ['-c', next.replace(/^if you do: (.*), then restart the worker$/, '$1')], { env });
      const trusted = await probeOrigin(target, { home, processHome: home, personal: { env } });
      expect(trusted).toMatchObject({ fetch: { kind: 'ok' }, push: { kind: 'ok' } });
    },
  );
});
