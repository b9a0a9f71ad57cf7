import { expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reopen, reopenAll } from '../../src/files/closed.ts';
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

it('opens all that is closed below a folder, and follows no link', async () => {
  const root = await tempFolder();
  const [folder, elsewhere] = [join(root, 'folder'), join(root, 'elsewhere')];
  for (const path of [join(folder, 'a/b'), join(folder, 'ro'), elsewhere]) mkdirSync(path, { recursive: true });
  for (const [path, mode] of [
    [join(folder, 'a/b/closed'), 0o000],
    [join(folder, 'ro/readable'), 0o444],
    [join(elsewhere, 'file'), 0o000],
  ] as const) {
    writeFileSync(path, '');
    chmodSync(path, mode);
  }
  symlinkSync(elsewhere, join(folder, 'link'));
  symlinkSync(join(elsewhere, 'file'), join(folder, 'link-to-file'));
  chmodSync(elsewhere, 0o500);
  chmodSync(join(folder, 'ro'), 0o555);
  for (const path of ['a/b', 'a', '.']) chmodSync(join(folder, path), 0o000);

  await reopenAll(folder);
  expect(['.', 'a', 'a/b', 'a/b/closed', 'ro', 'ro/readable'].map((path) => modeOf(join(folder, path)))).toEqual([
    0o700, 0o700, 0o700, 0o600, 0o755, 0o444,
  ]);
  expect(modeOf(elsewhere)).toBe(0o500);
  chmodSync(elsewhere, 0o700);
  expect(modeOf(join(elsewhere, 'file'))).toBe(0o000);
});

it('opens nothing where there is nothing, or where a link is in the place of the folder', async () => {
  const root = await tempFolder();
  const [elsewhere, link] = [join(root, 'elsewhere'), join(root, 'link')];
  mkdirSync(elsewhere);
  chmodSync(elsewhere, 0o500);
  symlinkSync(elsewhere, link);
  for (const path of [link, join(root, 'missing')]) await reopenAll(path);
  expect(modeOf(elsewhere)).toBe(0o500);
  chmodSync(elsewhere, 0o700);
});
