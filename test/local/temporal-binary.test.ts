import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Progress } from '../../src/local/report.ts';
import { buildTemporal } from '../../src/local/temporal-build.ts';
import { obtainTemporal, type ObtainRequest, platform } from '../../src/local/temporal-binary.ts';
import { judgeVersion, PINNED_VERSION } from '../../src/local/temporal-version.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { tempFolder } from '../support/temp.ts';

const GOOD = script('temporal version 1.7.2 (Server 1.31.0, UI 2.50.0)');
const OLD = script('temporal version 1.1.0 (Server 1.25.0, UI 2.30.0)');
const PINNED = script(`temporal version ${PINNED_VERSION} (Server 1.29.1, UI 2.42.1)`);

function script(prints: string): string {
  return `#!/bin/sh\necho '${prints}'\n`;
}

function member(name: string, text: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124);
  const body = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  body.write(text);
  return Buffer.concat([header, body]);
}

/** A tar archive of a licence and a program, zipped, as the release's is. */
function archiveOf(program: string): Buffer {
  const large = 'x'.repeat(200_000);
  return gzipSync(Buffer.concat([member('LICENSE', large), member('temporal', program), Buffer.alloc(1024)]));
}

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

let server: Server;
let answer: RequestListener;
let url: string;
let root: string;
let progress: Progress[];

beforeEach(async () => {
  progress = [];
  root = await tempFolder('binary');
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/temporal.tar.gz`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function program(folder: string, text: string): Promise<string> {
  const path = join(root, folder);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'temporal'), text);
  await chmod(join(path, 'temporal'), 0o755);
  return path;
}

/** Only what a script needs is on the PATH, and no go. */
function request(more: Partial<ObtainRequest> = {}): ObtainRequest {
  return {
    pathEnv: join(root, 'nothing'),
    cacheDir: join(root, 'cache'),
    infraDir: join(root, 'infra'),
    report: (event) => progress.push(event),
    archive: { urls: [], sha256: null },
    ...more,
  };
}

function serve(body: Buffer): void {
  answer = (_request, response) => response.writeHead(200, { 'content-length': body.length }).end(body);
}

const cachedName = `temporal-${PINNED_VERSION}-${platform()}`;

/** A go that says what it was given, and then does this; HOME is the test's folder. */
function fakeGo(last: string): string {
  return `#!/bin/sh
case "$*" in
  'env GOVERSION') echo go1.26.0 ;;
  'env -json -changed') cat "$HOME/changed.json" ;;
  *)
    env | sort > "$HOME/environment"
    mkdir -p "$GOMODCACHE/m" "$GOCACHE"
    while [ "$1" != -o ]; do shift; done
    ${last}
esac
`;
}

const BUILDS = 'cp "$HOME/pinned" "$2"; chmod 755 "$2"';

/** Obtains a Temporal where only a build can serve; what go was given. */
async function build(changed: Readonly<Record<string, string>>, last = BUILDS, env: Record<string, string> = {}) {
  await writeFile(join(root, 'pinned'), PINNED);
  await writeFile(join(root, 'changed.json'), JSON.stringify(changed));
  await mkdir(join(root, 'infra'), { recursive: true });
  const folder = await program('go', PINNED);
  await rm(join(folder, 'temporal'));
  await writeFile(join(folder, 'go'), fakeGo(last), { mode: 0o755 });
  const pathEnv = `${folder}:/usr/bin:/bin`;
  const result = await obtainTemporal(request({ pathEnv, env: { HOME: root, ...env } }));
  const seen = await readFile(join(root, 'environment'), 'utf8');
  const given = Object.fromEntries(seen.split('\n').map((line) => line.split('=', 2) as [string, string]));
  return { result, given };
}

describe('obtaining Temporal', () => {
  it('takes the first one on the PATH that is new enough and runs, past broken and old ones', async () => {
    const broken = await program('broken', '#!/bin/sh\nexit 3\n');
    const old = await program('old', OLD);
    const good = await program('good', GOOD);
    const result = await obtainTemporal(request({ pathEnv: [broken, old, good].join(':') }));
    expect(result).toEqual({ kind: 'ready', binary: join(good, 'temporal'), from: 'path', version: '1.31.0' });
    expect(progress).toEqual([]);
  });

  it('names one that a relative folder of the PATH has so that it can be started from any folder', async () => {
    const good = await program('good', GOOD);
    const result = await obtainTemporal(request({ pathEnv: relative(process.cwd(), good) }));
    expect(result).toMatchObject({ kind: 'ready', binary: join(good, 'temporal'), from: 'path' });
  });

  it('takes the copy in the cache when the PATH has none that serves', async () => {
    await mkdir(join(root, 'cache'));
    await writeFile(join(root, 'cache', cachedName), PINNED, { mode: 0o755 });
    const result = await obtainTemporal(request({ pathEnv: await program('old', OLD) }));
    expect(result).toMatchObject({ kind: 'ready', from: 'cache', binary: join(root, 'cache', cachedName) });
  });

  it('obtains none by other means where the copy in the cache meets a limit of its account, and names that', async () => {
    await mkdir(join(root, 'cache'));
    const crash = 'echo "runtime: failed to create new OS thread (have 3 already; errno=11)" >&2; exit 2';
    await writeFile(join(root, 'cache', cachedName), `#!/bin/sh\n${crash}\n`, { mode: 0o755 });
    const archive = archiveOf(PINNED);
    serve(archive);
    const result = await obtainTemporal(request({ archive: { urls: [url], sha256: sha256(archive) } }));
    expect(result).toMatchObject({
      kind: 'failed',
      failure: {
        message: 'the copy in the cache does not run: its account may have no more processes and threads',
        next: expect.stringContaining('ulimit -u'),
      },
    });
    expect(progress).toEqual([]);
    expect(await readdir(join(root, 'cache'))).toEqual([cachedName]);
  });

  it('downloads the release, reports its size and progress, and finds it in the cache the next time', async () => {
    const archive = archiveOf(PINNED);
    serve(archive);
    const wish = request({ archive: { urls: [url], sha256: sha256(archive) } });
    expect(await obtainTemporal(wish)).toMatchObject({ kind: 'ready', from: 'download', version: '1.29.1' });
    expect(progress).toContainEqual(expect.objectContaining({ done: archive.length, total: archive.length }));
    expect(await obtainTemporal(wish)).toMatchObject({ kind: 'ready', from: 'cache' });
    expect((await stat(join(root, 'cache', cachedName))).mode & 0o777).toBe(0o755);
    expect(await readFile(join(root, 'cache', `${cachedName}.origin`), 'utf8')).toContain(sha256(archive));
  });

  it('refuses an archive of another checksum, and leaves nothing of it', async () => {
    serve(archiveOf(PINNED));
    const result = await obtainTemporal(request({ archive: { urls: [url], sha256: '0'.repeat(64) } }));
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'no-temporal' } });
    expect(JSON.stringify(result)).toContain('SHA-256');
    expect(await readdir(join(root, 'cache'))).toEqual([]);
  });

  it('records the checksum of the first archive that served, and refuses another one later', async () => {
    const wish = request({ archive: { urls: [url], sha256: null } });
    serve(archiveOf(OLD));
    expect(await obtainTemporal(wish)).toMatchObject({ kind: 'failed' });
    serve(archiveOf(PINNED));
    expect(await obtainTemporal(wish)).toMatchObject({ kind: 'ready', from: 'download' });
    await rm(join(root, 'cache', cachedName));
    serve(archiveOf(GOOD));
    const result = await obtainTemporal(wish);
    expect(result).toMatchObject({ kind: 'failed' });
    expect(JSON.stringify(result)).toContain('SHA-256');
  });

  it('goes on to the next address after a download that is cut off', async () => {
    const archive = archiveOf(PINNED);
    answer = (incoming, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      if (incoming.url === '/cut') response.write(archive.subarray(0, 100), () => response.destroy());
      else response.end(archive);
    };
    const urls = [new URL('/cut', url).href, url];
    const result = await obtainTemporal(request({ archive: { urls, sha256: sha256(archive) } }));
    expect(result).toMatchObject({ kind: 'ready', from: 'download' });
  });

  it.each([
    ['does not answer', 100, 60_000, 'no answer within 0.1 s'],
    ['stalls', 60_000, 100, 'no data for 0.1 s'],
  ])('gives up an address that %s within its time-out', async (what, connectTimeoutMs, stallTimeoutMs, says) => {
    answer = (_incoming, response) => {
      if (what === 'stalls') response.writeHead(200, { 'content-length': 1000 }).write('x');
    };
    const timeouts = { connectTimeoutMs, stallTimeoutMs };
    const result = await obtainTemporal(request({ timeouts, archive: { urls: [url], sha256: null } }));
    expect(JSON.stringify(result)).toContain(says);
  });

  it('serves two at once', async () => {
    const archive = archiveOf(PINNED);
    serve(archive);
    const wish = request({ archive: { urls: [url], sha256: sha256(archive) } });
    const both = await Promise.all([obtainTemporal(wish), obtainTemporal(wish)]);
    expect(both.map((result) => result.kind)).toEqual(['ready', 'ready']);
    expect((await readdir(join(root, 'cache'))).sort()).toEqual([cachedName, `${cachedName}.origin`]);
  });

  describe('by a build', () => {
    it('keeps what go makes on the way in a folder beside the cache, and removes it', async () => {
      const { result, given } = await build({});
      expect(result).toMatchObject({ kind: 'ready', from: 'build' });
      for (const name of ['GOMODCACHE', 'GOCACHE']) expect(given[name]).toContain(join(root, 'cache', 'go-build-'));
      expect(given).toMatchObject({ GOENV: 'off', GOTELEMETRY: 'off', GOFLAGS: '-mod' });
      expect((await readdir(join(root, 'cache'))).sort()).toEqual([cachedName, `${cachedName}.origin`]);
      expect((await readdir(root)).sort()).toEqual(['cache', 'changed.json', 'environment', 'go', 'infra', 'pinned']);
    });

    it('uses the caches and the module proxy that the person has set', async () => {
      const modules = join(root, 'modules');
      const { given } = await build({ GOMODCACHE: modules, GOPROXY: 'https://proxy.example', GOOS: 'plan9' });
      expect(given).toMatchObject({ GOMODCACHE: modules, GOPROXY: 'https://proxy.example' });
      expect(given['GOCACHE']).toContain('go-build-');
      expect(given).not.toHaveProperty('GOOS');
      expect(await readdir(modules)).toEqual(['m']);
    });

    it('leaves nothing when it fails, nor of one that was killed', async () => {
      const left = join(root, 'cache', 'go-build-999999999-x');
      await mkdir(left, { recursive: true });
      for (const end of ['', '.tar.gz'])
        await writeFile(join(root, 'cache', `${cachedName}.999999999-0a1b2c3d${end}`), '');
      const { result } = await build({}, 'echo no such module >&2; exit 1');
      expect(JSON.stringify(result)).toContain('go build exited with 1: no such module');
      expect(await readdir(join(root, 'cache'))).toEqual([]);
    });

    it('says that go was killed, and takes nothing that it had written by then', async () => {
      const { result } = await build({}, 'head -c 20 "$HOME/pinned" > "$2"; chmod 755 "$2"; kill -9 $$');
      expect(JSON.stringify(result)).toContain('go build was ended by SIGKILL; is the machine short of memory?');
      expect(await readdir(join(root, 'cache'))).toEqual([]);
    });

    (process.platform === 'linux' ? it : it.skip)('says that no descriptor was free for go', async () => {
      await mkdir(join(root, 'cache'));
      await writeFile(join(root, 'changed.json'), '{}');
      await writeFile(join(root, 'go'), fakeGo('exit 0'), { mode: 0o755 });
      const taken: (() => void)[] = [];
      const building = buildTemporal({
        infraDir: root,
        target: join(root, 'cache', 'target'),
        env: { HOME: root, PATH: `${root}:/usr/bin:/bin` },
        // Told right before go is started.
        report: () => void taken.push(takeAllDescriptors()),
      });
      const result = await building.finally(() => taken.forEach((giveBack) => giveBack()));
      expect(result).toEqual({ kind: 'failed', reason: expect.stringContaining('EMFILE') });
    });

    it('says first why nothing was downloaded', async () => {
      answer = (_request, response) => response.writeHead(403).end();
      await obtainTemporal(request({ archive: { urls: [url], sha256: null } }));
      expect(progress).toContainEqual(
        expect.objectContaining({ text: expect.stringMatching(/^no Temporal from 127.*403/), lasting: true }),
      );
    });
  });

  it('names everything that was tried, each with its reason, when all fails', async () => {
    answer = (_request, response) => response.writeHead(404).end();
    const old = await program('old', OLD);
    const result = await obtainTemporal(request({ pathEnv: old, archive: { urls: [url], sha256: null } }));
    if (result.kind !== 'failed') throw new Error('something was obtained');
    expect(result.tried.map(({ what }) => what)).toEqual([
      join(old, 'temporal'),
      'the copy in the cache',
      url,
      `go build in ${join(root, 'infra')}`,
    ]);
    expect(result.tried.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('1.1.0'),
      expect.stringContaining('there is no'),
      expect.stringContaining('404'),
      'no go on the PATH',
    ]);
    expect(result.failure.next).toContain('TEMPORAL_ADDRESS');
  });
});

describe('the version of a Temporal', () => {
  it.each([
    ['temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)', 'serves'],
    ['temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)', 'serves'],
    ['temporal version 2.0.0-rc.1 (Server 1.30.0, UI 2.42.1)', 'serves'],
    ['temporal version 1.5.0 (Server 1.29.0, UI 2.42.1)', 'refused'],
    ['temporal version 1.6.0 (Server 1.28.9, UI 2.42.1)', 'refused'],
    ['tctl version 1.18', 'refused'],
    ['', 'refused'],
  ])('%s: %s', (printed, kind) => {
    expect(judgeVersion(printed).kind).toBe(kind);
  });
});
