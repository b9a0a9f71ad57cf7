/** Which process a number stands for. */

import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isAlive, startOf } from '../../src/files/living.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { onLinux } from '../support/on-linux.ts';
import { startUncollected } from '../support/uncollected.ts';

const DAEMON = 1;
const NOBODY = 65_534;
const own = startOf(process.pid) ?? '';

describe('a process', () => {
  onLinux('is told by its number and by when it began', () => {
    expect(isAlive(process.pid, own)).toBe(true);
    expect(isAlive(process.pid, `${own}0`)).toBe(false);
  });

  it('is told by its number alone where its beginning is not known', () => {
    for (const start of ['', '0']) expect(isAlive(process.pid, start)).toBe(true);
  });

  it('does not live once it is gone', async () => {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    const pid = child.pid ?? 0;
    expect(isAlive(pid, '')).toBe(true);
    child.stdin.end();
    await once(child, 'exit');
    expect(isAlive(pid, '')).toBe(false);
    expect(startOf(pid)).toBeNull();
  });

  it('is none that has no such number', () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 999_999_999]) expect(isAlive(pid, '')).toBe(false);
  });

  onLinux('does not live once it has ended, though nobody has collected it', async () => {
    const parent = await startUncollected();
    try {
      const [pid = '', start = ''] = parent.child.split(' ');
      expect(isAlive(Number(pid), start)).toBe(false);
      expect(isAlive(Number(pid), '')).toBe(false);
      expect(startOf(Number(pid))).toBeNull();
    } finally {
      parent.end();
    }
  });

  onLinux('lives while no descriptor is free to look', () => {
    const giveBack = takeAllDescriptors();
    try {
      expect(isAlive(process.pid, own)).toBe(true);
    } finally {
      giveBack();
    }
  });

  onLinux('of another account is another one than that which had its number before', async () => {
    const isRoot = process.getuid?.() === 0;
    const other = isRoot ? spawn('cat', { uid: DAEMON, stdio: ['pipe', 'ignore', 'ignore'] }) : null;
    const pid = other?.pid ?? 1;
    const start = startOf(pid) ?? '';
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      expect(() => process.kill(pid, 0)).toThrow('EPERM');
      expect(isAlive(pid, start)).toBe(true);
      expect(isAlive(pid, `${start}1`)).toBe(false);
    } finally {
      if (isRoot) process.seteuid?.(0);
      other?.kill();
    }
  });
});
