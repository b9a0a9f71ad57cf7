/** Talking to an origin: ls-remote, fetch and push, and what their failures mean. */

import { join } from 'node:path';
import type { FailureKind } from '../core/failure.ts';
import { parseObjectId, quote, type ObjectId } from '../core/ids.ts';
import { shownOrigin } from '../core/origin-url.ts';
import { oneLine } from '../core/text.ts';
import { namesIn } from '../files/read.ts';
import { GitError, lastLines, saysNoSpace } from './command.ts';
import type { Git } from './git.ts';
import { commonFolderOf, hasRefFiles, localPathOf, readOriginRef } from './local-origin.ts';
import type { HashAlgorithm, RawObject } from './objects.ts';
import { makeWay } from './refs.ts';
import { sendPack } from './send-pack.ts';
import { removeStaleRefLocks } from './stale-locks.ts';
import { unpackSmall } from './unpack.ts';

/** Why something could not be done, in the words of the room's results. */
export interface Problem {
  readonly failure: FailureKind;
  readonly message: string;
  readonly next: string;
}

/** Of a fetch or a push: much takes long over a slow line. Git says every second or so how far it is. */
const TRANSFER = { timeoutMs: 60 * 60_000, silentMs: 120_000 };

/** Refs of the origin by their full names. */
export async function listRemote(
  git: Git,
  gitDir: string,
  origin: string,
  patterns: readonly string[],
): Promise<ReadonlyMap<string, ObjectId>> {
  const { stdout } = await git.network(['ls-remote', '--', origin, ...patterns], { gitDir });
  const refs = new Map<string, ObjectId>();
  for (const line of stdout.toString('utf8').split('\n')) {
    const [idText = '', ref = ''] = line.split('\t');
    const id = parseObjectId(idText);
    if (id.kind === 'ok') refs.set(ref, id.value);
  }
  return refs;
}

/** A git folder, and where its objects are when that is elsewhere. */
export interface Place {
  readonly gitDir: string;
  readonly objects?: string;
}

/**
 * Fetches into a repository of the engine, whose lock file the caller holds; `checked`: only sound objects.
 *
 * @throws GitError also when the origin lacks the older part of its history: git leaves the refs out, and succeeds
 */
export async function fetchRefs(
  git: Git,
  place: Place,
  origin: string,
  refspecs: readonly string[],
  checked = false,
): Promise<void> {
  const args = [
    ...(checked ? ['-c', 'fetch.fsckObjects=true'] : []),
    'fetch',
    // Without progress git is silent for as long as it takes.
    checked ? '--quiet' : '--progress',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
  ];
  args.push('--no-recurse-submodules', '--no-show-forced-updates', '--', origin, ...refspecs);
  const objects = place.objects ?? join(place.gitDir, 'objects');
  const packs = await namesIn(join(objects, 'pack'));
  for (const refspec of refspecs) await makeWay(place.gitDir, refspec.split(':')[1] ?? '');
  const { stderr } = await git.network(args, { ...place, ...(checked ? {} : TRANSFER) });
  const left = stderr.split('\n').filter((line) => SHALLOW.test(line));
  if (left.length > 0) {
    const text = left.join('\n');
    throw new GitError('fetch', 'exit', { stderr: text, stdout: '', text: lastLines(text) });
  }
  await unpackSmall(git, { gitDir: place.gitDir, objects }, packs);
}

/** What became of each ref of a push. */
type PushedRef =
  /** Moved from the leased value to the pushed one. */
  | { readonly kind: 'moved' }
  /** Made, deleted, or as wanted already. */
  | { readonly kind: 'ok' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface PushResult {
  readonly ok: boolean;
  readonly refs: ReadonlyMap<string, PushedRef>;
  /** What the origin's side said. */
  readonly words: string;
}

export interface PushRequest {
  readonly updates: readonly { readonly ref: string; readonly id: ObjectId; readonly expected: ObjectId | null }[];
  /** Deleted when they are there; no fault when they are not. */
  readonly deletions: readonly string[];
  /** Deleted, and only from these values. */
  readonly leased?: readonly { readonly ref: string; readonly expected: ObjectId }[];
  readonly objects?: string;
  /** The command that serves the push, for a local origin. */
  readonly receivePack?: string;
  /** All that the origin can lack of the updates' commits, when that is known: one on this host is then sent just that. */
  readonly known?: { readonly algorithm: HashAlgorithm; readonly objects: readonly RawObject[] };
}

/**
 * Pushes all or nothing, each update only from the value that is expected there (null: only where nothing is). On an
 * origin of this host, locks that a killed git left in the way are removed.
 *
 * @throws GitError when the origin cannot be reached
 */
export async function push(git: Git, gitDir: string, origin: string, request: PushRequest): Promise<PushResult> {
  const result = await pushOnce(git, gitDir, origin, request);
  if (result.ok || !isLocked(result)) return result;
  const folder = await commonFolderOf(git, origin);
  if (folder === null) return result;
  const leased = (request.leased ?? []).map(({ ref }) => ref);
  const refs = [...request.updates.map(({ ref }) => ref), ...request.deletions, ...leased];
  const left = await removeStaleRefLocks(folder, refs);
  return left.length > 0 ? result : pushOnce(git, gitDir, origin, request);
}

/** Whether a ref of the origin was locked by somebody, who may be at work there at this moment. */
export function isLocked({ refs, words }: PushResult): boolean {
  const reasons = [...refs.values()].map((ref) => (ref.kind === 'refused' ? ref.reason : ''));
  return [words, ...reasons].some((text) =>
    /cannot lock ref|[Uu]nable to (create|lock) .*(\.lock|packed-refs)/.test(text),
  );
}

async function pushOnce(git: Git, gitDir: string, origin: string, request: PushRequest): Promise<PushResult> {
  if (await isSent(git, origin, request)) {
    const refs = request.updates.map(
      ({ ref, expected }) => [ref, { kind: expected === null ? 'ok' : 'moved' }] satisfies [string, PushedRef],
    );
    return { ok: true, refs: new Map(refs), words: '' };
  }
  const args = ['push', '--porcelain', '--progress', '--atomic', '--no-verify', '--no-signed'];
  const leased = request.leased ?? [];
  for (const { ref, expected } of [...request.updates, ...leased])
    args.push(`--force-with-lease=${ref}:${expected ?? ''}`);
  if (request.receivePack !== undefined) args.push(`--receive-pack=${request.receivePack}`);
  args.push('--', origin, ...request.updates.map(({ ref, id }) => `${id}:${ref}`));
  args.push(...request.deletions.map((ref) => `:${ref}`), ...leased.map(({ ref }) => `:${ref}`));
  const { code, stdout, stderr } = await git.network(args, {
    gitDir,
    accept: [1],
    ...TRANSFER,
    ...(request.objects === undefined ? {} : { objects: request.objects }),
    ...(request.receivePack === undefined ? {} : { asPerson: true }),
  });
  const refs = new Map<string, PushedRef>();
  for (const line of stdout.toString('utf8').split('\n')) {
    const [flag = '', names, ...rest] = line.split('\t');
    const ref = names?.split(':')[1];
    if (ref !== undefined && flag.length === 1) refs.set(ref, pushedRef(flag, rest.join(' ')));
  }
  if (code !== 0 && refs.size === 0) {
    throw new GitError('push', 'exit', { stderr, stdout: stdout.toString('utf8'), text: lastLines(stderr) });
  }
  return { ok: code === 0, refs, words: serverWords(stderr) };
}

async function isSent(git: Git, origin: string, request: PushRequest): Promise<boolean> {
  if (request.known === undefined || request.receivePack !== undefined || localPathOf(origin) === null) return false;
  // Whether there is anything to delete is then for git to find.
  if (request.deletions.length > 0 && !(await hasRefFiles(git, origin))) return false;
  const updates = request.updates.map(({ ref, id, expected }) => ({ ref, id, old: expected }));
  const deletions = await Promise.all(
    request.deletions.map(async (ref) => ({ ref, id: null, old: await readOriginRef(git, origin, ref) })),
  );
  const leased = (request.leased ?? []).map(({ ref, expected }) => ({ ref, id: null, old: expected }));
  // What cannot be seen is not there.
  const commands = [...updates, ...deletions.filter(({ old }) => old !== null), ...leased];
  return sendPack(git, origin, { ...request.known, commands });
}

function pushedRef(flag: string, summary: string): PushedRef {
  if (flag === ' ' || flag === '+') return { kind: 'moved' };
  if (flag !== '!') return { kind: 'ok' };
  if (summary.includes('stale info') || summary.includes('fetch first')) return { kind: 'stale' };
  return { kind: 'refused', reason: /\((.*)\)\s*$/.exec(summary)?.[1] ?? summary };
}

function serverWords(stderr: string): string {
  const said = stderr
    .split('\n')
    .filter((line) => line.startsWith('remote:'))
    .map((line) => line.slice('remote:'.length).trim())
    .filter((line) => line !== '' && !PROGRESS.test(line));
  return oneLine(said.slice(-6).join('; '), 500);
}

const PROGRESS = /^[\w ]+: +\d+(?:% \(\d+\/\d+\)|, done)/;
const SHALLOW = /shallow roots are not allowed to be updated/;
/** What a server says when the program died by which it packs what is fetched. */
const DAMAGED = /possible repository corruption on the remote side/;
const NOBODY_ASKED = /could not read (?:Username|Password)|Authentication failed/i;
const ABSENT_REF = /couldn't find remote ref/i;
const REACHING =
  /could not read from remote|unable to access|could not resolve|connection|timed out|does not appear to be a git repository|repository .* (?:not found|does not exist)|no such file|authentication|permission denied|host key|hung up|early EOF|terminal prompts disabled|no matching host|proxy|TLS|SSL|returned error/i;

export function isAbsentRef(error: unknown): boolean {
  return error instanceof GitError && ABSENT_REF.test(error.stderr);
}

/** True when the origin could not be reached, would not answer, or has not its whole history; trying again later may help. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof GitError) || !['fetch', 'push', 'receive-pack', 'ls-remote'].includes(error.command))
    return false;
  return (
    error.reason === 'timeout' ||
    (error.reason === 'exit' && (REACHING.test(error.stderr) || SHALLOW.test(error.stderr)))
  );
}

/** What to tell of an origin on this host that git refuses to read for its owner; null of every other failure. */
export function untrustedOrigin(error: GitError, origin: string): Problem | null {
  if (!/dubious ownership/.test(error.stderr)) return null;
  // Of a checkout it is not its folder that has to be named, but the repository within.
  const trust = /^\s*(git config --global --add safe\.directory .+)$/m.exec(error.stderr)?.[1];
  return {
    failure: 'bad-configuration',
    message: `git does not trust ${quote(origin)}, which belongs to somebody else`,
    next: `if you do: ${trust ?? `git config --global --add safe.directory ${origin}`}, then restart the worker`,
  };
}

/** What to tell of a git command that failed; null when it is not one of git's own failures. */
export function problemOf(error: unknown, origin: string): Problem | null {
  // Broken objects are mended first, by whoever began the operation (mending.ts).
  if (!(error instanceof GitError) || error.reason === 'broken') return null;
  if (saysNoSpace(error)) return noSpace();
  const untrusted = untrustedOrigin(error, origin);
  if (untrusted !== null) return untrusted;
  if (SHALLOW.test(error.stderr)) return shallowOrigin(origin);
  if (DAMAGED.test(error.stderr)) {
    return {
      failure: 'origin-unreachable',
      message: `the origin ${shownOrigin(origin)} could not give all of its objects, and may be damaged: ${oneLine(lastLines(error.stderr, 2), 300)}`,
      next: 'look with git fsck in it; what is missing there another clone may have (git push from that); then tasks retry',
    };
  }
  if (isUnreachable(error)) {
    return {
      failure: 'origin-unreachable',
      message: `cannot reach the origin ${shownOrigin(origin)}: ${oneLine(lastLines(error.stderr, 2), 300)}`,
      next: NOBODY_ASKED.test(error.stderr)
        ? 'have a credential helper of the account that the worker runs as answer it (git help credentials), or GIT_ASKPASS in the environment of the worker; tasks doctor tries a fetch and a push; then tasks retry'
        : 'tasks doctor tries a fetch and a push; it is tried again by itself while it has attempts, then by tasks retry; if the repository has moved: docs/operating.md, “When an origin moves”',
    };
  }
  return {
    failure: 'engine-error',
    message: oneLine(error.message, 300),
    next: 'it is tried again by itself while it has attempts, then by tasks retry; if it stays, look at the log of the worker',
  };
}

export function noSpace(): Problem {
  return {
    failure: 'no-space',
    message: 'no space is left on this host',
    next: 'free some space under the state home',
  };
}

/** Why a ref was refused, as git has it, with all that the origin's side said of it. */
export function refusedWith(reason: string, { words }: Pick<PushResult, 'words'>): string {
  return words === '' ? quote(reason) : `${quote(reason)}: ${words}`;
}

export function missingBranch(origin: string, branch: string): Problem {
  return {
    failure: 'bad-configuration',
    message: `${shownOrigin(origin)} has no branch ${quote(branch)}: it was renamed or deleted, or nothing was pushed to it yet`,
    next: `of a renamed one: make it again for what was submitted (git push origin NEW:refs/heads/${branch}) and tasks retry, or name the new one in tasks.yaml and submit again; else push a first commit to it`,
  };
}

export function shallowOrigin(origin: string): Problem {
  return {
    failure: 'bad-configuration',
    message: `${shownOrigin(origin)} is a shallow clone: the older part of its history is not there`,
    next: 'complete it (git fetch --unshallow, in it), or name the whole repository as the remote of your checkout (git remote add origin URL, or set-url)',
  };
}
