/**
 * Writes and reads git objects without starting git: a loose object is a header and a body, deflated, under the hash of both.
 * A spawn costs more than a millisecond, half of it on the event loop; a task needs several objects for each step.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate, deflateSync, inflateSync } from 'node:zlib';
import { parseObjectId, type ObjectId } from '../core/ids.ts';
import type { Person } from '../core/task-types.ts';
import { codeOf } from '../core/thrown.ts';
import { exists, readRegularSync } from '../files/read.ts';
import { temporaryName } from '../files/write.ts';

const compressLarge = promisify(deflate);
/** Up to here the thread pool costs more than the work. */
const SMALL_BYTES = 64 * 1024;

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

/** A tree of lines that were read, in their order. */
export function writeLines(store: ObjectStore, lines: ReadonlyMap<string, TreeLine>): Promise<ObjectId> {
  const parts = [...lines].flatMap(([name, { mode, id }]) => [
    Buffer.from(`${mode} ${name}\0`, 'latin1'),
    Buffer.from(id, 'hex'),
  ]);
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

/** A loose object, checked against its id; null when there is none, it is longer than `maxBytes`, or it is not sound. */
export function readLoose(store: ObjectStore, id: ObjectId, maxBytes: number): RawObject | null {
  const packed = readRegularSync(join(store.folder, id.slice(0, 2), id.slice(2)), maxBytes);
  const whole = packed === null ? null : expand(packed, maxBytes + 32);
  if (whole === null || createHash(store.algorithm).update(whole).digest('hex') !== id) return null;
  const type = whole.toString('latin1', 0, whole.indexOf(' '));
  if (type !== 'commit' && type !== 'tree' && type !== 'blob') return null;
  return { type, body: whole.subarray(whole.indexOf(0) + 1) };
}

function expand(packed: Buffer, maxBytes: number): Buffer | null {
  try {
    return inflateSync(packed, { maxOutputLength: maxBytes });
  } catch {
    // Damaged, or too long: git finds the words for it.
    return null;
  }
}

/** What a commit names; null when it cannot be told. */
export function parseCommit(body: Buffer): { readonly tree: ObjectId; readonly parents: readonly ObjectId[] } | null {
  const head = body.toString('latin1', 0, Math.max(0, body.indexOf('\n\n')));
  const tree = parseObjectId(/^tree ([0-9a-f]+)$/m.exec(head)?.[1] ?? '');
  const parents = [...head.matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, id = '']) => parseObjectId(id));
  const ids = parents.flatMap((parent) => (parent.kind === 'ok' ? [parent.value] : []));
  return tree.kind === 'ok' && ids.length === parents.length ? { tree: tree.value, parents: ids } : null;
}

export interface TreeLine {
  readonly mode: string;
  readonly id: ObjectId;
}

/** The lines of a tree by their names, as bytes; null when it is not sound. */
export function parseTree(body: Buffer, algorithm: HashAlgorithm): ReadonlyMap<string, TreeLine> | null {
  const idBytes = algorithm === 'sha256' ? 32 : 20;
  const lines = new Map<string, TreeLine>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(' ', at);
    const end = space < 0 ? -1 : body.indexOf(0, space);
    const id = end < 0 ? null : parseObjectId(body.toString('hex', end + 1, end + 1 + idBytes));
    if (id === null || id.kind === 'invalid') return null;
    lines.set(body.toString('latin1', space + 1, end), { mode: body.toString('latin1', at, space), id: id.value });
    at = end + 1 + idBytes;
  }
  return lines;
}

async function writeObject(store: ObjectStore, type: RawObject['type'], body: Buffer): Promise<ObjectId> {
  const whole = Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body]);
  const parsed = parseObjectId(createHash(store.algorithm).update(whole).digest('hex'));
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  const id = parsed.value;
  store.written?.set(id, { type, body });
  const folder = join(store.folder, id.slice(0, 2));
  const path = join(folder, id.slice(2));
  if (await exists(path)) return id;
  const content = await compress(whole);
  const temporary = temporaryName(join(folder, 'tmp_obj'));
  const write = (): void => writeFileSync(temporary, content, { flag: 'wx', mode: 0o444 });
  try {
    write();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    mkdirSync(folder, { recursive: true });
    write();
  }
  renameSync(temporary, path);
  return id;
}

export async function compress(content: Buffer): Promise<Buffer> {
  return content.length <= SMALL_BYTES ? deflateSync(content, { level: 1 }) : compressLarge(content, { level: 1 });
}

/** Writes objects that were read elsewhere, in their order: what is named before what names it. */
export async function writeObjects(store: ObjectStore, objects: ReadonlyMap<ObjectId, RawObject>): Promise<void> {
  for (const [id, { type, body }] of objects) {
    const written = await writeObject(store, type, body);
    if (written !== id) throw new Error(`the object ${id} came out as ${written}`);
  }
}
