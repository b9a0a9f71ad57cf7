import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { openStarter, type Starter, type StartOrder } from '../../src/process/starter.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { onLinux } from '../support/on-linux.ts';
import { tempFolder } from '../support/temp.ts';
import { STARTER } from './rig.ts';

const AT_ONCE_MS = 0;
const MUCH_LATER_MS = 3_600_000;
const ORDER: Omit<StartOrder, 'id'> = {
  argv: [process.execPath, '--version'],
  cwd: '/',
  env: {},
  pipes: [],
  guard: null,
  doors: null,
};

describe('the process that starts trees', () => {
  let program: string;
  const opened: Starter[] = [];
  beforeEach(async () => {
    program = join(await tempFolder('starter'), 'starter.js');
  });
  afterEach(async () => {
    for (const starter of opened.splice(0)) await starter.close();
  });

  const open = (againMs: number): Starter => {
    const starter = openStarter(program, () => undefined, againMs);
    opened.push(starter);
    return starter;
  };
  it('is done without when it cannot run, and tried again after a while', async () => {
    const starter = open(AT_ONCE_MS);
    expect(await starter.start(ORDER)).toBeNull();
    await symlink(STARTER, program);
    const started = await starter.start(ORDER);
    expect(await started?.ended).toMatchObject({ code: 0, signal: null });
  });

  it('is not tried again at each start', async () => {
    const starter = open(MUCH_LATER_MS);
    expect(await starter.start(ORDER)).toBeNull();
    await symlink(STARTER, program);
    expect(await starter.start(ORDER)).toBeNull();
  });

  onLinux('is done without while no descriptor is free for it', async () => {
    await symlink(STARTER, program);
    const starter = open(AT_ONCE_MS);
    const giveBack = takeAllDescriptors();
    try {
      expect(await starter.start(ORDER)).toBeNull();
    } finally {
      giveBack();
    }
    const started = await starter.start(ORDER);
    expect(await started?.ended).toMatchObject({ code: 0, signal: null });
  });
});
