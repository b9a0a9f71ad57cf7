/**
 * The logs of a stack's parts and of its supervisor, kept from filling the disk: one that has grown too long goes on
 * empty, and its last part is kept beside it. All are open to append, and so need not be opened anew: what they write
 * next begins at the front.
 */

import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { namesIn } from '../files/read.ts';

/** Of each log, and again of what is kept of it. */
export const LOG_BYTES = 16 * 1024 * 1024;

/** Bounds each log of a folder. What cannot be now, for want of room or of descriptors say, is looked at next time. */
export async function boundLogs(folder: string, maxBytes: number = LOG_BYTES): Promise<void> {
  for (const name of await namesIn(folder).catch(() => [])) {
    if (name.endsWith('.log')) await boundLog(join(folder, name), maxBytes).catch(() => undefined);
  }
}

async function boundLog(path: string, maxBytes: number): Promise<void> {
  const found = await lstat(path);
  if (!found.isFile() || found.size <= maxBytes) return;
  const older = `${path}.1`;
  // First, so that there is room for what takes its place.
  await rm(older, { force: true });
  // With what is written meanwhile: between its end and the next step it is hardly anything.
  await pipeline(
    createReadStream(path, { start: found.size - maxBytes, end: found.size + maxBytes }),
    createWriteStream(older, { flags: 'wx', mode: 0o600 }),
  );
  await truncate(path, 0);
}
