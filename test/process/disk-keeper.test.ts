import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createDiskKeeper } from '../../src/process/disk-keeper.ts';
import { tempFolder } from '../support/temp.ts';

const MIB = 1024 * 1024;
const FILES = 4_096;

describe('what keeps some of the disk free', () => {
  it('ends the one that it knows to have the most, when another has more files than it can count in time', async () => {
    const folder = await tempFolder('writers');
    const many = join(folder, 'many');
    const large = join(folder, 'large');
    await mkdir(many);
    await writeFile(large, Buffer.alloc(40 * MIB, 1));
    const content = Buffer.alloc((64 * MIB) / FILES, 1);
    for (let file = 0; file < FILES; file += 1) await writeFile(join(many, String(file)), content);
    const keeper = createDiskKeeper(0);
    const ended = await new Promise<string>((resolve) => {
      for (const path of [many, large]) keeper.add({ folders: [path], end: () => resolve(path) });
      keeper.isShort();
    });
    expect(ended).toBe(large);
  });
});
