/** What folders take of the disk. */

import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeWhole } from '../../src/files/remove.ts';
import { bytesBelow } from '../../src/files/sizes.ts';
import { onLinux } from '../support/on-linux.ts';
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

  onLinux('are also those below names that are no UTF-8', async () => {
    const folder = await tempFolder('bytes');
    const below = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]);
    await mkdir(below);
    await writeFile(Buffer.concat([below, Buffer.from('/file')]), Buffer.alloc(MEBIBYTE, 1));
    expect(await bytesBelow([folder])).toBeGreaterThanOrEqual(MEBIBYTE);
  });

  onLinux.each([
    ['are also those that lie so deep that no path leads there', 60, [MEBIBYTE, 2 * MEBIBYTE]],
    ['are more than there can be where folders go down without end', 1_200, [Infinity, Infinity]],
  ] as const)('%s', async (_what, levels, [least, most]) => {
    const folder = await tempFolder('bytes');
    const script = `const fs = require('fs');
      for (let at = 0; at < ${levels}; at += 1) { fs.mkdirSync('d'.repeat(200)); process.chdir('d'.repeat(200)); }
      fs.writeFileSync('file', Buffer.alloc(${MEBIBYTE}, 1));`;
    try {
      execFileSync(process.execPath, ['-e', script], { cwd: folder });
      const bytes = await bytesBelow([folder]);
      expect(bytes).toBeGreaterThanOrEqual(least);
      expect(bytes).toBeLessThanOrEqual(most);
    } finally {
      await removeWhole(folder);
    }
  });
});
