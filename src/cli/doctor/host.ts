/** The machine: programs, containment, disk. */

import { execa } from 'execa';
import { mkdir, statfs } from 'node:fs/promises';
import { readHostFile } from '../../config/host-file.ts';
import { messageOf } from '../../core/thrown.ts';
import { bad, fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';
import { checkCheckouts } from './checkouts.ts';
import { checkContainment } from './containment.ts';
import { checkEncryption } from './encryption.ts';
import { isFull, MAKE_ROOM } from './full.ts';
import { checkHeldGit } from './held-git.ts';
import { checkHostFile } from './host-file.ts';
import { checkLimits } from './limits.ts';
import { checkLeftOutside } from './left-outside.ts';
import { checkNamed } from './named.ts';
import { checkTargets } from './notices.ts';
import { checkOpenHome } from './open-home.ts';

const RUN_MS = 5_000;
const NODE_LEAST = [20, 19] as const;
const GIT_LEAST = [2, 38] as const;
const GIB = 1024 ** 3;
const MEBIBYTES_500 = GIB / 2;

/** @param bwrapPath the program; left out: it is looked for as a worker does */
export async function checkHost(session: Session, bwrapPath?: string): Promise<readonly Check[]> {
  const host = await readHostFile(session.environment.home);
  const git = await checkGit(session);
  const containment = await checkContainment(session, bwrapPath);
  // The first to make the state home, where there is none yet.
  const disk = await checkDisk(session);
  return [
    checkNode(process.versions.node),
    git,
    containment,
    // Without git, or any sandbox, those lines have said it.
    ...(git.verdict === 'ok' && containment.verdict === 'ok' ? await checkHeldGit(session) : []),
    ...checkLimits(host.kind === 'ok' ? host.value.limits.cpus : null),
    disk,
    ...(await checkOpenHome(session)),
    ...(await checkLeftOutside(session)),
    ...(await checkHostFile(session)),
    ...(await checkNamed(session)),
    ...(await checkCheckouts(session)),
    ...(await checkEncryption(session)),
    ...(await checkTargets(session)),
  ];
}

/** True when a version such as `2.39.5` is at least so new. */
function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = (/\d+(?:\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
  return a > major || (a === major && b >= minor);
}

function checkNode(version: string): Check {
  return isAtLeast(version, NODE_LEAST)
    ? fine('node', version)
    : bad('node', `${version} is older than ${NODE_LEAST.join('.')}`, 'install a newer Node from https://nodejs.org');
}

async function checkGit(session: Session): Promise<Check> {
  try {
    const { stdout } = await execa('git', ['--version'], {
      env: session.environment.all,
      extendEnv: false,
      timeout: RUN_MS,
    });
    const version = stdout.trim().replace(/^git version /, '');
    return isAtLeast(version, GIT_LEAST)
      ? fine('git', version)
      : bad(
          'git',
          `${version} is older than ${GIT_LEAST.join('.')}`,
          'install a newer git: candidates need merge-tree',
        );
  } catch (error) {
    return bad('git', messageOf(error), 'install git, and put it on the PATH');
  }
}

async function checkDisk(session: Session): Promise<Check> {
  const { home } = session.environment;
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(home);
    const free = bavail * bsize;
    const found = `${(free / GIB).toFixed(1)} GiB free in ${home}`;
    if (free < MEBIBYTES_500) return bad('disk', found, MAKE_ROOM);
    return free < 4 * GIB ? warn('disk', found, 'worktrees and logs need room: make some') : fine('disk', found);
  } catch (error) {
    const fix = isFull(error) ? MAKE_ROOM : 'set TASKS_HOME to a folder that you may write to';
    return bad('disk', `${home} cannot be used: ${messageOf(error)}`, fix);
  }
}
