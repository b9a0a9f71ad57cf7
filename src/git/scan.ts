/** Looks through what a checkpoint would bring to the origin, before it does (N10). */

import type { ObjectId } from '../core/ids.ts';
import type { Found } from '../core/secrets.ts';
import type { Git } from './git.ts';
import { readObjects } from './merge.ts';
import type { RawObject } from './objects.ts';
import type { Problem } from './origin.ts';
import { placeOf, type Repository } from './repository.ts';

/** @returns what was found in one content; null: nothing */
export type Scan = (content: Buffer) => Found | null;

/** More of one file is not looked at. */
const MAX_SCANNED_BYTES = 8 * 1024 * 1024;
const BATCH = 64;

interface Brought {
  readonly head: ObjectId;
  readonly base: ObjectId;
  /** All that is new, when that is known without git. */
  readonly added: ReadonlyMap<ObjectId, RawObject> | null;
  readonly notes: ReadonlyMap<ObjectId, RawObject>;
}

/** What stands in the way of pushing it; null when nothing does. Nothing of what was found is repeated. */
export async function findSecrets(
  git: Git,
  repository: Repository,
  scan: Scan,
  { head, base, added, notes }: Brought,
): Promise<Problem | null> {
  for (const { body } of notes.values()) {
    const found = scan(body);
    if (found !== null) return problem(found, 'the task folder');
  }
  for await (const body of added === null ? readNew(git, repository, head, base) : bodiesOf(added)) {
    const found = scan(body);
    if (found === null) continue;
    // What main has already is no news, such as a test's example of a key.
    if (found.kind === 'format' && (await isKnown(git, repository, base, found.text))) continue;
    return problem(found, 'what was committed, or in a commit on the way');
  }
  return null;
}

async function* bodiesOf(objects: ReadonlyMap<ObjectId, RawObject>): AsyncIterable<Buffer> {
  for (const { body, type } of objects.values()) if (type !== 'tree') yield body;
}

async function* readNew(git: Git, repository: Repository, head: ObjectId, base: ObjectId): AsyncIterable<Buffer> {
  const place = placeOf(repository);
  const listed = await git.local(['rev-list', '--objects', '--no-object-names', head, `^${base}`], place);
  const ids = listed.stdout
    .toString('latin1')
    .split('\n')
    .filter((id) => id !== '');
  const sizes = await git.local(['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'], {
    ...place,
    input: ids.map((id) => `${id}\n`).join(''),
  });
  const wanted = sizes.stdout
    .toString('latin1')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, type, size]) => (type === 'blob' || type === 'commit') && Number(size) <= MAX_SCANNED_BYTES)
    .map(([id = '']) => id);
  for (let from = 0; from < wanted.length; from += BATCH) {
    const read = await readObjects(git, repository, wanted.slice(from, from + BATCH), BATCH * MAX_SCANNED_BYTES);
    for (const object of read) if (object !== null) yield object.content;
  }
}

async function isKnown(git: Git, repository: Repository, base: ObjectId, text: string): Promise<boolean> {
  const line = text.split('\n')[0] ?? text;
  // A private key begins like every other one: only its whole text would tell.
  if (line !== text) return false;
  const found = await git.local(['grep', '--quiet', '--fixed-strings', '-f', '-', base], {
    ...placeOf(repository),
    input: `${line}\n`,
    accept: [1],
  });
  return found.code === 0;
}

function problem(found: Found, where: string): Problem {
  const what = found.kind === 'granted' ? `the secret ${found.name}` : found.name;
  return {
    failure: 'secret-found',
    message: `${what} is in ${where}; nothing of it was pushed`,
    next: 'look at the workspace; tasks retry has the agent begin again from what was stored before, and a key that may be public is first committed to main by a person',
  };
}
