/**
 * Obtains a Temporal that can serve: from the PATH, the cache, the official release, or the Go module proxy. Owns the
 * cache folder, and keeps true that a file under the cached name is whole and has run: it is made under another name
 * and renamed, so that two at once are harmless.
 */

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, mkdir, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import type { MetLimit } from '../core/met-limit.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import type { LocalFailure, ReportProgress } from './report.ts';
import { identify } from './processes.ts';
import { buildTemporal, SCRATCH } from './temporal-build.ts';
import { ARCHIVE_SHA256, archiveUrls, downloadTemporal, recordChecksum } from './temporal-download.ts';
import { checkBinary, PINNED_VERSION } from './temporal-version.ts';

const MAX_ON_PATH = 8;

export interface ObtainRequest {
  /** The PATH. */
  readonly pathEnv: string;
  readonly cacheDir: string;
  /** The folder with the go.mod that pins Temporal. */
  readonly infraDir: string;
  readonly report: ReportProgress;
  /** The environment of a `go build` (HOME, GOPROXY, …); its PATH is `pathEnv`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the archive is to be had instead, and its checksum. */
  readonly archive?: { readonly urls: readonly string[]; readonly sha256: string | null };
  readonly timeouts?: { readonly connectTimeoutMs: number; readonly stallTimeoutMs: number };
}

interface TemporalBinary {
  readonly kind: 'ready';
  readonly binary: string;
  readonly from: 'path' | 'cache' | 'download' | 'build';
  /** Of the server. */
  readonly version: string;
}

/** Something that was tried, and why it did not serve. */
interface Tried {
  readonly what: string;
  readonly reason: string;
  /** Left out: it spoke of none. */
  readonly limit?: MetLimit;
}

export type ObtainResult =
  | TemporalBinary
  | { readonly kind: 'failed'; readonly failure: LocalFailure; readonly tried: readonly Tried[] };

/** The first Temporal that serves. The PATH and the cache take some 0.1 s; the rest is slow and reported. */
export async function obtainTemporal(request: ObtainRequest): Promise<ObtainResult> {
  const tried: Tried[] = [];
  const cached = join(request.cacheDir, `temporal-${PINNED_VERSION}-${platform()}`);
  const here =
    (await fromPath(request.pathEnv, tried)) ?? (await accept(cached, 'cache', 'the copy in the cache', tried));
  if (here !== null) return here;
  // Another copy would not run either, and is hundreds of megabytes.
  const limited = tried.find(({ limit }) => limit !== undefined);
  if (limited?.limit !== undefined) return { kind: 'failed', failure: unable(limited, limited.limit), tried: [] };
  const made = await makeCached(request, cached, tried);
  return made ?? { kind: 'failed', failure: explain(tried), tried };
}

/** Such as `linux-amd64`, in the words of the release's archives. */
export function platform(): string {
  return `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
}

async function fromPath(pathEnv: string, tried: Tried[]): Promise<TemporalBinary | null> {
  const seen = new Set<string>();
  for (const folder of pathEnv.split(delimiter)) {
    if (folder === '' || seen.size >= MAX_ON_PATH) continue;
    // It is started from another folder.
    const candidate = join(resolve(folder), 'temporal');
    const real = await access(candidate, constants.X_OK).then(
      () => realpath(candidate),
      () => null,
    );
    if (real === null || seen.has(real)) continue;
    seen.add(real);
    const found = await accept(candidate, 'path', candidate, tried);
    if (found !== null) return found;
  }
  if (seen.size === 0) tried.push({ what: 'the PATH', reason: 'has no temporal' });
  return null;
}

async function accept(
  binary: string,
  from: TemporalBinary['from'],
  what: string,
  tried: Tried[],
): Promise<TemporalBinary | null> {
  const isThere = await access(binary, constants.F_OK).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    tried.push({ what, reason: `there is no ${binary}` });
    return null;
  }
  const check = await checkBinary(binary);
  if (check.kind === 'serves') return { kind: 'ready', binary, from, version: check.server };
  tried.push(
    check.kind === 'limited'
      ? { what, reason: `does not run: ${check.limit.what}`, limit: check.limit }
      : { what, reason: check.reason },
  );
  return null;
}

async function makeCached(request: ObtainRequest, cached: string, tried: Tried[]): Promise<TemporalBinary | null> {
  const target = `${cached}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(request.cacheDir, { recursive: true, mode: 0o755 });
    await removeLeftovers(request.cacheDir);
    return (await fromRelease(request, cached, target, tried)) ?? (await fromSource(request, cached, target, tried));
  } catch (error) {
    tried.push({ what: `the cache folder ${request.cacheDir}`, reason: messageOf(error) });
    return null;
  } finally {
    await rm(target, { force: true });
  }
}

/** What was being made by a process that was killed; that of a running one has its process. */
const HALF_MADE = new RegExp(`^(?:${SCRATCH}(\\d+)-|temporal-.*\\.(\\d+)-[0-9a-f]{8}(?:\\.tar\\.gz)?$)`);

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, build, file] = HALF_MADE.exec(name) ?? [];
    const pid = build ?? file;
    if (pid !== undefined && (await identify(Number(pid))) === null) {
      await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

async function fromRelease(
  request: ObtainRequest,
  cached: string,
  target: string,
  tried: Tried[],
): Promise<TemporalBinary | null> {
  const { urls, sha256 } = request.archive ?? {
    urls: archiveUrls(platform()),
    sha256: ARCHIVE_SHA256[platform()] ?? null,
  };
  if (urls.length === 0) tried.push({ what: 'the official release', reason: `has no archive for ${platform()}` });
  const recordFile = `${cached}.archive-sha256`;
  for (const url of urls) {
    request.report({ kind: 'progress', text: `downloading Temporal ${PINNED_VERSION} from ${new URL(url).host}` });
    const result = await downloadTemporal({
      url,
      sha256,
      recordFile,
      target,
      report: request.report,
      ...request.timeouts,
    });
    if (result.kind === 'failed') {
      tried.push({ what: url, reason: result.reason });
      const text = `no Temporal from ${new URL(url).host}: ${oneLine(result.reason, 200)}`;
      request.report({ kind: 'progress', text, lasting: true });
      continue;
    }
    const installed = await install(target, cached, 'download', url, tried);
    if (installed === null) continue;
    if (sha256 === null) await recordChecksum(recordFile, result.sha256);
    await writeFile(`${cached}.origin`, `${url}\nsha256 of the archive: ${result.sha256}\n`);
    return installed;
  }
  return null;
}

async function fromSource(
  request: ObtainRequest,
  cached: string,
  target: string,
  tried: Tried[],
): Promise<TemporalBinary | null> {
  const what = `go build in ${request.infraDir}`;
  const { infraDir, report } = request;
  const built = await buildTemporal({ infraDir, target, report, env: { ...request.env, PATH: request.pathEnv } });
  if (built.kind === 'failed') {
    tried.push({ what, reason: built.reason });
    return null;
  }
  const installed = await install(target, cached, 'build', what, tried);
  if (installed !== null) await writeFile(`${cached}.origin`, 'built by go from infra/temporal/go.mod\n');
  return installed;
}

/** Moves a new binary into the cache once it has run. */
async function install(
  target: string,
  cached: string,
  from: TemporalBinary['from'],
  what: string,
  tried: Tried[],
): Promise<TemporalBinary | null> {
  await chmod(target, 0o755);
  const accepted = await accept(target, from, what, tried);
  if (accepted === null) return null;
  await rename(target, cached);
  return { ...accepted, binary: cached };
}

function unable({ what, reason }: Tried, { next }: MetLimit): LocalFailure {
  return { kind: 'no-temporal', message: `${what} ${reason}`, next };
}

function explain(tried: readonly Tried[]): LocalFailure {
  return {
    kind: 'no-temporal',
    message: `no Temporal server could be obtained: ${tried.length} ways were tried`,
    next: `put a temporal CLI of version ${PINNED_VERSION} or newer on the PATH, or install Go 1.25 or newer, or give the address of a running server in TEMPORAL_ADDRESS`,
    evidence: tried.map(({ what, reason }) => `${what}: ${reason}`).join('\n'),
  };
}
