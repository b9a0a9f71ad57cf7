/**
 * Upkeep of this host's repositories: loose objects go into packs, and small packs into larger ones.
 *
 * Kept true here (N8): no object is ever given up, reachable or not; git drops a copy only when a pack has had the object
 * since the upkeep before. So what a running task needs is there throughout, for its worktree and for an object folder of
 * its own, whose alternates name the mirror's: a git that had opened what is dropped looks again. Never `gc`, which
 * prunes. Only who holds the repository's lock file does it, so that no fetch runs beside it, and what an upkeep or a
 * fetch that was killed left is surely nobody's.
 */

import { join } from 'node:path';
import { namesIn, statusOf } from '../files/read.ts';
import { removeFile } from '../files/remove.ts';
import { writeAtomic } from '../files/write.ts';
import { GitError } from './command.ts';
import type { Git } from './git.ts';
import type { Repositories } from './repository.ts';
import type { UpkeepLimits, Upkept } from './types.ts';
import { mirrorFolder } from './write-repository.ts';

export interface UpkeepDeps {
  readonly home: string;
  readonly git: Git;
  readonly repositories: Repositories;
}

const LIMITS: UpkeepLimits = { loose: 4_000, packs: 30, idleMs: 30_000, timeoutMs: 60_000 };
const URGENT = 4;
const INDEX = 'multi-pack-index';
/** What a process writes aside has its name by then, or its writer is dead. */
const ASIDE_KEPT_MS = 60 * 60_000;
/** A pack of this size is not written again. */
const LARGE_BYTES = 256 * 1024 * 1024;

interface Kept {
  readonly gitDir: string;
  readonly objects: string;
}

export async function keepUp(deps: UpkeepDeps, asked: Partial<UpkeepLimits>): Promise<readonly Upkept[]> {
  const limits = { ...LIMITS, ...asked };
  const done: Upkept[] = [];
  for (const kept of await repositoriesIn(deps.home)) {
    const { loose, packs } = await countsOf(kept.objects);
    const isOver = (times: number): boolean => loose > limits.loose * times || packs > limits.packs * times;
    if (!isOver(1)) continue;
    const usedMs = deps.repositories.lastUsedMs(kept.gitDir);
    const isIdle = usedMs === null || Date.now() - usedMs >= limits.idleMs;
    const seen = { repository: kept.gitDir, loose, packs };
    if (isIdle || isOver(URGENT)) done.push({ ...seen, ...(await keepOne(deps, kept, limits.timeoutMs)) });
    else done.push({ ...seen, kind: 'in-use', text: '' });
  }
  return done;
}

async function repositoriesIn(home: string): Promise<readonly Kept[]> {
  const named = async (folder: string, ending: string): Promise<readonly string[]> =>
    (await namesIn(join(home, folder))).filter((name) => name.endsWith(ending)).map((name) => join(home, folder, name));
  const mirrors = await named('mirrors', '.engine');
  const landings = await named('landing', '.git');
  return [
    ...mirrors.map((gitDir) => ({ gitDir, objects: join(mirrorFolder(gitDir), 'objects') })),
    ...landings.map((gitDir) => ({ gitDir, objects: join(gitDir, 'objects') })),
  ];
}

async function countsOf(objects: string): Promise<{ readonly loose: number; readonly packs: number }> {
  let loose = 0;
  for (const folder of await fansOf(objects)) loose += (await namesIn(folder)).length;
  return { loose, packs: (await packsIn(join(objects, 'pack'))).length };
}

async function fansOf(objects: string): Promise<readonly string[]> {
  return (await namesIn(objects)).filter((name) => /^[0-9a-f]{2}$/.test(name)).map((name) => join(objects, name));
}

function keepOne(
  { git, repositories }: UpkeepDeps,
  { gitDir, objects }: Kept,
  timeoutMs: number,
): Promise<Pick<Upkept, 'kind' | 'text'>> {
  return repositories.exclusively({ gitDir }, async () => {
    await removeLeftovers(objects);
    const untilMs = performance.now() + timeoutMs;
    const run = async (...args: readonly string[]): Promise<void> => {
      const leftMs = Math.max(1, Math.round(untilMs - performance.now()));
      await git.local(['-c', 'core.multiPackIndex=true', ...args], {
        gitDir,
        objects,
        timeoutMs: leftMs,
        ownSession: true,
      });
    };
    try {
      await run('maintenance', 'run', '--quiet', '--task=loose-objects');
      await joinPacks(run, join(objects, 'pack'));
      return { kind: 'done', text: '' };
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      return { kind: 'failed', text: error.message };
    } finally {
      await removeFile(join(objects, 'pack', INDEX));
    }
  });
}

/**
 * Git's incremental repack, step by step: the task of `git maintenance` joins two packs at a time, and here each fetch
 * makes one. All go into one; the largest stays as it is when it is as large as the others together, so that an object is
 * written anew a few times only. Git's index of packs is made anew each time, and nobody else is to read it: packs go
 * while it is old.
 */
async function joinPacks(run: (...args: readonly string[]) => Promise<void>, folder: string): Promise<void> {
  await run('multi-pack-index', 'write', '--no-progress');
  await run('multi-pack-index', 'expire', '--no-progress');
  const packs = (await packsIn(folder)).map((name) => ({ name, size: statusOf(join(folder, name))?.size ?? 0 }));
  const [largest, ...others] = packs.sort((one, other) => other.size - one.size);
  if (largest === undefined || others.length < 2) return;
  const small = others.reduce((sum, { size }) => sum + size, 0);
  const keep = join(folder, largest.name.replace(/\.pack$/, '.keep'));
  const isKept = largest.size >= Math.min(small, LARGE_BYTES);
  if (isKept) await writeAtomic(keep, '');
  try {
    await run('multi-pack-index', 'repack', '--batch-size=0', '--no-progress');
  } finally {
    if (isKept) await removeFile(keep);
  }
}

/** The packs that git knows: those with an index. */
async function packsIn(folder: string): Promise<readonly string[]> {
  const indexes = (await namesIn(folder)).filter((name) => name.endsWith('.idx'));
  return indexes.map((name) => name.replace(/\.idx$/, '.pack'));
}

/** What killed processes left: locks, packs that were kept for the time of a fetch, and files that never got their names. */
async function removeLeftovers(objects: string): Promise<void> {
  const pack = join(objects, 'pack');
  const names = await namesIn(pack);
  const kept = names.filter((name) => name.endsWith('.keep') || name.endsWith('.lock') || name === INDEX);
  const isOrphan = (name: string): boolean =>
    /\.(pack|rev)$/.test(name) && !names.includes(name.replace(/\w+$/, 'idx'));
  const aside = names.filter(isOrphan).map((name) => join(pack, name));
  for (const folder of [pack, ...(await fansOf(objects))]) {
    for (const name of await namesIn(folder)) {
      if (name.startsWith('tmp_') || name.startsWith('.tmp-')) aside.push(join(folder, name));
    }
  }
  const paths = [join(objects, 'maintenance.lock'), ...kept.map((name) => join(pack, name)), ...aside.filter(isOld)];
  for (const path of paths) await removeFile(path);
}

function isOld(path: string): boolean {
  return Date.now() - (statusOf(path)?.mtimeMs ?? Date.now()) > ASIDE_KEPT_MS;
}
