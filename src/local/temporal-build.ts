/** Temporal from source: `go build` by the go.mod and go.sum of infra/temporal, which pin every module's hash. */

import { spawn } from 'node:child_process';
import { execa } from 'execa';
import { codeOf, messageOf } from '../core/thrown.ts';
import type { ReportProgress } from './report.ts';
import { PINNED_VERSION } from './temporal-version.ts';

const BUILD_TIMEOUT_MS = 15 * 60_000;
const SAY_EVERY_MS = 15_000;
const LEAST_GO = [1, 25] as const;
const PACKAGE = 'github.com/temporalio/cli/cmd/temporal';

export type BuildResult = { readonly kind: 'built' } | { readonly kind: 'failed'; readonly reason: string };

export interface BuildRequest {
  readonly infraDir: string;
  readonly target: string;
  /** The environment of `go`: PATH, HOME and what reaches the module proxy. */
  readonly env: Readonly<Record<string, string>>;
  readonly report: ReportProgress;
}

/** Builds the pinned version into `target`: some two minutes on two cores, the modules' download included. */
export async function buildTemporal(request: BuildRequest): Promise<BuildResult> {
  const env = { ...request.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  const go = await findGo(env);
  if (go !== null) return { kind: 'failed', reason: go };
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
    const args = [
      'build',
      '-trimpath',
      '-ldflags',
      `-s -w -X github.com/temporalio/cli/temporalcli.Version=${PINNED_VERSION}`,
    ];
    return await runGo([...args, '-o', request.target, PACKAGE], request.infraDir, env);
  } finally {
    clearInterval(ticking);
  }
}

async function findGo(env: Readonly<Record<string, string>>): Promise<string | null> {
  try {
    const { stdout } = await execa('go', ['env', 'GOVERSION'], { env, extendEnv: false, timeout: 10_000 });
    const [major, minor] = (/^go(\d+)\.(\d+)/.exec(stdout.trim()) ?? []).slice(1).map(Number);
    if (major === undefined || minor === undefined) return `go prints no version: ${stdout.trim().slice(0, 60)}`;
    const isOld = major < LEAST_GO[0] || (major === LEAST_GO[0] && minor < LEAST_GO[1]);
    return isOld ? `go is ${major}.${minor}; ${LEAST_GO.join('.')} is the least` : null;
  } catch (error) {
    return codeOf(error) === 'ENOENT'
      ? 'no go on the PATH'
      : `go does not run: ${messageOf(error).split('\n')[0] ?? ''}`;
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
    process.once('exit', interrupt);
    const finish = (result: BuildResult): void => {
      clearTimeout(timer);
      process.off('exit', interrupt);
      resolve(result);
    };
    child.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-2_000);
    });
    child.once('error', (error) => finish({ kind: 'failed', reason: messageOf(error) }));
    child.once('close', (code) => {
      if (code === 0) return finish({ kind: 'built' });
      const last = output.trim().split('\n').slice(-3).join(' | ');
      const why = cut ? `not complete after ${BUILD_TIMEOUT_MS / 60_000} minutes` : `go build exited with ${code}`;
      finish({ kind: 'failed', reason: last === '' ? why : `${why}: ${last}` });
    });
  });
}
