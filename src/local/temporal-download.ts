/**
 * The official release archive: fetched with bounds, compared with its checksum, and unpacked. Keeps true: nothing is
 * unpacked whose checksum differs from the pinned one, or, for a platform without one, from the one recorded at first.
 */

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { createOnce, readIfThere } from './home.ts';
import { messageOf } from '../core/thrown.ts';
import type { ReportProgress } from './report.ts';
import { PINNED_VERSION } from './temporal-version.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const STALL_TIMEOUT_MS = 30_000;
const TOTAL_TIMEOUT_MS = 15 * 60_000;
const MAX_ARCHIVE_BYTES = 400 * 1024 * 1024;
const REPORT_EVERY_MS = 250;

/**
 * SHA-256 of the release's archives. They were taken from two independent public package indexes that agree (for
 * linux-arm64, from an index and a project that pins it), not from the release's own checksums.txt, which could not be
 * reached when this was written: whoever raises the version compares them with that file.
 */
export const ARCHIVE_SHA256: Readonly<Record<string, string>> = {
  'linux-amd64': 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
  'linux-arm64': 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
  'darwin-amd64': 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
  'darwin-arm64': 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
};

/** Where the archive of a platform (`linux-amd64`, …) is to be had, in the order of trying. Pure. */
export function archiveUrls(platform: string): readonly string[] {
  const [os, arch] = platform.split('-');
  if (!(platform in ARCHIVE_SHA256)) return [];
  return [
    `https://github.com/temporalio/cli/releases/download/v${PINNED_VERSION}/temporal_cli_${PINNED_VERSION}_${os}_${arch}.tar.gz`,
    `https://temporal.download/cli/archive/v${PINNED_VERSION}?platform=${os}&arch=${arch}`,
  ];
}

export interface DownloadRequest {
  readonly url: string;
  /** Null: it is compared with what `recordFile` says, where the first archive that served was recorded. */
  readonly sha256: string | null;
  readonly recordFile: string;
  /** Where the binary is written: the caller checks it and moves it into place. */
  readonly target: string;
  readonly report: ReportProgress;
  readonly connectTimeoutMs?: number;
  readonly stallTimeoutMs?: number;
}

export type DownloadResult =
  | { readonly kind: 'downloaded'; readonly sha256: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Fetches, compares and unpacks one archive. Leaves only `target`, and that only when all is well. */
export async function downloadTemporal(request: DownloadRequest): Promise<DownloadResult> {
  const archive = `${request.target}.tar.gz`;
  try {
    const sha256 = await fetchFile(request, archive);
    const expected = request.sha256 ?? (await recordedChecksum(request.recordFile)) ?? sha256;
    if (sha256 !== expected) {
      return { kind: 'failed', reason: `its SHA-256 is ${sha256}, expected ${expected}; nothing of it was used` };
    }
    request.report({ kind: 'progress', text: `unpacking Temporal ${PINNED_VERSION}` });
    await unpack(archive, request.target);
    return { kind: 'downloaded', sha256 };
  } catch (error) {
    await rm(request.target, { force: true });
    return { kind: 'failed', reason: messageOf(error) };
  } finally {
    await rm(archive, { force: true });
  }
}

async function fetchFile(request: DownloadRequest, target: string): Promise<string> {
  const controller = new AbortController();
  const giveUp = (why: string) => (): void => controller.abort(new Error(why));
  const connectMs = request.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const stallMs = request.stallTimeoutMs ?? STALL_TIMEOUT_MS;
  const total = setTimeout(giveUp(`not complete after ${TOTAL_TIMEOUT_MS / 60_000} minutes`), TOTAL_TIMEOUT_MS);
  let watchdog = setTimeout(giveUp(`no answer within ${connectMs / 1000} s`), connectMs);
  try {
    const response = await fetch(request.url, { signal: controller.signal, redirect: 'follow' });
    if (!response.ok || response.body === null)
      throw new Error(`HTTP ${response.status} ${response.statusText}`.trim());
    const length = Number(response.headers.get('content-length') ?? 0);
    const hash = createHash('sha256');
    let done = 0;
    let reportedAt = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        clearTimeout(watchdog);
        watchdog = setTimeout(giveUp(`no data for ${stallMs / 1000} s, after ${done} bytes`), stallMs);
        hash.update(chunk);
        done += chunk.length;
        if (done > MAX_ARCHIVE_BYTES) return next(new Error(`more than ${MAX_ARCHIVE_BYTES} bytes`));
        if (Date.now() - reportedAt >= REPORT_EVERY_MS || done === length) {
          reportedAt = Date.now();
          const text = `downloading Temporal ${PINNED_VERSION}`;
          request.report({ kind: 'progress', text, done, ...(length > 0 ? { total: length } : {}) });
        }
        next(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(target, { mode: 0o600 }));
    if (length > 0 && done !== length) throw new Error(`${done} of ${length} bytes came`);
    return hash.digest('hex');
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(total);
    clearTimeout(watchdog);
  }
}

/** Writes the archive's member `temporal`. A tar archive is 512-byte headers, each followed by its padded member. */
async function unpack(archive: string, target: string): Promise<void> {
  const stream = createGunzip();
  // What goes wrong ends the stream with it; that it is left in the middle is none of that.
  pipeline(createReadStream(archive), stream).catch(() => undefined);
  let pending = Buffer.alloc(0);
  let skip = 0;
  let wanted: Buffer[] | null = null;
  let missing = 0;
  for await (const chunk of stream) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length > 0) {
      if (wanted !== null && missing > 0) {
        const part = pending.subarray(0, missing);
        wanted.push(part);
        missing -= part.length;
        pending = pending.subarray(part.length);
        if (missing === 0) return await writeFile(target, wanted, { mode: 0o755, flush: true });
      } else if (skip > 0) {
        const part = Math.min(skip, pending.length);
        skip -= part;
        pending = pending.subarray(part);
      } else {
        if (pending.length < 512) break;
        const name = pending.toString('latin1', 0, 100).replace(/\0.*$/s, '');
        const size = Number.parseInt(pending.toString('latin1', 124, 136).replace(/\0.*$/s, '').trim() || '0', 8);
        pending = pending.subarray(512);
        if (name.replace(/^\.\//, '') === 'temporal') {
          wanted = [];
          missing = size;
        } else {
          skip = Math.ceil(size / 512) * 512;
        }
      }
    }
  }
  throw new Error('the archive holds no whole program named temporal');
}

/** Keeps the checksum of the first archive that served, for a platform that has no pinned one. */
export async function recordChecksum(recordFile: string, sha256: string): Promise<void> {
  await createOnce(recordFile, `${sha256}\n`);
}

async function recordedChecksum(recordFile: string): Promise<string | null> {
  return (await readIfThere(recordFile))?.trim() ?? null;
}
