/** The FIFOs that processes print into. */

import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPipePool, type OutputPipe } from '../../src/process/pipes.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { tempFolder } from '../support/temp.ts';

function close(pipe: OutputPipe | null): void {
  pipe?.reader.destroy();
  pipe?.release();
}

(process.platform === 'linux' ? it : it.skip)('are there again after one could not be made', async () => {
  const folder = join(await tempFolder('pipes'), 'processes');
  const pool = createPipePool(folder);
  const first = await pool.take();
  expect(first).not.toBeNull();
  await rm(folder, { recursive: true });
  await writeFile(folder, 'in the way');
  expect(await pool.take()).toBeNull();
  await rm(folder);
  const again = await pool.take();
  expect(again).not.toBeNull();
  for (const pipe of [first, again]) close(pipe);
});

(process.platform === 'linux' ? it : it.skip)('are done without for good where none has ever been made', async () => {
  const folder = join(await tempFolder('pipes'), 'processes');
  const pool = createPipePool(folder);
  await writeFile(folder, 'in the way');
  expect(await pool.take()).toBeNull();
  await rm(folder);
  expect(await pool.take()).toBeNull();
});

(process.platform === 'linux' ? it : it.skip)(
  'are done without while no descriptor is free, a used one too',
  async () => {
    const pool = createPipePool(join(await tempFolder('pipes'), 'processes'));
    const used = await pool.take();
    used?.reader.resume();
    used?.closeWriter();
    if (used !== null) await once(used.reader, 'close');
    used?.release();
    const giveBack = takeAllDescriptors();
    try {
      expect(await pool.take()).toBeNull();
    } finally {
      giveBack();
    }
    const again = await pool.take();
    expect(again).not.toBeNull();
    close(again);
  },
);
