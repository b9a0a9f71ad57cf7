/**
 * Writes git objects without starting git: a loose object is a header and a body, deflated, under the hash of both.
 * A spawn costs more than a millisecond, half of it on the event loop; a task needs several objects for each step.
 */

import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import { parseObjectId, type ObjectId } from '../core/ids.ts';
import type { Person } from '../core/task-types.ts';
import { errnoOf, exists, readRegular, temporaryName } from './files.ts';

const compress = promisify(deflate);
const expand = promisify(inflate);
const MAX_COMMIT_BYTES = 4 * 1024 * 1024;

export type HashAlgorithm = 'sha1' | 'sha256';

export interface ObjectStore {
  /** An `objects` folder. */
  readonly folder: string;
  readonly algorithm: HashAlgorithm;
  /** Collects what is written, for a push of just that. */
  readonly written?: Map<ObjectId, RawObject>;
}

export interface RawObject {
  readonly type: 'blob' | 'tree' | 'commit';
  readonly body: Buffer;
}

export interface TreeEntry {
  readonly mode: '100644' | '100755' | '40000';
  readonly name: string;
  readonly id: ObjectId;
}

export interface CommitFields {
  readonly tree: ObjectId;
  readonly parents: readonly ObjectId[];
  readonly author: Person;
  /** Seconds since the epoch; written as UTC. */
  readonly seconds: number;
  readonly message: string;
}

export const ENGINE: Person = { name: 'Tributary', email: 'tributary@localhost' };

export function writeBlob(store: ObjectStore, content: Buffer): Promise<ObjectId> {
  return writeObject(store, 'blob', content);
}

export function writeTree(store: ObjectStore, entries: readonly TreeEntry[]): Promise<ObjectId> {
  const sortKey = (entry: TreeEntry): Buffer => Buffer.from(entry.mode === '40000' ? `${entry.name}/` : entry.name);
  const sorted = [...entries].sort((one, other) => Buffer.compare(sortKey(one), sortKey(other)));
  const parts = sorted.flatMap((entry) => [Buffer.from(`${entry.mode} ${entry.name}\0`), Buffer.from(entry.id, 'hex')]);
  return writeObject(store, 'tree', Buffer.concat(parts));
}

/** The committer is always the engine; the same fields give the same commit. */
export function writeCommit(store: ObjectStore, fields: CommitFields): Promise<ObjectId> {
  return writeObject(store, 'commit', commitBody(fields));
}

function commitBody(fields: CommitFields): Buffer {
  const lines = [
    `tree ${fields.tree}`,
    ...fields.parents.map((parent) => `parent ${parent}`),
    `author ${identity(fields.author)} ${fields.seconds} +0000`,
    `committer ${identity(ENGINE)} ${fields.seconds} +0000`,
    '',
    `${fields.message.replace(/\0/g, '').trimEnd()}\n`,
  ];
  return Buffer.from(lines.join('\n'));
}

/** A person as a commit's header can carry one: what would end the field is taken out. */
function identity(person: Person): string {
  return `${cleanName(person.name) || ENGINE.name} <${cleanName(person.email)}>`;
}

function cleanName(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f<>]/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[ .,:;"'\\]+|[ .,:;"'\\]+$/g, '');
}

/** The body of a commit that is a loose object; null when it is not, or is none. */
export async function readLooseCommit(store: ObjectStore, id: ObjectId): Promise<Buffer | null> {
  const packed = await readRegular(join(store.folder, id.slice(0, 2), id.slice(2)), MAX_COMMIT_BYTES);
  const whole = packed === null ? null : await expand(packed, { maxOutputLength: MAX_COMMIT_BYTES });
  if (whole === null || createHash(store.algorithm).update(whole).digest('hex') !== id) return null;
  return whole.toString('latin1', 0, 7) === 'commit ' ? whole.subarray(whole.indexOf(0) + 1) : null;
}

async function writeObject(store: ObjectStore, type: 'blob' | 'tree' | 'commit', body: Buffer): Promise<ObjectId> {
  const whole = Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body]);
  const parsed = parseObjectId(createHash(store.algorithm).update(whole).digest('hex'));
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  const id = parsed.value;
  store.written?.set(id, { type, body });
  const folder = join(store.folder, id.slice(0, 2));
  const path = join(folder, id.slice(2));
  if (await exists(path)) return id;
  const content = await compress(whole, { level: 1 });
  const temporary = temporaryName(join(folder, 'tmp_obj'));
  const write = (): Promise<void> => writeFile(temporary, content, { flag: 'wx', mode: 0o444 });
  await write().catch(async (error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true });
    await write();
  });
  await rename(temporary, path);
  return id;
}
