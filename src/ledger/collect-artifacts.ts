/**
 * Reads what an attempt left in its task folder, for keeping.
 *
 * The folder was written by an agent, and is read outside its sandbox: nothing but regular files is opened, and no
 * symbolic link is followed (N10). How many files, how deep and how much is bounded.
 */

import { lstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskId } from '../core/ids.ts';
import { createPace, lookThrough, type Listed, type Pace } from '../files/list.ts';
import { lookInto } from '../files/read.ts';
import { MAX_ARTIFACT_BYTES, wholeCharacters } from './bounds.ts';
import type { Artifact } from './types.ts';

const DOCUMENTS = ['report.json', 'understanding.md', 'plan.md', 'result.md'];
const OUTPUTS = 'outputs';
const MAX_FILES = 50;
const MAX_DEPTH = 4;
/** As many as are kept with a checkpoint. */
const MAX_FOLDERS = 1_000;
const MAX_LISTED = MAX_FILES + MAX_FOLDERS;
const MAX_TOTAL_BYTES = 2 * 1024 * 1024;

const decoder = new TextDecoder('utf-8');

/** The documents of the report contract and the files below `outputs`, by name; texts, decoded with replacement characters. */
export async function collectArtifacts(taskId: TaskId, attempt: number, folder: string): Promise<readonly Artifact[]> {
  const names = [...DOCUMENTS];
  await gather(folder, OUTPUTS, 1, names, { folders: MAX_FOLDERS, pace: createPace() });
  const artifacts: Artifact[] = [];
  let left = MAX_TOTAL_BYTES;
  for (const name of names) {
    const read = left > 0 ? readHead(join(folder, name), Math.min(left, MAX_ARTIFACT_BYTES)) : null;
    if (read === null) continue;
    left -= read.head.length;
    artifacts.push({ taskId, attempt, name, bytes: read.bytes, content: decoder.decode(read.head) });
  }
  return artifacts;
}

/** Adds the names of the regular files below a folder, in order. */
async function gather(root: string, below: string, depth: number, names: string[], budget: Budget): Promise<void> {
  const { pace } = budget;
  for (const { name: last, isFolder } of await firstIn(join(root, below), pace)) {
    if (names.length >= MAX_FILES || budget.folders <= 0) return;
    // Also where none of the folders has anything in it.
    if (pace.isDue()) await pace.turn();
    const name = `${below}/${last}`;
    if (!isFolder) names.push(name);
    else if (depth < MAX_DEPTH) {
      budget.folders -= 1;
      await gather(root, name, depth + 1, names, budget);
    }
  }
}

/** What may still be looked into: folders need not have a file. */
interface Budget {
  folders: number;
  readonly pace: Pace;
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** Files and folders by name, as many as can be of use. A folder that the agent closed to its owner is left out, like one that is not there. */
async function firstIn(folder: string, pace: Pace): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  const keepFirst = (): unknown => found.sort((one, other) => (one.name < other.name ? -1 : 1)).splice(MAX_LISTED);
  try {
    if (!lstatSync(folder).isDirectory()) return [];
    const look = ({ name, kind }: Listed): boolean => {
      if (kind === 'file' || kind === 'folder')
        found.push({ name: name.toString('utf8'), isFolder: kind === 'folder' });
      if (found.length >= 2 * MAX_LISTED) keepFirst();
      return true;
    };
    await lookThrough(folder, look, pace);
  } catch {
    return [];
  }
  keepFirst();
  return found;
}

function readHead(path: string, maxBytes: number): { head: Uint8Array; bytes: number } | null {
  try {
    const looked = lookInto(path, (file, { size }) => {
      const buffer = Buffer.alloc(Math.min(size, maxBytes));
      const bytesRead = readSync(file, buffer, 0, buffer.length, 0);
      const end = size > bytesRead ? wholeCharacters(buffer, 0, bytesRead) : bytesRead;
      return { head: buffer.subarray(0, end), bytes: size };
    });
    return looked.kind === 'looked' ? looked.value : null;
  } catch {
    // Not there, or closed to its owner.
    return null;
  }
}
