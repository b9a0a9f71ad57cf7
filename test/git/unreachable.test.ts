/** What is told of an origin that cannot be reached: git's reason, not the advice that it gives whatever the reason is. */

import { describe, expect, it } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { probeOrigin } from '../../src/git/room.ts';
import { branch, project } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

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
});
