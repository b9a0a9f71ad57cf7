/** What removals that were cut off have left aside; as root, who is kept from nothing, under another account. */

import { afterEach, expect, it, jest } from '@jest/globals';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { listTrash, sweepTrash } from '../../src/files/trash.ts';
import { tempFolder } from '../support/temp.ts';

const NOBODY = 65_534;
const HOUR_MS = 60 * 60_000;
const isRoot = process.getuid?.() === 0;
afterEach(() => {
  if (isRoot) process.seteuid?.(0);
  jest.restoreAllMocks();
});

function laterBy(ms: number): void {
  const now = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(now + ms);
}

it('is swept when it is older than an hour: whoever removes it is gone', async () => {
  const trash = await tempFolder('trash');
  for (const name of ['b', 'a']) mkdirSync(join(trash, name, 'deep'), { recursive: true });
  await sweepTrash(trash);
  expect(readdirSync(trash).toSorted()).toEqual(['a', 'b']);
  laterBy(HOUR_MS + 1_000);
  expect(await listTrash(trash)).toEqual([join(trash, 'a'), join(trash, 'b')]);
  await sweepTrash(trash);
  expect(readdirSync(trash)).toEqual([]);
  await sweepTrash(join(trash, 'nowhere'));
});

(isRoot ? it : it.skip)(
  `is swept beside what cannot be removed${isRoot ? '' : ' (skipped: nothing is somebody else’s)'}`,
  async () => {
    const trash = await tempFolder('trash');
    for (const name of ['a', 'b', 'c']) mkdirSync(join(trash, name, 'deep'), { recursive: true });
    for (const path of [trash, ...['a', 'a/deep', 'c', 'c/deep'].map((name) => join(trash, name))])
      chownSync(path, NOBODY, NOBODY);
    laterBy(HOUR_MS + 1_000);
    process.seteuid?.(NOBODY);
    await sweepTrash(trash);
    expect(readdirSync(trash)).toEqual(['b']);
    expect(existsSync(join(trash, 'b/deep'))).toBe(true);
  },
);
