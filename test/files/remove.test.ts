/** Removing what its owner has closed to itself; as root, who is kept from nothing, under another account. */

import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { removeTree, removeWhole } from '../../src/files/remove.ts';
import { tempFolder } from '../support/temp.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let folder: string;
beforeEach(async () => {
  folder = await tempFolder();
  if (!isRoot) return;
  chownSync(folder, NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
});
afterEach(() => {
  if (isRoot) process.seteuid?.(0);
});

function closed(): string {
  const path = join(folder, 'closed');
  mkdirSync(join(path, 'cache/deep'), { recursive: true });
  writeFileSync(join(path, 'cache/deep/file'), 'x');
  chmodSync(join(path, 'cache/deep'), 0o000);
  chmodSync(join(path, 'cache'), 0o555);
  chmodSync(path, 0o555);
  return path;
}

it('removes read-only folders, and such that nobody may enter', async () => {
  const path = closed();
  await removeWhole(path);
  expect(existsSync(path)).toBe(false);
});

it('takes such a folder out of its place, and leaves nothing of it', async () => {
  const path = closed();
  await removeTree(path, join(folder, 'trash'));
  expect(existsSync(path)).toBe(false);
});

it('removes folders so deep that no path can name the last one', async () => {
  // The program that does it is started by the account that the process really has.
  if (isRoot) process.seteuid?.(0);
  const half = Array.from({ length: 14 }, () => '0'.repeat(200)).join('/');
  const [upper, lower] = [join(folder, 'upper'), join(folder, 'lower')];
  for (const each of [upper, lower]) mkdirSync(join(each, half), { recursive: true });
  writeFileSync(join(lower, half, 'file'), 'x');
  renameSync(lower, join(upper, half, 'lower'));
  await removeTree(upper, join(folder, 'trash'));
  expect(readdirSync(join(folder, 'trash'))).toEqual([]);
});

it('removes folders that deep whose name is no UTF-8', async () => {
  if (isRoot) process.seteuid?.(0);
  const name = Buffer.concat([Buffer.from(`${folder}/odd-`), Buffer.of(0xff)]);
  const half = Array.from({ length: 14 }, () => '0'.repeat(200)).join('/');
  const lower = join(folder, 'lower');
  for (const each of [join(folder, 'upper'), lower]) mkdirSync(join(each, half), { recursive: true });
  renameSync(lower, join(folder, 'upper', half, 'lower'));
  renameSync(join(folder, 'upper'), name);
  await removeWhole(name);
  expect(readdirSync(folder)).toEqual([]);
});

it('removes more than a few entries', async () => {
  const path = join(folder, 'many');
  for (let number = 0; number < 30; number += 1) {
    mkdirSync(join(path, `${number}`, 'deep'), { recursive: true });
    for (let file = 0; file < 10; file += 1) writeFileSync(join(path, `${number}`, 'deep', `${file}`), 'x');
  }
  await removeWhole(path);
  expect(readdirSync(folder)).toEqual([]);
});

it('removes very many files of one folder, while others have their turn', async () => {
  const path = join(folder, 'many');
  mkdirSync(path);
  for (let file = 0; file < 60_000; file += 1) writeFileSync(join(path, `${file}`), '');
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  await removeWhole(path);
  delay.disable();
  expect(readdirSync(folder)).toEqual([]);
  expect(delay.max / 1e6).toBeLessThan(500);
});

it('removes a link, and nothing that it leads to', async () => {
  const kept = join(folder, 'kept');
  mkdirSync(kept);
  writeFileSync(join(kept, 'file'), 'x');
  const path = join(folder, 'tree');
  mkdirSync(path);
  symlinkSync(kept, join(path, 'within'));
  symlinkSync(kept, join(folder, 'itself'));
  await removeWhole(path);
  await removeWhole(join(folder, 'itself'));
  expect(readdirSync(folder)).toEqual(['kept']);
  expect(readdirSync(kept)).toEqual(['file']);
});

it('opens nothing behind a link', async () => {
  const kept = join(folder, 'kept');
  mkdirSync(kept, { mode: 0o500 });
  const path = join(folder, 'closed');
  mkdirSync(path);
  symlinkSync(kept, join(path, 'link'));
  chmodSync(path, 0o500);
  await removeWhole(path);
  expect(existsSync(path)).toBe(false);
  expect(() => writeFileSync(join(kept, 'new'), '')).toThrow('EACCES');
});

const other = '/dev/shm';
const hasOther = existsSync(other) && statSync(other).dev !== statSync(tmpdir()).dev;
(hasOther ? it : it.skip)(
  `removes what lies on another disk${hasOther ? '' : ' (skipped: there is one alone)'}`,
  async () => {
    if (isRoot) process.seteuid?.(0);
    const place = mkdtempSync(join(other, 'tributary-test-'));
    try {
      mkdirSync(join(place, 'folder/deep'), { recursive: true });
      await removeTree(join(place, 'folder'), join(folder, 'trash'));
      expect(readdirSync(place)).toEqual([]);
    } finally {
      rmSync(place, { recursive: true });
    }
  },
);
