/** Folders that are looked through some entries at a time. */

import { describe, expect, it } from '@jest/globals';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fewNamesIn, lookThrough, type Listed } from '../../src/files/list.ts';
import { removeFrom } from '../../src/files/remove-from.ts';
import { tempFolder } from '../support/temp.ts';

const ODD = Buffer.from([0x6f, 0xff, 0x64]);

async function folderOf(files: number): Promise<string> {
  const folder = await tempFolder('list');
  for (let at = 0; at < files; at += 1) writeFileSync(join(folder, `file-${at}`), '');
  return folder;
}

async function seenIn(folder: string): Promise<readonly Listed[]> {
  const seen: Listed[] = [];
  await lookThrough(folder, (entry) => {
    seen.push(entry);
    return true;
  });
  return seen;
}

describe('looking through a folder', () => {
  it('tells what each entry is, by the bytes of its name', async () => {
    const folder = await folderOf(1);
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), ODD]), '');
    mkdirSync(join(folder, 'below'));
    symlinkSync('below', join(folder, 'link'));
    const seen = (await seenIn(folder)).map(({ name, kind }) => [name.toString('latin1'), kind] as const);
    expect(new Map(seen)).toEqual(
      new Map<string, string>([
        ['below', 'folder'],
        ['file-0', 'file'],
        ['link', 'link'],
        [ODD.toString('latin1'), 'file'],
      ]),
    );
  });

  it('finds nothing in one that is not there', async () => {
    const folder = await folderOf(0);
    expect(await seenIn(join(folder, 'none'))).toEqual([]);
    expect(fewNamesIn(join(folder, 'none'), 1)).toEqual([]);
  });

  it('ends where no more is wanted', async () => {
    let looked = 0;
    await lookThrough(await folderOf(5), () => (looked += 1) < 2);
    expect(looked).toBe(2);
  });

  it('lets others have their turn in between', async () => {
    let turns = 0;
    const turn = async (): Promise<void> => void (turns += 1);
    await lookThrough(await folderOf(1_000), () => true, { isDue: () => true, turn });
    expect(turns).toBeGreaterThan(10);
  });

  it('names a few, and none where there are more', async () => {
    const folder = await folderOf(3);
    expect(fewNamesIn(folder, 3)).toHaveLength(3);
    expect(fewNamesIn(folder, 2)).toBeNull();
  });
});

describe('removing some of very many entries', () => {
  it('leaves the others', async () => {
    const folder = await folderOf(2_500);
    mkdirSync(join(folder, 'below/further'), { recursive: true });
    await removeFrom(folder, ({ name }) => !/^file-(?:7|2499)$/.test(name.toString()));
    expect(new Set(await readdir(folder))).toEqual(new Set(['file-2499', 'file-7']));
  });
});
