import { expect, it } from '@jest/globals';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectName } from '../../src/core/ids.ts';
import { taskIdFromBytes } from '../../src/core/ids.ts';
import { dropHibernated, noteHibernated, readHibernated } from '../../src/local/hibernated.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { onLinux } from '../support/on-linux.ts';
import { tempFolder } from '../support/temp.ts';

const MANY = 300;
const FREE = 24;

onLinux('notes of more hibernated tasks than files may be open are read, the latest first', async () => {
  const home = await tempFolder('home');
  const tasks = Array.from({ length: MANY }, (_, at) => taskIdFromBytes(Buffer.from(String(at).padStart(10, '0'))));
  for (const [at, task] of tasks.entries()) {
    const since = new Date(at * 1_000).toISOString();
    await noteHibernated(home, { project: 'shop' as ProjectName, task, since, why: 'count' });
  }
  const giveBack = takeAllDescriptors(FREE);
  try {
    const read = await readHibernated(home);
    expect(read.map(({ task }) => task)).toEqual(tasks.toReversed());
  } finally {
    giveBack();
  }
});

it('a draft of a note that a kill has left is none, and one that could not be written leaves none', async () => {
  const home = await tempFolder('home');
  const task = taskIdFromBytes(Buffer.from('0123456789'));
  const note = { project: 'shop' as ProjectName, task, since: new Date(0).toISOString(), why: 'disk' } as const;
  await noteHibernated(home, note);
  const folder = join(home, 'hibernated');
  await writeFile(join(folder, `${task}.1.draft`), await readFile(join(folder, task)));
  expect(await readHibernated(home)).toEqual([note]);
  await dropHibernated(home, task);
  expect(await readHibernated(home)).toEqual([]);
  await mkdir(join(folder, task));
  await expect(noteHibernated(home, note)).rejects.toThrow();
  expect((await readdir(folder)).toSorted()).toEqual([task, `${task}.1.draft`].toSorted());
});
