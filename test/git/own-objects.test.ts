/** What of a process's own repository is read while nothing else runs. */

import { expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeBlob, type ObjectStore } from '../../src/git/objects.ts';
import { readFew } from '../../src/git/own-objects.ts';
import { tempFolder } from '../support/temp.ts';

it('reads a few objects itself, and leaves them to git when they come to more than 8 MiB', async () => {
  const store: ObjectStore = { folder: join(await tempFolder(), 'objects'), algorithm: 'sha1' };
  mkdirSync(store.folder);
  const bytes = 250 * 1024;
  for (let count = 0; count < 32; count += 1) await writeBlob(store, randomBytes(bytes));
  const seen = readFew(store);
  expect(seen?.sizes.map((each) => each.bytes)).toEqual(Array.from({ length: 32 }, () => bytes));
  // Of nothing but zeroes: what counts is what it is inflated to.
  for (let count = 0; count < 2; count += 1) await writeBlob(store, Buffer.alloc(bytes + count));
  expect(readFew(store)).toBeNull();
});
