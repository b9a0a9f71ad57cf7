/** Temporal from source: `go build` by the go.mod and go.sum of infra/temporal, which pin every module's hash. */

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { codeOf, messageOf } from '../core/thrown.ts';
import type { ReportProgress } from './report.ts';
import { PINNED_VERSION } from './temporal-version.ts';

const BUILD_TIMEOUT_MS = 15 * 60_000;
const SAY_EVERY_MS = 15_000;
const LEAST_GO = [1, 25] as const;
/** Its folder's name goes on with the number of its process. */
export const SCRATCH = 'go-build-';
/** How modules are reached, and caches that the person has a place for. */
const KEPT: ReadonlySet<string> = new Set(
  'GOPROXY GOSUMDB GONOPROXY GONOSUMDB GOPRIVATE GOINSECURE GOAUTH GOVCS GOMODCACHE GOCACHE'.split(' '),
);
const PACKAGE = 'github.com/temporalio/cli/cmd/temporal';

export type BuildResult = { readonly kind: 'built' } | { readonly kind: 'failed'; readonly reason: string };

export interface BuildRequest {
  readonly infraDir: string;
  readonly target: string;
  /** The environment of `go`: PATH, HOME and what reaches the module proxy. */
  readonly env: Readonly<Record<string, string>>;
  readonly report: ReportProgress;
}

/**
 * Builds the pinned version into `target`: some two minutes on two cores, the modules' download included. What go
 * downloads and compiles on the way, some gigabytes, goes into a folder beside the target, which is gone at the end.
 */
export async function buildTemporal(request: BuildRequest): Promise<BuildResult> {
  const folder = dirname(request.target);
  const scratch = await mkdtemp(join(folder, `${SCRATCH}${process.pid}-`));
  const clear = (): void => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  // The second Ctrl-C ends this process, and leaves nothing either.
  process.once('exit', clear);
  try {
    return await buildIn(scratch, request);
  } finally {
    process.off('exit', clear);
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function buildIn(scratch: string, request: BuildRequest): Promise<BuildResult> {
  const base = {
    ...request.env,
    ...ownFolders(scratch, request.env),
    CGO_ENABLED: '0',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    GOTELEMETRY: 'off',
  };
  const go = await askGo(base);
  if (go.kind === 'failed') return go;
  const { GOMODCACHE, GOCACHE } = go.settings;
  const env = {
    ...base,
    ...go.settings,
    GOENV: 'off',
    GOCACHE: GOCACHE ?? join(scratch, 'build'),
    GOMODCACHE: GOMODCACHE ?? join(scratch, 'modules'),
    // Modules are read-only otherwise, and their folder could not be removed.
    GOFLAGS: `-mod=readonly${GOMODCACHE === undefined ? ' -modcacherw' : ''}`,
  };
  const startedAt = Date.now();
  const say = (): void => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    request.report({
      kind: 'progress',
      text: `building Temporal ${PINNED_VERSION} with go, some minutes (${seconds} s so far)`,
    });
  };
  say();
  const ticking = setInterval(say, SAY_EVERY_MS);
  try {
    const version = `-s -w -X github.com/temporalio/cli/temporalcli.Version=${PINNED_VERSION}`;
    const args = ['build', '-trimpath', '-ldflags', version, '-o', request.target, PACKAGE];
    return await runGo(args, request.infraDir, env);
  } finally {
    clearInterval(ticking);
  }
}

/** Go keeps notes of its use in the person's configuration folder; the settings there are read all the same. */
function ownFolders(scratch: string, env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (process.platform !== 'linux') return {};
  const configuration = env['XDG_CONFIG_HOME'] ?? (env['HOME'] === undefined ? null : join(env['HOME'], '.config'));
  const settings = env['GOENV'] ?? (configuration === null ? null : join(configuration, 'go', 'env'));
  return { XDG_CONFIG_HOME: join(scratch, 'configuration'), ...(settings === null ? {} : { GOENV: settings }) };
}

type Go =
  | { readonly kind: 'go'; readonly settings: Readonly<Partial<Record<string, string>>> }
  | { readonly kind: 'failed'; readonly reason: string };

function failed(reason: string): Go {
  return { kind: 'failed', reason };
}

/** Whether there is a go that is new enough, and what the person has set for it about modules and caches. */
async function askGo(env: Readonly<Record<string, string>>): Promise<Go> {
  const ask = async (args: readonly string[]): Promise<string> =>
    (await execa('go', ['env', ...args], { env, extendEnv: false, timeout: 10_000 })).stdout.trim();
  try {
    const version = await ask(['GOVERSION']);
    const [major, minor] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
    if (major === undefined || minor === undefined) return failed(`go prints no version: ${version.slice(0, 60)}`);
    const isOld = major < LEAST_GO[0] || (major === LEAST_GO[0] && minor < LEAST_GO[1]);
    if (isOld) return failed(`go is ${major}.${minor}; ${LEAST_GO.join('.')} is the least`);
    const changed = JSON.parse(await ask(['-json', '-changed'])) as Readonly<Record<string, string>>;
    return { kind: 'go', settings: Object.fromEntries(Object.entries(changed).filter(([name]) => KEPT.has(name))) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return failed('no go on the PATH');
    return failed(`go does not run: ${messageOf(error).split('\n')[0] ?? ''}`);
  }
}

function runGo(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<BuildResult> {
  return new Promise((resolve) => {
    // A group of its own: the compilers that go starts end with it.
    const child = spawn('go', args, { cwd, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    let cut = false;
    const kill = (): void => {
      cut = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const interrupt = (): void => kill();
    const timer = setTimeout(kill, BUILD_TIMEOUT_MS);
    // Before the one that removes the folder: nothing writes there any more.
    process.prependOnceListener('exit', interrupt);
    const finish = (result: BuildResult): void => {
      clearTimeout(timer);
      process.off('exit', interrupt);
      resolve(result);
    };
    child.once('error', (error) => finish({ kind: 'failed', reason: messageOf(error) }));
    // Without a free descriptor there is none, and the error comes.
    const stderr: Readable | undefined = child.stderr;
    stderr?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-2_000);
    });
    child.once('close', (code, signal) => {
      if (code === 0) return finish({ kind: 'built' });
      const last = output.trim().split('\n').slice(-3).join(' | ');
      const ended = signal === null ? `exited with ${code}` : `was ended by ${signal}; is the machine short of memory?`;
      const why = cut ? `not complete after ${BUILD_TIMEOUT_MS / 60_000} minutes` : `go build ${ended}`;
      finish({ kind: 'failed', reason: last === '' ? why : `${why}: ${last}` });
    });
  });
}
