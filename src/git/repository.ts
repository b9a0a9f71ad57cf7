/**
 * The engine's own repositories on this host, for each origin of a project:
 *
 * - the mirror, which worktrees belong to. Agents can write into it, so no git of the engine ever runs with its
 *   configuration; it gives the objects alone.
 * - the engine's side of the mirror: refs and configuration of the engine, objects of the mirror. All commands about
 *   workspaces and gate worktrees run with this one.
 * - the landing repository, for candidates and landing, with objects of its own (N4).
 *
 * They are written by hand in the layout that gitrepository-layout(5) documents, complete before they get their name.
 */

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseBranchName, type BranchName, type ObjectId, type ProjectName } from '../core/ids.ts';
import { exists, readText } from '../files/read.ts';
import { removeTree } from '../files/remove.ts';
import { writeAtomic } from '../files/write.ts';
import { Trust } from './broken.ts';
import type { Git } from './git.ts';
import { createLeftovers, removeHalfMade } from './leftovers.ts';
import { createMutexes, withLockFile, type Mutex } from './lock.ts';
import type { HashAlgorithm, ObjectStore } from './objects.ts';
import { fetchRefs, listRemote, missingBranch, type Problem } from './origin.ts';
import { readOriginRef } from './local-origin.ts';
import { readRef, writeRef } from './refs.ts';
import { configuration, mirrorFolder, MIRROR_EXTRA, writeRepository } from './write-repository.ts';

/** What names an origin's folders. */
export interface OriginName {
  readonly project: ProjectName;
  readonly origin: string;
}

interface Origin extends OriginName {
  readonly branch: BranchName;
}

export interface Repository {
  readonly origin: Origin;
  /** The git folder that commands run with. */
  readonly gitDir: string;
  readonly store: ObjectStore;
  /** The repository that worktrees belong to; of the landing repository null, it has none. */
  readonly mirror: string | null;
}

type Opened = { readonly kind: 'open'; readonly repository: Repository } | ({ readonly kind: 'failed' } & Problem);

export interface Repositories {
  /** The engine's side of the mirror, made on first use; poisoned parts of the mirror are put right. */
  openMirror(origin: Origin): Promise<Opened>;
  openLanding(origin: Origin): Promise<Opened>;
  /** The engine's side of a mirror that was made before; null when there is none. */
  findMirror(origin: OriginName): Promise<Repository | null>;
  /** Fetches the branch; callers that come while a fetch runs share the next one. Null when the branch is gone. */
  fetchBranch(repository: Repository): Promise<ObjectId | null>;
  /** Keeps in mind that a repository has a commit with all that it needs, so that it need not be fetched. */
  keepWhole(repository: Repository, commit: ObjectId): void;
  isWhole(repository: Repository, commit: ObjectId): boolean;
  /** Keeps nothing in mind of what a repository has. */
  forget(repository: Pick<Repository, 'gitDir'>): void;
  /** @throws BrokenObjects unless the repository has just been looked through and found whole */
  suspect(repository: Pick<Repository, 'gitDir'>, sign: string): void;
  /** One at a time for each repository, in this process and between processes. */
  exclusively<T>(repository: Pick<Repository, 'gitDir'>, work: () => Promise<T>): Promise<T>;
  /** When this process last asked for a repository, in milliseconds since the epoch; null: it never did. */
  lastUsedMs(gitDir: string): number | null;
}

/** Where a repository's commands run, and on whose objects. */
export function placeOf(repository: Repository): { gitDir: string; objects: string } {
  return { gitDir: repository.gitDir, objects: repository.store.folder };
}

/** The name of an origin's folders: readable, and never that of another origin. */
export function originKey(origin: OriginName): string {
  return `${origin.project}-${createHash('sha256').update(origin.origin).digest('hex').slice(0, 12)}`;
}

export function trackingRef(branch: string): string {
  return `refs/remotes/origin/${branch}`;
}

// What git would read beside the configuration, and what nobody needs in a mirror.
const POISONABLE = [
  'hooks',
  'info/attributes',
  'info/grafts',
  'info/exclude',
  'info/sparse-checkout',
  'objects/info/alternates',
  'objects/info/http-alternates',
  'config.worktree',
  'shallow',
  'refs/replace',
];

const MAX_WHOLE = 4_096;

function nameOf({ gitDir }: Repository, commit: ObjectId): string {
  return `${gitDir} ${commit}`;
}

export function createRepositories(home: string, git: Git, trust = new Trust()): Repositories {
  const mutexes = createMutexes();
  const trash = join(home, 'trash');
  const branchFetches = new Map<string, { running: Promise<ObjectId | null>; next: Promise<ObjectId | null> | null }>();

  const leftovers = createLeftovers();
  const usedMs = new Map<string, number>();

  const exclusively = <T>({ gitDir }: Pick<Repository, 'gitDir'>, work: () => Promise<T>): Promise<T> => {
    const mutex: Mutex = mutexes(gitDir);
    return mutex(() => withLockFile(`${gitDir}.lock`, () => leftovers.sweptBefore(gitDir, work)));
  };

  const make = async (folder: string, origin: Origin, kind: 'mirror' | 'landing'): Promise<Opened> => {
    await mkdir(dirname(folder), { recursive: true });
    return mutexes(folder)(() =>
      withLockFile(`${folder}.lock`, async (): Promise<Opened> => {
        const made = await algorithmOf(folder);
        if (made !== null) return { kind: 'open', repository: describe(folder, origin, kind, made) };
        await removeHalfMade(kind === 'mirror' ? [folder, mirrorFolder(folder)] : [folder]);
        const algorithm = await originAlgorithm(home, git, origin);
        if (algorithm === null) return { kind: 'failed', ...missingBranch(origin.origin, origin.branch) };
        if (kind === 'mirror') {
          const worktreesSide = mirrorFolder(folder);
          if (!(await exists(worktreesSide)))
            await writeRepository(worktreesSide, origin.branch, configuration(algorithm, true, MIRROR_EXTRA));
        }
        await writeRepository(
          folder,
          kind === 'mirror' ? 'none' : origin.branch,
          configuration(algorithm, kind === 'landing'),
        );
        return { kind: 'open', repository: describe(folder, origin, kind, algorithm) };
      }),
    );
  };

  const open = async (folder: string, origin: Origin, kind: 'mirror' | 'landing'): Promise<Opened> => {
    usedMs.set(folder, Date.now());
    const algorithm = await algorithmOf(folder);
    if (algorithm === null) return make(folder, origin, kind);
    await leftovers.sweepOnce(folder);
    return { kind: 'open', repository: describe(folder, origin, kind, algorithm) };
  };

  const whole = new Set<string>();

  /** Whether the branch, on an origin of this host, is at a commit that is here already. */
  const isHere = async (repository: Repository, tip: ObjectId): Promise<boolean> => {
    const { gitDir, store, origin } = repository;
    if (!whole.has(nameOf(repository, tip))) return (await readRef(gitDir, trackingRef(origin.branch))) === tip;
    return exists(join(store.folder, tip.slice(0, 2), tip.slice(2)));
  };

  const fetchNow = (repository: Repository): Promise<ObjectId | null> =>
    exclusively(repository, async () => {
      const { branch, origin } = repository.origin;
      const tip = await readOriginRef(git, origin, `refs/heads/${branch}`);
      if (tip !== null && (await isHere(repository, tip))) await writeRef(repository.gitDir, trackingRef(branch), tip);
      else await fetchRefs(git, placeOf(repository), origin, [`+refs/heads/${branch}:${trackingRef(branch)}`]);
      const id = await readRef(repository.gitDir, trackingRef(branch));
      // So that an agent finds the branch under the name that it knows it by.
      if (repository.mirror !== null && id !== null) await writeRef(repository.mirror, trackingRef(branch), id);
      return id;
    });

  return {
    openMirror: async (origin) => {
      const opened = await open(join(home, 'mirrors', `${originKey(origin)}.engine`), origin, 'mirror');
      if (opened.kind === 'open') await healMirror(opened.repository, trash);
      return opened;
    },
    openLanding: (origin) => open(join(home, 'landing', `${originKey(origin)}.git`), origin, 'landing'),
    findMirror: async (name) => {
      const folder = join(home, 'mirrors', `${originKey(name)}.engine`);
      usedMs.set(folder, Date.now());
      const algorithm = await algorithmOf(folder);
      if (algorithm === null || !(await exists(mirrorFolder(folder)))) return null;
      // Who stores what is in a mirror does not ask for its branch.
      const branch = parseBranchName('main');
      if (branch.kind === 'invalid') throw new Error(branch.message);
      await leftovers.sweepOnce(folder);
      const repository = describe(folder, { ...name, branch: branch.value }, 'mirror', algorithm);
      await healMirror(repository, trash);
      return repository;
    },
    exclusively,
    lastUsedMs: (gitDir) => usedMs.get(gitDir) ?? null,
    keepWhole: (repository, commit) => {
      const oldest = whole.values().next();
      if (whole.size >= MAX_WHOLE && oldest.done !== true) whole.delete(oldest.value);
      whole.add(nameOf(repository, commit));
    },
    isWhole: (repository, commit) => whole.has(nameOf(repository, commit)),
    forget: ({ gitDir }) => {
      for (const name of whole) if (name.startsWith(`${gitDir} `)) whole.delete(name);
    },
    suspect: ({ gitDir }, sign) => trust.suspect(gitDir, sign),
    fetchBranch: (repository) => {
      const key = `${repository.gitDir}\0${repository.origin.branch}`;
      const start = (): Promise<ObjectId | null> => {
        const running = fetchNow(repository);
        const entry = { running, next: null };
        branchFetches.set(key, entry);
        const clear = (): void => {
          if (branchFetches.get(key) === entry && entry.next === null) branchFetches.delete(key);
        };
        running.then(clear, clear);
        return running;
      };
      const current = branchFetches.get(key);
      if (current !== undefined) {
        // A fetch that is under way may have asked before the caller did: only the one after it is new enough.
        current.next ??= current.running.then(
          () => start(),
          () => start(),
        );
        return current.next;
      }
      return start();
    },
  };
}

/** What a repository's worktrees belong to. */
export function mirrorOf({ mirror, gitDir }: Repository): string {
  return mirror ?? gitDir;
}

function describe(folder: string, origin: Origin, kind: 'mirror' | 'landing', algorithm: HashAlgorithm): Repository {
  const mirror = kind === 'mirror' ? mirrorFolder(folder) : null;
  return { origin, gitDir: folder, store: { folder: join(mirror ?? folder, 'objects'), algorithm }, mirror };
}

/** The hash that a repository of the engine was made with; null when there is none yet. */
async function algorithmOf(folder: string): Promise<HashAlgorithm | null> {
  const config = await readText(join(folder, 'config'));
  if (config === null) return null;
  return config.includes('objectformat = sha256') ? 'sha256' : 'sha1';
}

/** The origin's hash, told from the length of its ids; null when it has no such branch. */
async function originAlgorithm(home: string, git: Git, origin: Origin): Promise<HashAlgorithm | null> {
  const probe = join(home, 'trash', `probe-${randomBytes(6).toString('hex')}`);
  await writeRepository(probe, 'none', configuration('sha1', true));
  try {
    const refs = await listRemote(git, probe, origin.origin, [`refs/heads/${origin.branch}`]);
    const id = refs.get(`refs/heads/${origin.branch}`);
    if (id === undefined) return null;
    return id.length === 64 ? 'sha256' : 'sha1';
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

/** Puts right what an agent may have changed in the mirror, so that no other agent's git runs it. */
async function healMirror(repository: Repository, trash: string): Promise<void> {
  const { mirror, store } = repository;
  if (mirror === null) return;
  const expected = configuration(store.algorithm, true, MIRROR_EXTRA);
  if (!(await exists(join(mirror, 'objects')))) {
    // Refs that name lost objects would make the next fetch believe that it has them.
    await removeTree(join(repository.gitDir, 'refs'), trash);
    await mkdir(join(repository.gitDir, 'refs/heads'), { recursive: true });
    await removeTree(mirror, trash);
    await writeRepository(mirror, repository.origin.branch, expected);
  }
  if ((await readText(join(mirror, 'config'))) !== expected) {
    await removeTree(join(mirror, 'config'), trash);
    await writeAtomic(join(mirror, 'config'), expected, 0o644);
  }
  await Promise.all(
    POISONABLE.map(async (name) => {
      if (await exists(join(mirror, name))) await removeTree(join(mirror, name), trash);
    }),
  );
}
