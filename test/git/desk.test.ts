/** What git adds while it looks at a worktree, on its way into the repository. */

import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { addingObjects, type DeskPlace } from '../../src/git/desk.ts';
import { readLoose, writeBlob, type ObjectStore } from '../../src/git/objects.ts';
import { tempFolder } from '../support/temp.ts';

interface Rig {
  readonly store: ObjectStore;
  readonly at: { readonly place: DeskPlace; readonly trash: string };
  readonly desk: string;
}

async function rig(): Promise<Rig> {
  const folder = await tempFolder();
  const store: ObjectStore = { folder: join(folder, 'objects'), algorithm: 'sha1' };
  for (const name of ['objects', 'desk']) mkdirSync(join(folder, name));
  const desk = join(folder, 'desk');
  const place = { gitDir: folder, worktree: folder, index: join(desk, 'index'), objects: store.folder, desk };
  return { store, desk, at: { place, trash: join(folder, 'trash') } };
}

const WRONG = 'ab'.repeat(20);

describe('objects that are added on a desk', () => {
  it('are in the repository when it is done, small ones, large ones and those that it has already', async () => {
    const { store, at, desk } = await rig();
    const known = await writeBlob(store, Buffer.from('known'));
    const contents = [Buffer.from('small'), randomBytes(300_000), Buffer.alloc(8_000_000), Buffer.from('known')];
    const ids = await addingObjects(store, at, async ({ objects }) => {
      const written = [];
      for (const content of contents) written.push(await writeBlob({ ...store, folder: objects }, content));
      return written;
    });
    expect(ids.at(-1)).toBe(known);
    contents.forEach((content, index) => {
      expect(readLoose(store, ids[index] ?? known, 16_000_000)?.body.equals(content)).toBe(true);
    });
    expect(readdirSync(desk)).toEqual([]);
  });

  it.each([
    ['whose content is another', deflateSync(Buffer.from('blob 1\0x'))],
    ['that is no object', Buffer.from('nothing deflated')],
    ['that expands to more than any that is stored', deflateSync(Buffer.alloc(140 * 1024 * 1024))],
  ])('are refused where there is one %s', async (_what, content) => {
    const { store, at } = await rig();
    const adding = addingObjects(store, at, ({ objects }) => {
      mkdirSync(join(objects, WRONG.slice(0, 2)));
      writeFileSync(join(objects, WRONG.slice(0, 2), WRONG.slice(2)), content);
      return Promise.resolve();
    });
    await expect(adding).rejects.toThrow(WRONG);
    expect(existsSync(join(store.folder, WRONG.slice(0, 2), WRONG.slice(2)))).toBe(false);
  });

  it('are written anew: what their writer goes on to write, or has put behind them, does not get there', async () => {
    const { store, at, desk } = await rig();
    const texts = ['plain', 'padded'];
    const ids = await addingObjects(store, at, async ({ objects }) => {
      const own = { ...store, folder: objects };
      const [one, two] = [await writeBlob(own, Buffer.from('plain')), await writeBlob(own, Buffer.from('padded'))];
      linkSync(join(objects, one.slice(0, 2), one.slice(2)), join(desk, 'kept'));
      const path = join(objects, two.slice(0, 2), two.slice(2));
      const packed = readFileSync(path);
      rmSync(path);
      writeFileSync(path, Buffer.concat([packed, Buffer.from('garbage')]));
      return [one, two];
    });
    chmodSync(join(desk, 'kept'), 0o600);
    writeFileSync(join(desk, 'kept'), 'changed afterwards');
    for (const [index, content] of texts.entries()) {
      const id = ids[index] ?? WRONG;
      const packed = readFileSync(join(store.folder, id.slice(0, 2), id.slice(2)));
      expect(inflateSync(packed).includes(content)).toBe(true);
      expect(packed.includes('garbage')).toBe(false);
    }
  });

  it.each([
    ['a folder of it', (objects: string, other: string) => symlinkSync(join(other, 'ab'), join(objects, 'ab'))],
    [
      'all of it',
      (objects: string, other: string) => {
        rmSync(objects, { recursive: true });
        symlinkSync(other, objects);
      },
    ],
  ])('are not taken from elsewhere, where %s is a link', async (_what, plant) => {
    const { store, at } = await rig();
    const other = await tempFolder('other');
    mkdirSync(join(other, 'ab'));
    writeFileSync(join(other, 'ab', WRONG.slice(2)), 'of another repository');
    await addingObjects(store, at, ({ objects }) => {
      plant(objects, other);
      return Promise.resolve();
    });
    expect(readdirSync(join(other, 'ab'))).toEqual([WRONG.slice(2)]);
    expect(readdirSync(store.folder)).toEqual([]);
  });

  it('are all there when two add at the same time', async () => {
    const { store, at } = await rig();
    const texts = ['one', 'two'];
    const ids = await Promise.all(
      texts.map((text) =>
        addingObjects(store, at, ({ objects }) => writeBlob({ ...store, folder: objects }, Buffer.from(text))),
      ),
    );
    for (const [index, id] of ids.entries()) expect(readLoose(store, id, 100)?.body.toString()).toBe(texts[index]);
  });

  it('come without what else lies there', async () => {
    const { store, at } = await rig();
    await addingObjects(store, at, ({ objects }) => {
      for (const name of ['pack', 'cd', 'info']) mkdirSync(join(objects, name), { recursive: true });
      for (const name of ['pack/pack-x.pack', 'cd/tmp_obj_x', 'info/http-alternates'])
        writeFileSync(join(objects, name), 'planted');
      chmodSync(join(objects, 'cd/tmp_obj_x'), 0o444);
      return Promise.resolve();
    });
    expect(readdirSync(store.folder)).toEqual([]);
  });
});
