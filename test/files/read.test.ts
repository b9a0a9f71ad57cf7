/** Looks at what an agent may have left. */

import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lookInto, readRegular } from '../../src/files/read.ts';
import { tempFolder } from '../support/temp.ts';

const read = (path: string) => lookInto(path, (file, { size }) => `${size} ${readFileSync(file, 'utf8')}`);

const openFiles = (): number => readdirSync('/dev/fd').length;
const fail = (): never => {
  throw new Error('of the look');
};

describe('a look into a file', () => {
  it('is had of a regular one alone', async () => {
    const folder = await tempFolder('look');
    const at = (name: string): string => join(folder, name);
    await writeFile(at('file'), 'text');
    await symlink(at('file'), at('link'));
    await mkdir(at('folder'));
    execFileSync('mkfifo', [at('pipe')]);
    expect(read(at('file'))).toEqual({ kind: 'looked', value: '4 text' });
    expect(read(at('link'))).toEqual({ kind: 'link' });
    for (const other of [at('folder'), at('pipe'), '/dev/null']) expect(read(other)).toEqual({ kind: 'irregular' });
    expect(() => read(at('absent'))).toThrow('ENOENT');
    expect(() => read(at('file/below'))).toThrow('ENOTDIR');
    for (const none of ['link', 'folder', 'pipe', 'absent', 'file/below'])
      expect(await readRegular(at(none), 10)).toBeNull();
  });

  it('leaves no descriptor open, whatever comes of it', async () => {
    const file = join(await tempFolder('look'), 'file');
    await writeFile(file, 'text');
    const before = openFiles();
    for (let count = 0; count < 20; count += 1) {
      read(file);
      read('/dev/null');
      expect(() => lookInto(file, fail)).toThrow('of the look');
    }
    expect(openFiles()).toBeLessThan(before + 10);
  });
});
