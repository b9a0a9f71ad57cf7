/** Temporary folders of tests: each file's are removed when it ends. */

import { afterAll } from '@jest/globals';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A new empty folder, removed after the file's last test. */
export async function tempFolder(name = 'test'): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `tributary-${name}-`)));
  made.push(folder);
  return folder;
}

afterAll(async () => {
  await Promise.all(made.splice(0).map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 })));
});
