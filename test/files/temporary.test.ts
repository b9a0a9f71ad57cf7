import { afterEach, expect, it } from '@jest/globals';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeTemporary } from '../../src/files/temporary.ts';
import { tempFolder } from '../support/temp.ts';

const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

const makeIn = (wanted: string): string => {
  const folder = makeTemporary('tributary-temporary-', wanted);
  made.push(folder);
  return folder;
};

it('lies where TMPDIR says, each with a name of its own', async () => {
  const folder = await tempFolder();
  const [one, other] = [makeIn(folder), makeIn(folder)];
  expect([dirname(one), dirname(other)]).toEqual([folder, folder]);
  expect(basename(one)).toMatch(/^tributary-temporary-/);
  expect(one).not.toBe(other);
});

it('lies in /tmp where TMPDIR names a folder that has gone, or what is none', async () => {
  const folder = await tempFolder();
  writeFileSync(join(folder, 'file'), '');
  for (const name of ['gone', 'file']) {
    const made = makeIn(join(folder, name));
    expect(dirname(made)).toBe('/tmp');
    expect(existsSync(made)).toBe(true);
  }
});
