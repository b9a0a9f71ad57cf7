/** What git adds while it looks at a worktree, on its way into the repository. */

import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { addingObjects, type DeskPlace } from '../../src/git/desk.ts';
import { readLoose, writeBlob, type ObjectStore } from '../../src/git/objects.ts';
import { tempFolder } from '../support/temp.ts';

async function desk(): Promise<{ store: ObjectStore; place: DeskPlace }> {
  const folder = await tempFolder();
  const store: ObjectStore = { folder: join(folder, 'objects'), algorithm: 'sha1' };
  for (const name of ['objects', 'desk']) mkdirSync(join(folder, name));
  const paths = { gitDir: folder, worktree: folder, index: join(folder, 'desk/index') };
  return { store, place: { ...paths, objects: store.folder, writes: [join(folder, 'desk')] } };
}

const WRONG = 'ab'.repeat(20);

describe('objects that are added on a desk', () => {
  it('are in the repository when it is done, small ones, large ones and those that it has already', async () => {
    const { store, place } = await desk();
    const known = await writeBlob(store, Buffer.from('known'));
    const contents = [Buffer.from('small'), randomBytes(300_000), Buffer.alloc(8_000_000), Buffer.from('known')];
    const ids = await addingObjects(store, place, async ({ objects }) => {
      const written = [];
      for (const content of contents) written.push(await writeBlob({ ...store, folder: objects }, content));
      return written;
    });
    expect(ids.at(-1)).toBe(known);
    contents.forEach((content, index) => {
      expect(readLoose(store, ids[index] ?? known, 16_000_000)?.body.equals(content)).toBe(true);
    });
    expect(readdirSync(join(place.writes[0] ?? ''))).toEqual([]);
  });

  it.each([
    ['whose content is another', deflateSync(Buffer.from('blob 1\0x'))],
    ['that is no object', Buffer.from('nothing deflated')],
    ['that expands to more than any that is stored', deflateSync(Buffer.alloc(140 * 1024 * 1024))],
  ])('are refused where there is one %s', async (_what, content) => {
    const { store, place } = await desk();
    const adding = addingObjects(store, place, ({ objects }) => {
      mkdirSync(join(objects, WRONG.slice(0, 2)));
      writeFileSync(join(objects, WRONG.slice(0, 2), WRONG.slice(2)), content);
      return Promise.resolve();
    });
    await expect(adding).rejects.toThrow(WRONG);
    expect(existsSync(join(store.folder, WRONG.slice(0, 2), WRONG.slice(2)))).toBe(false);
  });

  it('come without what else lies there', async () => {
    const { store, place } = await desk();
    await addingObjects(store, place, ({ objects }) => {
      for (const name of ['pack', 'cd', 'info']) mkdirSync(join(objects, name), { recursive: true });
      for (const name of ['pack/pack-x.pack', 'cd/tmp_obj_x', 'info/http-alternates'])
        writeFileSync(join(objects, name), 'planted');
      chmodSync(join(objects, 'cd/tmp_obj_x'), 0o444);
      return Promise.resolve();
    });
    expect(readdirSync(store.folder)).toEqual([]);
  });
});
