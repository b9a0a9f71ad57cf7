/** Looks through what a checkpoint would bring to the origin, before it does (N10). */

import type { ObjectId } from '../core/ids.ts';
import type { Found } from '../core/secrets.ts';
import type { Git } from './git.ts';
import { judgeSizes } from './large.ts';
import { readObjects } from './merge.ts';
import type { RawObject } from './objects.ts';
import type { Problem } from './origin.ts';
import { placeOf, type Repository } from './repository.ts';

/** @returns what was found in one content */
export type Scan = (content: Buffer) => readonly Found[];

/** Larger ones are read one by one. */
const BATCHED_BYTES = 8 * 1024 * 1024;
const BATCH = 64;
const SLICE_BYTES = 1024 * 1024;
/** A secret that lies across two slices is whole in one of them. */
const OVERLAP_BYTES = 64 * 1024;
const HEADER_BYTES = 256;
/** What looks like so many keys is none that main has; and git would look for them for minutes. */
const MAX_ASKED = 1_000;

interface Brought {
  readonly head: ObjectId;
  readonly base: ObjectId;
  /** All that is new, when that is known without git. */
  readonly added: ReadonlyMap<ObjectId, RawObject> | null;
  readonly notes: ReadonlyMap<ObjectId, RawObject>;
}

/** What is looked for, and how much may be brought. */
interface Allowed {
  readonly scan: Scan;
  readonly maxBytes: number;
}

/** What stands in the way of pushing it; null when nothing does. Nothing of what was found is repeated. */
export async function findSecrets(
  git: Git,
  repository: Repository,
  { scan, maxBytes }: Allowed,
  { head, base, added, notes }: Brought,
): Promise<Problem | null> {
  for (const { body } of notes.values()) {
    const [found] = scan(body);
    if (found !== undefined) return problem(found, 'the task folder');
  }
  const listed = added === null ? await listNew(git, repository, head, base) : [];
  // An agent's own commits have not been in a worktree of the engine's.
  const large = judgeSizes(
    listed.filter(({ type }) => type === 'blob').map(({ id, bytes }) => ({ name: `the object ${id}`, bytes })),
    maxBytes,
  );
  if (large !== null) return large;
  for await (const body of added === null ? readNew(git, repository, listed) : bodiesOf(added)) {
    const all = scan(body);
    // What main has already is no news, such as a test's example of a key; what stands beside it may be.
    const known = await knownAmong(git, repository, base, all);
    const found = all.find((one) => one.kind !== 'format' || !known.has(one.text));
    if (found !== undefined) return problem(found, 'what was committed, or in a commit on the way');
  }
  return null;
}

/** Trees too: a file's name can be a secret. */
async function* bodiesOf(objects: ReadonlyMap<ObjectId, RawObject>): AsyncIterable<Buffer> {
  for (const { body } of objects.values()) yield body;
}

interface Listed {
  readonly id: string;
  readonly type: string;
  readonly bytes: number;
}

async function listNew(git: Git, repository: Repository, head: ObjectId, base: ObjectId): Promise<readonly Listed[]> {
  const place = placeOf(repository);
  const listed = await git.local(['rev-list', '--objects', '--no-object-names', head, `^${base}`], place);
  const sizes = await git.local(['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'], {
    ...place,
    input: listed.stdout,
  });
  return sizes.stdout
    .toString('latin1')
    .split('\n')
    .map((line) => line.split(' '))
    .map(([id = '', type = '', size = '']) => ({ id, type, bytes: Number(size) }))
    .filter(({ id }) => id !== '');
}

async function* readNew(git: Git, repository: Repository, listed: readonly Listed[]): AsyncIterable<Buffer> {
  const small = listed.filter(({ bytes }) => bytes <= BATCHED_BYTES).map(({ id }) => id);
  for (let from = 0; from < small.length; from += BATCH) {
    const read = await readObjects(git, repository, small.slice(from, from + BATCH), BATCH * BATCHED_BYTES);
    for (const object of read) if (object !== null) yield* slicesOf(object.content);
  }
  for (const { id, bytes } of listed) {
    const [object] = bytes <= BATCHED_BYTES ? [] : await readObjects(git, repository, [id], bytes + HEADER_BYTES);
    yield* slicesOf(object?.content ?? Buffer.alloc(0));
  }
}

async function* slicesOf(content: Buffer): AsyncIterable<Buffer> {
  for (let from = 0; from < content.length; from += SLICE_BYTES - OVERLAP_BYTES) {
    yield content.subarray(from, from + SLICE_BYTES);
    // Others' heartbeats come first.
    if (content.length > SLICE_BYTES) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The texts of these that are in a commit's files. */
async function knownAmong(
  git: Git,
  repository: Repository,
  base: ObjectId,
  found: readonly Found[],
): Promise<ReadonlySet<string>> {
  const texts = found.flatMap((one) => (one.kind === 'format' ? [one.text] : []));
  // A private key begins like every other one: only its whole text would tell.
  const lines = texts.filter((text) => !text.includes('\n'));
  if (lines.length === 0 || lines.length > MAX_ASKED) return new Set();
  const { stdout } = await git.local(['grep', '--only-matching', '-h', '-a', '--fixed-strings', '-f', '-', base], {
    ...placeOf(repository),
    input: Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'),
    accept: [1],
  });
  return new Set(stdout.toString('latin1').split('\n'));
}

function problem(found: Found, where: string): Problem {
  const what = found.kind === 'granted' ? `the secret ${found.name}` : found.name;
  return {
    failure: 'secret-found',
    message: `${what} is in ${where}; nothing of it was pushed`,
    next: 'look at the workspace; tasks retry has the agent begin again from what was stored before, and a key that may be public is first committed to main by a person',
  };
}
