/** Temporary folders of tests: each file's are removed when it ends. */

import { afterAll } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const TRIES = 5;
const LIMIT_MS = 180_000;

const made: string[] = [];

/** A new empty folder, removed after the file's last test. */
export async function tempFolder(name = 'test'): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `tributary-${name}-`)));
  made.push(folder);
  return folder;
}

afterAll(async () => {
  await Promise.all(made.splice(0).map((folder) => remove(folder)));
}, LIMIT_MS);

/** By a program: some tests leave a hundred thousand files. What is still being written there is gone with the next try. */
async function remove(folder: string): Promise<void> {
  for (let left = TRIES; ; left -= 1) {
    try {
      await run('rm', ['-rf', '--', folder]);
      return;
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}
