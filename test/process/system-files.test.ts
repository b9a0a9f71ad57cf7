import { describe, expect, it } from '@jest/globals';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createSystemFiles, type SystemFiles } from '../../src/process/system-files.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

const NAMES = ['passwd', 'default/locale', 'localtime', 'profile.d', 'certs', 'big', 'absent', 'pipe'];

async function machine(): Promise<{ etc: string; parent: string; files: SystemFiles }> {
  const folder = await tempFolder('etc');
  const [etc, parent] = [join(folder, 'etc'), join(folder, 'system')];
  for (const name of ['default', 'profile.d', 'certs', 'zone']) await mkdir(join(etc, name), { recursive: true });
  await writeFile(join(etc, 'passwd'), 'root\n');
  await writeFile(join(etc, 'shadow'), 'secret\n');
  await writeFile(join(etc, 'default/locale'), 'C\n');
  await writeFile(join(etc, 'default/keys'), 'secret\n');
  await writeFile(join(etc, 'zone/UTC'), 'utc\n');
  await symlink('zone/UTC', join(etc, 'localtime'));
  await writeFile(join(etc, 'profile.d/a.sh'), 'a\n');
  await symlink('../zone/UTC', join(etc, 'profile.d/link'));
  for (let count = 0; count < 1_100; count += 1) writeFileSync(join(etc, 'certs', `${count}.pem`), 'x');
  await writeFile(join(etc, 'big'), Buffer.alloc(2 * 1024 * 1024));
  return { etc, parent, files: createSystemFiles(parent, etc, NAMES) };
}

describe('the files of the system that sandboxes see', () => {
  it('are gathered in one folder, those that are named alone; what is large is put in by itself', async () => {
    const { files, parent } = await machine();
    const gathered = files.gather();
    const folder = gathered?.folder ?? '';
    expect(gathered?.others).toEqual(['certs', 'big']);
    expect(readdirSync(folder).toSorted()).toEqual(['big', 'certs', 'default', 'localtime', 'passwd', 'profile.d']);
    expect(readdirSync(join(folder, 'default'))).toEqual(['locale']);
    expect(readdirSync(join(folder, 'certs'))).toEqual([]);
    expect(lstatSync(join(folder, 'big')).size).toBe(0);
    expect(readFileSync(join(folder, 'passwd'), 'utf8')).toBe('root\n');
    // A file where the sandbox may not see what the link leads to; within a folder a link stays one.
    expect(lstatSync(join(folder, 'localtime')).isFile()).toBe(true);
    expect(readlinkSync(join(folder, 'profile.d/link'))).toBe('../zone/UTC');
    files.close();
    expect(readdirSync(parent)).toEqual([]);
  });

  it.each([
    [
      'a file that is changed',
      (etc: string) => writeFileSync(join(etc, 'passwd'), 'root\nada\n'),
      'passwd',
      'root\nada\n',
    ],
    ['what a link leads to', (etc: string) => writeFileSync(join(etc, 'zone/UTC'), 'other\n'), 'localtime', 'other\n'],
    ['a file of a folder', (etc: string) => writeFileSync(join(etc, 'profile.d/b.sh'), 'b\n'), 'profile.d/b.sh', 'b\n'],
    ['one that was not there', (etc: string) => writeFileSync(join(etc, 'absent'), 'new\n'), 'absent', 'new\n'],
  ])('are gathered anew for %s; a folder that is in use stays as it was', async (_what, change, path, text) => {
    const { files, etc } = await machine();
    const first = files.gather()?.folder ?? '';
    expect(files.gather()?.folder).toBe(first);
    const before = existsSync(join(first, path)) ? readFileSync(join(first, path), 'utf8') : null;
    change(etc);
    const next = await eventually('another folder', () => {
      const { folder } = files.gather() ?? { folder: first };
      return folder === first ? null : folder;
    });
    expect(readFileSync(join(next, path), 'utf8')).toBe(text);
    expect(existsSync(join(first, path)) ? readFileSync(join(first, path), 'utf8') : null).toBe(before);
    files.close();
  });

  it('are put in one by one where no folder can be made', async () => {
    const { etc, parent } = await machine();
    await writeFile(parent, 'in the way');
    const files = createSystemFiles(parent, etc, NAMES);
    expect(files.gather()).toBeNull();
    files.close();
    expect(readFileSync(parent, 'utf8')).toBe('in the way');
  });

  it('are gathered once there can be a folder again', async () => {
    const { etc, parent } = await machine();
    await writeFile(parent, 'in the way');
    const files = createSystemFiles(parent, etc, NAMES);
    expect(files.gather()).toBeNull();
    await rm(parent);
    await eventually('a folder', () => files.gather() !== null);
    files.close();
  });

  it('of a worker that is gone are removed, and those of one that lives stay', async () => {
    const { parent, etc } = await machine();
    for (const name of ['999999999-ab', `${process.pid}-cd`, 'something'])
      await mkdir(join(parent, name), { recursive: true });
    createSystemFiles(parent, etc, NAMES).close();
    expect(readdirSync(parent).toSorted()).toEqual([`${process.pid}-cd`, 'something'].toSorted());
  });
});
