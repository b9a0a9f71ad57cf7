/** Whose folder of a spool it is. */

import { describe, expect, it } from '@jest/globals';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { listSpool, removeEmptySpool, takeSpoolFolder } from '../../src/ledger/spool-folder.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { onLinux } from '../support/on-linux.ts';
import { tempFolder } from '../support/temp.ts';
import { startUncollected } from '../support/uncollected.ts';

describe('a folder of the spool', () => {
  it('belongs to the process that has taken it', async () => {
    const spool = await tempFolder('spool');
    const taken = await takeSpoolFolder(spool);
    expect(await listSpool(spool)).toEqual([{ name: expect.any(String), pid: process.pid, files: 0 }]);
    await taken.release();
    expect(await listSpool(spool)).toEqual([]);
  });

  onLinux('is for the next one to take when its process has ended, though nobody has collected that', async () => {
    const spool = await tempFolder('spool');
    const parent = await startUncollected();
    try {
      const name = `${parent.child.replace(' ', '-')}-00000000`;
      await mkdir(join(spool, name));
      expect(await listSpool(spool)).toEqual([{ name, pid: null, files: 0 }]);
    } finally {
      parent.end();
    }
  });

  onLinux("stays its living process's while no descriptor is free to look for that", async () => {
    const spool = await tempFolder('spool');
    const taken = await takeSpoolFolder(spool);
    const giveBack = takeAllDescriptors();
    try {
      expect(await removeEmptySpool(spool, basename(taken.path))).toBe(false);
    } finally {
      giveBack();
    }
    expect(await readdir(spool)).toEqual([basename(taken.path)]);
  });
});
