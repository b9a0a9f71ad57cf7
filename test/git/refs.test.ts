import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deleteRef, readRef, taskRef, writeRef } from '../../src/git/refs.ts';
import { objectId } from '../core/rig.ts';
import { tempFolder } from '../support/temp.ts';

describe('a ref that is deleted', () => {
  it('takes along the folders that it leaves empty, but not the one of all tasks', async () => {
    const gitDir = await tempFolder('refs');
    const ref = taskRef('task1', 2, 'head');
    await writeRef(gitDir, ref, objectId(1));
    await deleteRef(gitDir, ref);
    expect(readdirSync(join(gitDir, 'refs/tasks'))).toEqual([]);
    await writeRef(gitDir, ref, objectId(2));
    expect(await readRef(gitDir, ref)).toBe(objectId(2));
  });

  it('leaves what another attempt of its task has', async () => {
    const gitDir = await tempFolder('refs');
    const [first, second] = [taskRef('task1', 1, 'head'), taskRef('task1', 2, 'head')];
    await writeRef(gitDir, first, objectId(1));
    await writeRef(gitDir, second, objectId(2));
    await deleteRef(gitDir, first);
    expect([await readRef(gitDir, first), await readRef(gitDir, second)]).toEqual([null, objectId(2)]);
    expect(readdirSync(join(gitDir, 'refs/tasks/task1'))).toEqual(['2']);
  });

  it('was not there, and nothing else goes', async () => {
    const gitDir = await tempFolder('refs');
    await mkdir(join(gitDir, 'refs/heads'), { recursive: true });
    await deleteRef(gitDir, 'refs/heads/main');
    expect(existsSync(join(gitDir, 'refs/heads'))).toBe(true);
  });
});
