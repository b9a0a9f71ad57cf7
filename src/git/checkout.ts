/**
 * A read-only look at a person's own checkout, with that person's own git and settings.
 *
 * A command waits for it, so what plain files tell is read from them; git is started once for the settings and once
 * for each file of a commit, and for each ref where refs are no files (reftable).
 */

import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseObjectId, quote, type ObjectId } from '../core/ids.ts';
import { oneLine } from '../core/text.ts';
import { absentAsNull } from '../files/errors.ts';
import { exists, readText } from '../files/read.ts';
import { GitError, lastLines, runGit, type GitOutput } from './command.ts';
import { readRef } from './refs.ts';

export type Checkout = {
  readonly kind: 'checkout';
  /** The worktree's top folder. */
  readonly root: string;
  /** Null when HEAD is detached. */
  readonly branch: string | null;
  /** Null when there is no commit yet. */
  readonly head: ObjectId | null;
  /** Where git fetches from and pushes to: the URL of `origin` or of the only remote, else the repository itself. */
  readonly origin: string;
  readonly hasRemote: boolean;
  readonly remote: string | null;
  readonly userName: string | null;
  readonly userEmail: string | null;
  /** The worktree's git folder, and the one that it shares with the others of the repository. */
  readonly gitDir: string;
  readonly commonDir: string;
  readonly refFormat: 'files' | 'reftable';
};

export type CheckoutLook = Checkout | { readonly kind: 'none'; readonly message: string };

export interface LookOptions {
  readonly gitPath?: string;
  /** The environment of the person; what the process has when it is left out. */
  readonly env?: Readonly<Record<string, string>>;
}

const SETTINGS = String.raw`^(user\.name|user\.email|remote\..*\.url|core\.bare|extensions\.refstorage)$`;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Looks at the repository that a folder is in; `none` says in one line why there is none to use. */
export async function readCheckout(folder: string, options: LookOptions = {}): Promise<CheckoutLook> {
  const found = await findRepository(folder);
  if (found.kind === 'none') return found;
  const { root, gitDir, commonDir } = found;
  const settings = await readSettings(root, gitDir, options);
  if (settings.kind === 'none') return settings;
  const { values } = settings;
  const refFormat = values.get('extensions.refstorage') === 'reftable' ? 'reftable' : 'files';
  const { headRef, head } = refFormat === 'files' ? await readHead(found) : await askForHead(found, options);
  const branch = headRef?.startsWith('refs/heads/') === true ? headRef.slice('refs/heads/'.length) : null;
  const remote = chooseRemote(values);
  if (remote === 'several') {
    return none(
      `${quote(root)} has several remotes and none is named origin; name one origin (git remote rename NAME origin)`,
    );
  }
  const url = remote === null ? null : (values.get(`remote.${remote}.url`) ?? null);
  return {
    kind: 'checkout',
    root,
    branch,
    head,
    origin: url === null ? repositoryFolder(commonDir) : absoluteOrigin(url, root),
    hasRemote: url !== null,
    remote,
    userName: values.get('user.name') ?? null,
    userEmail: values.get('user.email') ?? null,
    gitDir,
    commonDir,
    refFormat,
  };
}

/** Where a branch is, as far as this checkout knows: the remote's when there is one, else its own. */
export async function branchTip(
  checkout: Checkout,
  branch: string,
  options: LookOptions = {},
): Promise<ObjectId | null> {
  const ref = checkout.remote === null ? `refs/heads/${branch}` : `refs/remotes/${checkout.remote}/${branch}`;
  return checkout.refFormat === 'files' ? readRef(checkout.commonDir, ref) : askForRef(checkout, options, ref);
}

/** A file as a commit has it; null when the commit has none. @throws GitError when the commit cannot be read */
export async function readFileAtCommit(
  root: string,
  commit: ObjectId,
  path: string,
  options: LookOptions = {},
): Promise<string | null> {
  const found = await findRepository(root);
  if (found.kind === 'none' || path.includes('\n')) return null;
  const { stdout } = await look(['cat-file', '--batch'], found, options, `${commit}:${path}\n`);
  const newline = stdout.indexOf(0x0a);
  const header = stdout.toString('utf8', 0, newline);
  const size = /^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1];
  return size === undefined ? null : stdout.toString('utf8', newline + 1, newline + 1 + Number(size));
}

/** Whether a rule keeps `git add` from a file that is not tracked: then it takes `--force`. */
export async function isIgnored(checkout: Checkout, path: string, options: LookOptions = {}): Promise<boolean> {
  const { stdout } = await look(['check-ignore', '--', path], checkout, options);
  return stdout.length > 0;
}

type Place = Pick<Checkout, 'root' | 'gitDir' | 'commonDir'>;

type Found = (Place & { readonly kind: 'found' }) | { readonly kind: 'none'; readonly message: string };

async function findRepository(folder: string): Promise<Found> {
  const start = await realpath(folder).catch(absentAsNull);
  if (start === null) return none(`${quote(folder)} does not exist; give a folder of a git repository`);
  for (let root = start; ; root = dirname(root)) {
    const dotGit = join(root, '.git');
    const stats = await stat(dotGit).catch(absentAsNull);
    if (stats !== null) {
      const gitDir = stats.isFile() ? await linkedGitDir(dotGit) : dotGit;
      if (gitDir === null) return none(`${quote(dotGit)} names no git folder; mend it with git worktree repair`);
      const common = (await readText(join(gitDir, 'commondir'), 4_096))?.trim();
      return { kind: 'found', root, gitDir, commonDir: common === undefined ? gitDir : resolve(gitDir, common) };
    }
    if (
      (await exists(join(root, 'HEAD'))) &&
      (await exists(join(root, 'objects'))) &&
      (await exists(join(root, 'refs')))
    ) {
      return none(`${quote(root)} is a bare repository; run this in a checkout of it (git clone)`);
    }
    if (root === dirname(root)) return none(`${quote(start)} is not in a git repository; run git init, or go to one`);
  }
}

interface Head {
  /** Null when it is detached. */
  readonly headRef: string | null;
  readonly head: ObjectId | null;
}

async function readHead({ gitDir, commonDir }: Place): Promise<Head> {
  const text = (await readText(join(gitDir, 'HEAD'), 4_096))?.trim() ?? '';
  const headRef = /^ref: (refs\/.*)$/.exec(text)?.[1] ?? null;
  return { headRef, head: headRef === null ? idOrNull(text) : await readRef(commonDir, headRef) };
}

async function askForHead(place: Place, options: LookOptions): Promise<Head> {
  const { stdout } = await look(['symbolic-ref', '--quiet', 'HEAD'], place, options);
  const headRef = stdout.toString('utf8').trim();
  return { headRef: headRef === '' ? null : headRef, head: await askForRef(place, options, 'HEAD') };
}

async function askForRef(place: Place, options: LookOptions, ref: string): Promise<ObjectId | null> {
  const { stdout } = await look(['rev-parse', '--verify', '--quiet', ref], place, options);
  return idOrNull(stdout.toString('utf8').trim());
}

async function linkedGitDir(file: string): Promise<string | null> {
  const text = await readText(file, 4_096);
  const named = /^gitdir: (.*?)\r?\n?$/.exec(text ?? '')?.[1];
  if (named === undefined) return null;
  const gitDir = resolve(dirname(file), named);
  return (await exists(join(gitDir, 'HEAD'))) ? gitDir : null;
}

async function readSettings(
  root: string,
  gitDir: string,
  options: LookOptions,
): Promise<
  | { readonly kind: 'read'; readonly values: ReadonlyMap<string, string> }
  | { readonly kind: 'none'; readonly message: string }
> {
  try {
    const { stdout } = await look(['config', '-z', '--get-regexp', SETTINGS], { root, gitDir }, options);
    const values = new Map<string, string>();
    for (const entry of stdout.toString('utf8').split('\0')) {
      const newline = entry.indexOf('\n');
      if (newline < 0) continue;
      const key = entry.slice(0, newline);
      // Of a remote with several URLs git fetches from the first; of other settings the last one counts.
      if (!(key.startsWith('remote.') && values.has(key))) values.set(key, entry.slice(newline + 1));
    }
    return { kind: 'read', values };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return none(
      error.reason === 'missing' ? 'git cannot be started; install it' : oneLine(lastLines(error.stderr, 1), 300),
    );
  }
}

function look(
  args: readonly string[],
  place: Pick<Place, 'root' | 'gitDir'>,
  options: LookOptions,
  input?: string,
): Promise<GitOutput> {
  const gitArgs = ['-c', 'core.fsmonitor=false', `--git-dir=${place.gitDir}`, `--work-tree=${place.root}`, ...args];
  return runGit(options.gitPath ?? 'git', gitArgs, {
    cwd: place.root,
    accept: [1],
    maxOutputBytes: MAX_FILE_BYTES,
    ...(options.env === undefined ? {} : { env: { ...options.env, LC_ALL: 'C' } }),
    ...(input === undefined ? {} : { input }),
  });
}

function chooseRemote(values: ReadonlyMap<string, string>): string | null {
  const remotes = [...values.keys()]
    .filter((key) => key.startsWith('remote.'))
    .map((key) => key.slice('remote.'.length, -'.url'.length));
  if (remotes.includes('origin')) return 'origin';
  if (remotes.length > 1) return 'several';
  return remotes[0] ?? null;
}

/** A remote given as a relative path counts from the worktree's root, as it does for git. */
function absoluteOrigin(url: string, root: string): string {
  const isPath = !url.includes('://') && !/^[^/]+:/.test(url);
  return isPath ? resolve(root, url) : url;
}

/** The folder that stands for a repository: the one around its `.git`, or the bare one. */
function repositoryFolder(commonDir: string): string {
  return basename(commonDir) === '.git' ? dirname(commonDir) : commonDir;
}

function idOrNull(text: string): ObjectId | null {
  const id = parseObjectId(text);
  return id.kind === 'ok' ? id.value : null;
}

function none(message: string): { readonly kind: 'none'; readonly message: string } {
  return { kind: 'none', message };
}
