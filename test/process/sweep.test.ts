/** What is left of a process tree, on a host where it cannot always be looked for. */

import { describe, expect } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readStat } from '../../src/process/proc.ts';
import { findOne, killUntilGone } from '../../src/process/sweep.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { onLinux } from '../support/on-linux.ts';

describe('a process tree', () => {
  onLinux('is not said to be gone while no descriptor is free to look for it', async () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const pid = child.pid ?? 0;
    const { startTime = '' } = readStat(pid) ?? {};
    const giveBack = takeAllDescriptors();
    let looks = 0;
    const killed = await killUntilGone('sleep', (look) => {
      looks += 1;
      if (looks === 3) giveBack();
      return findOne(pid, startTime, look);
    });
    expect(killed).toBe(1);
    expect(await ended).toEqual([null, 'SIGKILL']);
  });
});
