/** The keys that the session of a worker has in the kernel. */

import { expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRig, STARTER } from './rig.ts';

const PERL = '/usr/bin/perl';
/** KEYCTL_GET_KEYRING_ID of the session's. */
const ID = `print syscall(${process.arch === 'arm64' ? 219 : 250}, 0, -3, 0), "\n"`;

const ours = existsSync(PERL) ? spawnSync(PERL, ['-e', ID], { encoding: 'utf8' }).stdout.trim() : '';

/** Most containers allow nobody to ask. */
(/^\d+$/.test(ours) ? it : it.skip)('are not there for what it starts, which has a keyring of its own', async () => {
  const rig = await createRig(null, STARTER);
  try {
    const { tail } = await rig.room.run(rig.request([PERL, '-e', ID]));
    expect(tail).toMatch(/^\d+\n$/);
    expect(tail.trim()).not.toBe(ours);
  } finally {
    await rig.room.close();
  }
});
