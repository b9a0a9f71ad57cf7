import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

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
    const split = `head -c ${64 * MIB} /dev/zero | split -a 4 -b ${(64 * MIB) / FILES} - '${many}/'`;
    await promisify(execFile)('sh', ['-c', split]);
    const keeper = createDiskKeeper(0);
    const ended = await new Promise<string>((resolve) => {
      for (const path of [many, large]) keeper.add({ folders: [path], end: () => resolve(path) });
      keeper.isShort();
    });
    expect(ended).toBe(large);
  });
});
