/** What folders take of the disk. */

import { describe, expect, it } from '@jest/globals';
import { link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesBelow } from '../../src/files/sizes.ts';
import { tempFolder } from '../support/temp.ts';

const MEBIBYTE = 1024 * 1024;

describe('the bytes below folders', () => {
  it('are those of all files, one with several names counted once, holes and what links lead to not at all', async () => {
    const folder = await tempFolder('bytes');
    await mkdir(join(folder, 'one/deep'), { recursive: true });
    await mkdir(join(folder, 'two'));
    await writeFile(join(folder, 'one/deep/file'), Buffer.alloc(MEBIBYTE, 1));
    await link(join(folder, 'one/deep/file'), join(folder, 'two/same'));
    await writeFile(join(folder, 'one/hole'), '');
    await truncate(join(folder, 'one/hole'), 100 * MEBIBYTE);
    await writeFile(join(folder, 'elsewhere'), Buffer.alloc(2 * MEBIBYTE, 1));
    await symlink(join(folder, 'elsewhere'), join(folder, 'two/link'));
    const bytes = await bytesBelow([join(folder, 'one'), join(folder, 'two')]);
    expect(bytes).toBeGreaterThanOrEqual(MEBIBYTE);
    expect(bytes).toBeLessThan(MEBIBYTE + 256 * 1024);
  });

  it('are none of what is not there', async () => {
    expect(await bytesBelow([join(await tempFolder('bytes'), 'none')])).toBe(0);
  });

  it('are looked at no further than to where there are more than enough', async () => {
    const folder = await tempFolder('bytes');
    let deep = folder;
    for (const name of ['one', 'two', 'three']) {
      deep = join(deep, name);
      await mkdir(deep);
      await writeFile(join(deep, 'file'), Buffer.alloc(MEBIBYTE, 1));
    }
    const bytes = await bytesBelow([folder], { enough: MEBIBYTE });
    expect(bytes).toBeGreaterThan(MEBIBYTE);
    expect(bytes).toBeLessThan(3 * MEBIBYTE);
    expect(await bytesBelow([folder], { signal: AbortSignal.abort() })).toBeLessThan(MEBIBYTE);
  });
});
