/** Reads what an attempt left in the task folder for people to see, as the hostile files that they may be. */

import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../core/ids.ts';
import type { Artifact } from '../ledger/types.ts';

const DOCUMENTS = ['understanding.md', 'plan.md', 'result.md', 'report.json'];
const OUTPUTS = 'outputs';
const MAX_ARTIFACTS = 50;
const MAX_CONTENT_BYTES = 256 * 1024;

/** Regular files alone, no links, the first 50, at most 256 KiB of each. */
export async function collectArtifacts(taskId: TaskId, attempt: number, taskDir: string): Promise<readonly Artifact[]> {
  const outputs = await readdir(join(taskDir, OUTPUTS), { withFileTypes: true }).catch(() => []);
  const names = [...DOCUMENTS, ...outputs.filter((entry) => entry.isFile()).map((entry) => `${OUTPUTS}/${entry.name}`)];
  const artifacts: Artifact[] = [];
  for (const name of names.slice(0, MAX_ARTIFACTS)) {
    const found = await readHead(join(taskDir, name));
    if (found !== null) artifacts.push({ taskId, attempt, name, ...found });
  }
  return artifacts;
}

/** Null when there is no such regular file. */
async function readHead(path: string): Promise<Pick<Artifact, 'bytes' | 'content'> | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return null;
  try {
    const facts = await file.stat();
    if (!facts.isFile()) return null;
    const buffer = Buffer.alloc(Math.min(facts.size, MAX_CONTENT_BYTES));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { bytes: facts.size, content: buffer.subarray(0, bytesRead).toString('utf8') };
  } finally {
    await file.close();
  }
}
