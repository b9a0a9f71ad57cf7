/**
 * A push of a few known objects to an origin on this host, without the processes of `git push`: the engine writes the
 * pack and the commands itself, and hands them to the origin's own `git receive-pack`, which decides as for any push
 * (hooks, checks, compare-and-swap of each ref, all or nothing). The formats are gitprotocol-pack(5), gitformat-pack(5).
 *
 * Whatever does not go as smoothly as it should is no result here: the caller then pushes with git, whose words are for
 * people.
 */

import { createHash } from 'node:crypto';
import type { ObjectId } from '../core/ids.ts';
import { GitError } from './command.ts';
import type { Git } from './git.ts';
import { localPathOf } from './local-origin.ts';
import { compress, type HashAlgorithm, type RawObject } from './objects.ts';

const TYPES = { commit: 1, tree: 2, blob: 3 } as const;
const MAX_PACK_BYTES = 4 * 1024 * 1024;

export interface SendRequest {
  readonly algorithm: HashAlgorithm;
  /** Each from the value that the origin must have there (null: none) to the new one (null: deleted). */
  readonly commands: readonly { readonly ref: string; readonly old: ObjectId | null; readonly id: ObjectId | null }[];
  /** All that the origin can lack of what the commands name. */
  readonly objects: readonly RawObject[];
}

/**
 * True when the origin has taken every command; false when git has to be asked instead.
 *
 * @throws GitError when the origin did not answer in time, so that the push may have arrived
 */
export async function sendPack(git: Git, origin: string, request: SendRequest): Promise<boolean> {
  const path = localPathOf(origin);
  if (path === null || request.objects.reduce((sum, { body }) => sum + body.length, 0) > MAX_PACK_BYTES) return false;
  if (await git.isRewritten(origin)) return false;
  const input = Buffer.concat([commandLines(request), await packOf(request)]);
  try {
    const { stdout } = await git.receivePack(path, input);
    return isTaken(stdout, request);
  } catch (error) {
    if (error instanceof GitError && error.reason !== 'timeout') return false;
    throw error;
  }
}

function commandLines({ algorithm, commands }: SendRequest): Buffer {
  const none = '0'.repeat(algorithm === 'sha256' ? 64 : 40);
  const capabilities = `report-status atomic quiet object-format=${algorithm}`;
  const lines = commands.map(({ ref, old, id }, index) => {
    const command = `${old ?? none} ${id ?? none} ${ref}`;
    return packetLine(index === 0 ? `${command}\0 ${capabilities}` : command);
  });
  return Buffer.concat([...lines, Buffer.from('0000')]);
}

function packetLine(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body]);
}

async function packOf({ algorithm, objects }: SendRequest): Promise<Buffer> {
  const header = Buffer.alloc(12);
  header.write('PACK');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(objects.length, 8);
  const parts = await Promise.all(
    objects.map(async ({ type, body }) => [entryHeader(TYPES[type], body.length), await compress(body)]),
  );
  const content = Buffer.concat([header, ...parts.flat()]);
  return Buffer.concat([content, createHash(algorithm).update(content).digest()]);
}

/** An entry's type and size: four bits of the size beside the type, then seven a byte. */
function entryHeader(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let rest = Math.floor(size / 16);
  bytes.push((type << 4) | (size % 16));
  while (rest > 0) {
    bytes.push(rest % 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from(bytes.map((byte, index) => (index < bytes.length - 1 ? byte | 0x80 : byte)));
}

/** Whether the report, which follows the list of refs, says `ok` for the pack and for every command. */
function isTaken(stdout: Buffer, { commands }: SendRequest): boolean {
  const report: string[] = [];
  let flushes = 0;
  for (let at = 0; at + 4 <= stdout.length && flushes < 2;) {
    const length = Number.parseInt(stdout.toString('latin1', at, at + 4), 16);
    if (length === 0) flushes += 1;
    else if (Number.isNaN(length) || length < 4) return false;
    else if (flushes === 1) report.push(stdout.toString('utf8', at + 4, at + length).trimEnd());
    at += Math.max(length, 4);
  }
  return report[0] === 'unpack ok' && commands.every(({ ref }) => report.includes(`ok ${ref}`));
}
