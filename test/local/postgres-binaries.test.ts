import { describe, expect, it } from '@jest/globals';
import { mkdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mendLinks } from '../../src/local/postgres-binaries.ts';
import { tempFolder } from '../support/temp.ts';

describe('the programs of the embedded Postgres', () => {
  it('get the links between their libraries that a skipped install script did not make, and keep the others', async () => {
    const folder = await tempFolder('package');
    const lib = join(folder, 'native', 'lib');
    await mkdir(lib, { recursive: true });
    await writeFile(join(lib, 'libpq.so.5.18'), '');
    const links = ['native/lib/libpq.so', 'native/lib/libpq.so.5'];
    const list = links.map((target) => ({ source: 'native/lib/libpq.so.5.18', target }));
    await writeFile(join(folder, 'native', 'pg-symlinks.json'), JSON.stringify(list));
    await mendLinks(folder);
    await mendLinks(folder);
    for (const link of links) expect(await readlink(join(folder, link))).toBe('libpq.so.5.18');
  });

  it('need no list of links', async () => {
    await expect(mendLinks(await tempFolder('package'))).resolves.toBeUndefined();
  });
});
