import { expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reopen } from '../../src/files/closed.ts';
import { tempFolder } from '../support/temp.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

it('opens a folder to its owner, and changes nothing else of it', async () => {
  const folder = join(await tempFolder(), 'folder');
  mkdirSync(folder);
  for (const [closed, opened] of [
    [0o000, 0o700],
    [0o555, 0o755],
    [0o750, 0o750],
  ] as const) {
    chmodSync(folder, closed);
    reopen(folder);
    expect(modeOf(folder)).toBe(opened);
  }
});

it('leaves alone what is no folder, what a link leads to, and what is not there', async () => {
  const folder = await tempFolder();
  const [file, elsewhere, link] = [join(folder, 'file'), join(folder, 'elsewhere'), join(folder, 'link')];
  writeFileSync(file, '', { mode: 0o400 });
  mkdirSync(elsewhere);
  chmodSync(elsewhere, 0o500);
  symlinkSync(elsewhere, link);
  for (const path of [file, link, join(folder, 'missing')]) reopen(path);
  expect([modeOf(file), modeOf(elsewhere)]).toEqual([0o400, 0o500]);
  chmodSync(elsewhere, 0o700);
});
