import { expect } from '@jest/globals';
import type { ProjectName } from '../../src/core/ids.ts';
import { taskIdFromBytes } from '../../src/core/ids.ts';
import { noteHibernated, readHibernated } from '../../src/local/hibernated.ts';
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
