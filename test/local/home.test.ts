import { afterEach, describe, expect, it } from '@jest/globals';
import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HomeError, homeError, linkError, openHome } from '../../src/local/home.ts';
import { tempFolder } from '../support/temp.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
afterEach(() => {
  if (isRoot) process.seteuid?.(0);
});

describe('a state home', () => {
  it('is made with all that is missing above it, closed to others', async () => {
    const home = join(await tempFolder('home'), 'a', 'b', 'c');
    await openHome(home);
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    await openHome(home);
    expect((await stat(join(home, 'logs'))).isDirectory()).toBe(true);
  });

  it('may be made by several at once', async () => {
    const home = join(await tempFolder('home'), 'a', 'b');
    const opened = await Promise.all(Array.from({ length: 8 }, () => openHome(home)));
    expect(new Set(opened.map((paths) => paths.home)).size).toBe(1);
  });

  it('keeps the mode of a folder with things in it', async () => {
    const home = join(await tempFolder('home'), 'shared');
    await mkdir(home, { mode: 0o755 });
    await writeFile(join(home, 'x'), 'x');
    await openHome(home);
    expect((await stat(home)).mode & 0o777).toBe(0o755);
  });

  (isRoot ? it : it.skip)(
    `may be the empty top of a volume that is somebody else’s${isRoot ? '' : ' (skipped: nothing is)'}`,
    async () => {
      const volume = await tempFolder('volume');
      await chown(volume, 0, NOBODY);
      await chmod(volume, 0o2777);
      process.seteuid?.(NOBODY);
      await openHome(volume);
      expect((await stat(join(volume, 'logs'))).mode & 0o777).toBe(0o700);
      expect((await stat(volume)).mode & 0o7777).toBe(0o2777);
    },
  );

  it('that cannot be is refused, and not tried for ever', async () => {
    const refused = openHome('/proc/none/of/it');
    await expect(refused).rejects.toThrow(/^TASKS_HOME: \/proc\/none\/of\/it .*; set it to a folder/);
    await expect(refused).rejects.toMatchObject({ kind: 'unusable' });
  });

  it('is not blamed where a limit of the shell was met', () => {
    const met = homeError('/h', Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }));
    expect(met.message).toBe(
      'TASKS_HOME: /h cannot be used: EMFILE: too many open files; raise that limit (ulimit -n; 1024 will do)',
    );
  });

  it('is refused by name where files can have no second name', () => {
    const said = linkError(
      '/mnt/stick',
      Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' }),
    );
    expect(said).toBeInstanceOf(HomeError);
    expect(said).toMatchObject({
      message: expect.stringMatching(/^TASKS_HOME: \/mnt\/stick is on .* without hard links .*; set it to/),
    });
    const other = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    expect(linkError('/mnt/stick', other)).toBe(other);
  });

  it('with a full disk is the right place', () => {
    const full = homeError('/h', Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
    expect(full).toBeInstanceOf(HomeError);
    expect(full).toMatchObject({
      kind: 'full',
      message: expect.stringMatching(/^no space left in TASKS_HOME \(\/h\); /),
    });
  });
});
