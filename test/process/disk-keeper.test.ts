import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { bytesBelow } from '../../src/files/sizes.ts';
import { createDiskKeeper } from '../../src/process/disk-keeper.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

const MIB = 1024 * 1024;
const FILES = 4_096;

/** One that has written so much; how often it was ended. */
const writer = async (bytes: number) => {
  const folder = await tempFolder('writer');
  await writeFile(join(folder, 'file'), Buffer.alloc(bytes, 1));
  const ends: number[] = [];
  return { ends, folders: [folder], end: (had: number): void => void ends.push(had) };
};
const counted = async (folders: readonly string[]): Promise<void> => {
  for (let time = 0; time < 5; time += 1) await bytesBelow(folders);
};

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

  it('ends none that has hardly written: others have filled the disk', async () => {
    const one = await writer(16 * MIB);
    const keeper = createDiskKeeper();
    keeper.add(one);
    keeper.isShort();
    await counted(one.folders);
    expect(one.ends).toEqual([]);
  });

  it('ends no other before the room that one had can be free again', async () => {
    const [large, other] = [await writer(40 * MIB), await writer(36 * MIB)];
    const keeper = createDiskKeeper();
    const leave = keeper.add(large);
    keeper.add(other);
    keeper.isShort();
    await eventually('the one to be ended', () => large.ends.length > 0);
    leave();
    keeper.isShort();
    await counted(other.folders);
    expect(other.ends).toEqual([]);
    expect(large.ends).toEqual([expect.any(Number)]);
  });
});
