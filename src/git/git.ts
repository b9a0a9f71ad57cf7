/** The two ways in which the engine starts git: for what stays on this host, and for reaching an origin. */

import { collect, type Collect } from './collect.ts';
import { runGit, type GitOutput } from './command.ts';
import type { Environments } from './environment.ts';

export interface GitOptions {
  /** The repository, always given: git never looks for one by itself. */
  readonly gitDir: string;
  /** Another repository's objects instead of `gitDir`'s own. */
  readonly objects?: string;
  /** What it looks at: the command then sees nothing but this, the repository and the index, and changes `desk` alone. */
  readonly worktree?: string;
  /** The folder that a command with a worktree may change. */
  readonly desk?: string;
  /** It may change the worktree, too. */
  readonly writesWorktree?: boolean;
  /** What it reads besides, such as the objects that `objects` has others from. */
  readonly reads?: readonly string[];
  readonly index?: string;
  /** More commands, in the same place, each when the one before has succeeded. */
  readonly andThen?: readonly (readonly string[])[];
  readonly input?: string | Buffer;
  readonly accept?: readonly number[];
  readonly maxOutputBytes?: number;
  readonly timeoutMs?: number;
  readonly silentMs?: number;
  /** Leads its own session, so that the processes that it starts end with it. */
  readonly ownSession?: boolean;
  /** Of network commands: the other side, on this host, sees the person's settings (line endings, filters). */
  readonly asPerson?: boolean;
  /** What the command names need not be there: that it lacks an object is no sign of a broken repository. */
  readonly mayLack?: boolean;
}

/** What of this host a command that looks at a worktree reaches. */
export interface Reach {
  readonly cwd: string;
  /** Git, which may be started by a shell. */
  readonly visible: string;
  /** The PATH by which it is found. */
  readonly path: string;
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** Makes of a command line one that reaches so much alone. */
export type Confine = (argv: readonly [string, ...string[]], reach: Reach) => readonly [string, ...string[]];

export interface GitParts {
  readonly gitPath: string;
  readonly environments: Environments;
  readonly collectWith?: Collect;
  /** Null: commands that look at a worktree reach what this process does. */
  readonly confine?: Confine | null;
}

export interface Git {
  readonly gitPath: string;
  local(args: readonly string[], options: GitOptions): Promise<GitOutput>;
  network(args: readonly string[], options: GitOptions): Promise<GitOutput>;
  /** In a person's own checkout, with that person's settings but for hooks and fsmonitor. */
  checkout(args: readonly string[], options: GitOptions): Promise<GitOutput>;
  /** Serves a push into a repository on this host, as git's own push over a path would start it; its answer. */
  receivePack(path: string, input: Buffer): Promise<GitOutput>;
  /** Whether the person's settings make git reach another place than the origin names. */
  isRewritten(origin: string): Promise<boolean>;
}

const NETWORK_TIMEOUT_MS = 120_000;
const LOCAL_TIMEOUT_MS = 120_000;
/** Of one that looks at a worktree, or writes it: that may have hundreds of thousands of files, on a slow disk. */
const WORKTREE_TIMEOUT_MS = 15 * 60_000;
/** What lies in a worktree, such as a file of rules that is all hole, is not to take all memory: git then ends with an error. */
const FRUGAL = { GIT_ALLOC_LIMIT: '1g' };
const RECEIVING = ['-c', 'receive.advertiseAtomic=true', '-c', 'receive.autogc=false'];
const OWN_SIDE = /^GIT_(CONFIG_(COUNT|KEY_\d+|VALUE_\d+|PARAMETERS)|NO_REPLACE_OBJECTS)$/;

export function createGit({ gitPath, environments, collectWith = collect, confine = null }: GitParts): Git {
  const path = environments.local['PATH'] ?? '';
  return {
    gitPath,
    local: (args, options) => {
      const { worktree } = options;
      return runGit(
        gitPath,
        args,
        {
          cwd: worktree ?? options.gitDir,
          env: { ...environments.local, ...placesOf(options), ...(worktree === undefined ? {} : FRUGAL) },
          timeoutMs: timeoutOf(options),
          ...(confine === null || worktree === undefined
            ? {}
            : { within: (argv) => confine(argv, { visible: gitPath, path, ...reachOf(options, worktree) }) }),
          ...rest(options),
        },
        collectWith,
      );
    },
    network: async (args, options) =>
      runGit(
        gitPath,
        args,
        {
          cwd: options.gitDir,
          env: { ...(await environments.network(options.asPerson ?? false)), ...placesOf(options) },
          timeoutMs: NETWORK_TIMEOUT_MS,
          ownSession: true,
          ...rest(options),
        },
        collectWith,
      ),
    checkout: (args, options) =>
      runGit(
        gitPath,
        args,
        {
          cwd: options.worktree ?? options.gitDir,
          env: { ...environments.checkout, ...placesOf(options) },
          timeoutMs: timeoutOf(options),
          ...rest(options),
        },
        collectWith,
      ),
    receivePack: async (path, input) => {
      const env = await environments.network(false);
      return runGit(
        gitPath,
        [...RECEIVING, 'receive-pack', path],
        {
          cwd: '/',
          // The other side of a push never sees this side's settings.
          env: Object.fromEntries(Object.entries(env).filter(([name]) => !OWN_SIDE.test(name))),
          timeoutMs: NETWORK_TIMEOUT_MS,
          ownSession: true,
          input,
        },
        collectWith,
      );
    },
    isRewritten: (origin) => environments.isRewritten(origin),
  };
}

function timeoutOf({ worktree }: GitOptions): number {
  return worktree === undefined ? LOCAL_TIMEOUT_MS : WORKTREE_TIMEOUT_MS;
}

function placesOf(options: GitOptions): Record<string, string> {
  return {
    GIT_DIR: options.gitDir,
    ...(options.objects === undefined ? {} : { GIT_OBJECT_DIRECTORY: options.objects }),
    ...(options.worktree === undefined ? {} : { GIT_WORK_TREE: options.worktree }),
    ...(options.index === undefined ? {} : { GIT_INDEX_FILE: options.index }),
  };
}

function reachOf(
  { gitDir, objects, index, desk, reads = [], writesWorktree = false }: GitOptions,
  worktree: string,
): Omit<Reach, 'path' | 'visible'> {
  const write = [desk, writesWorktree ? worktree : undefined].filter((each) => each !== undefined);
  const named = [gitDir, objects, worktree, index, ...reads].filter((each) => each !== undefined);
  const isWritten = (path: string): boolean => write.some((folder) => `${path}/`.startsWith(`${folder}/`));
  return { cwd: worktree, read: named.filter((each) => !isWritten(each)), write };
}

type Rest = Pick<
  GitOptions,
  'andThen' | 'input' | 'accept' | 'maxOutputBytes' | 'timeoutMs' | 'silentMs' | 'ownSession'
>;

function rest(options: GitOptions): Rest {
  return {
    ...(options.andThen === undefined ? {} : { andThen: options.andThen }),
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.accept === undefined ? {} : { accept: options.accept }),
    ...(options.maxOutputBytes === undefined ? {} : { maxOutputBytes: options.maxOutputBytes }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    ...(options.silentMs === undefined ? {} : { silentMs: options.silentMs }),
    ...(options.ownSession === undefined ? {} : { ownSession: options.ownSession }),
  };
}
