/** One program, and what it prints. */

import { describe, expect, it } from '@jest/globals';
import { collect, type CollectRequest } from '../../src/git/collect.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { onLinux } from '../support/on-linux.ts';

const REQUEST: CollectRequest = {
  program: '/bin/echo',
  args: ['printed'],
  cwd: '/',
  env: {},
  input: '',
  timeoutMs: 10_000,
  maxOutputBytes: 1_000_000,
  ownSession: false,
};

describe('a program that cannot be started', () => {
  onLinux('since no descriptor is free is told as that, and ends nothing else', async () => {
    const giveBack = takeAllDescriptors();
    const ended = await collect(REQUEST).finally(giveBack);
    expect(ended).toMatchObject({ kind: 'missing', text: expect.stringContaining('EMFILE') });
    expect(await collect(REQUEST)).toMatchObject({ kind: 'exited', code: 0 });
  });

  onLinux('since an argument is longer than the system takes is told as that', async () => {
    const ended = await collect({ ...REQUEST, args: ['x'.repeat(1024 * 1024)] });
    expect(ended).toMatchObject({ kind: 'missing', text: expect.stringContaining('E2BIG') });
  });
});

describe('a program that is killed', () => {
  it('has not exited with what git exits with when it answers that something is not there', async () => {
    const ended = await collect({ ...REQUEST, program: '/bin/sh', args: ['-c', 'kill -KILL $$'] });
    expect(ended).toMatchObject({ kind: 'exited', code: 137 });
  });
});
