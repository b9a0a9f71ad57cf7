/** What the engine does with git, each as one thing that can be cut off and carried out again. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseBranchName, parseObjectId, parseProjectName, parseTaskId, type ObjectId } from '../../src/core/ids.ts';
import type { Parsed } from '../../src/core/parsed.ts';
import type { Below, Candidate, QueueItem, Target } from '../../src/core/queue-types.ts';
import type { Checkpoint } from '../../src/core/task-types.ts';
import type { GitRoom, ReadGate, Workspace } from '../../src/git/types.ts';

/** What an operation works on; it goes to the victim as JSON. */
export interface Facts {
  readonly home: string;
  readonly target: Target;
  readonly first: ObjectId;
  /** Main as it is to be found. */
  readonly main: ObjectId;
  readonly item?: QueueItem;
  readonly below?: Below;
  readonly candidate?: Candidate;
  readonly workspace?: Workspace;
  readonly checkpoint?: Checkpoint;
  /** Objects that have to stay. */
  readonly objects?: readonly string[];
}

/** Makes a room for a state home. */
export type MakeRoom = (home: string) => GitRoom;

export interface Operation {
  readonly name: string;
  /** The git commands whose processes are killed for it; the engine's own calls count unless they are left out. */
  readonly only?: readonly string[];
  /** Makes what the operation begins from, in an empty folder. */
  readonly prepare: (folder: string, makeRoom: MakeRoom) => Promise<Facts>;
  /** Carries it out. @throws when the result is not what it should be */
  readonly run: (room: GitRoom, facts: Facts) => Promise<void>;
  /** Looks at what is on the disk afterwards. @throws when that is not right */
  readonly check?: (facts: Facts) => void;
}

export const TASKS_YAML = 'project: demo\ngate: "true"\n';
const PROJECT = value(parseProjectName('demo'));
const BRANCH = value(parseBranchName('main'));
export const TASK = value(parseTaskId('0123456789'));
export const OTHER_TASK = value(parseTaskId('abcdefghjk'));
const AUTHOR = { name: 'Grace', email: 'grace@example.org' };

export const readGate: ReadGate = (text) =>
  text === null
    ? { kind: 'invalid', message: 'tasks.yaml is missing' }
    : {
        kind: 'ok',
        gate: { setup: null, commands: [{ name: 'gate', run: 'true', timeoutMs: 1000 }], hash: 'f'.repeat(64) },
      };

function value<T>(parsed: Parsed<T>): T {
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}

/** A person's own git; what it printed, trimmed. */
export function git(folder: string, ...args: readonly string[]): string {
  const env = {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.org',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.org',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
    HOME: folder,
    PATH: '/usr/local/bin:/usr/bin:/bin',
  };
  return execFileSync('git', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

export function idOf(folder: string, name: string): ObjectId {
  return value(parseObjectId(git(folder, 'rev-parse', '--verify', name)));
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

function commitFiles(folder: string, files: Readonly<Record<string, string>>, message: string): ObjectId {
  writeFiles(folder, files);
  git(folder, 'add', '-A');
  git(folder, 'commit', '-q', '-m', message);
  return idOf(folder, 'HEAD');
}

const FILES = { 'a.txt': 'one\ntwo\nthree\n', 'sub/b.txt': 'b\n', '.gitignore': 'ignored\n', 'tasks.yaml': TASKS_YAML };

/** A bare origin, which a person has pushed the first commit to. */
export function bareOrigin(folder: string): Facts {
  const origin = join(folder, 'origin.git');
  const person = join(folder, 'person');
  git(folder, 'init', '-q', '--bare', '-b', 'main', origin);
  git(folder, 'init', '-q', '-b', 'main', person);
  const first = commitFiles(person, FILES, 'first');
  git(person, 'push', '-q', origin, 'main');
  return factsOf(folder, origin, first);
}

/** A repository with the branch checked out, which is its own origin. */
export function checkedOutOrigin(folder: string): Facts {
  const origin = join(folder, 'repo');
  git(folder, 'init', '-q', '-b', 'main', origin);
  return factsOf(folder, origin, commitFiles(origin, FILES, 'first'));
}

function factsOf(folder: string, origin: string, first: ObjectId): Facts {
  const home = join(folder, 'home');
  mkdirSync(home);
  return { home, target: { project: PROJECT, branch: BRANCH, origin }, first, main: first };
}

/** A person moves main on the bare origin. */
export function moveMain(facts: Facts, files: Readonly<Record<string, string>>): Facts {
  const person = join(facts.home, '../person');
  const main = commitFiles(person, files, 'of a person');
  git(person, 'push', '-q', facts.target.origin, 'main');
  return { ...facts, main };
}

export async function workspaceOf(room: GitRoom, { target }: Facts, taskId = TASK, attempt = 1): Promise<Workspace> {
  const result = await room.prepareWorkspace({ ...target, taskId, attempt, start: { kind: 'main' } });
  if (result.kind === 'failed') throw new Error(`${result.failure}: ${result.message}`);
  return result.workspace;
}

export async function store(room: GitRoom, { target }: Facts, workspace: Workspace, attempt = 1): Promise<Checkpoint> {
  const { project, origin } = target;
  const message = `Attempt ${attempt}`;
  const request = { project, origin, workspace, attempt, message, author: AUTHOR, confirmedAttempt: null };
  const result = await room.storeWorkspace(request);
  if (result.kind === 'failed') throw new Error(`${result.failure}: ${result.message}`);
  return result.checkpoint;
}

/** A task's work, stored: the files are what its agent wrote. */
export async function work(
  room: GitRoom,
  facts: Facts,
  files: Readonly<Record<string, string>>,
  taskId = TASK,
): Promise<QueueItem> {
  const workspace = await workspaceOf(room, facts, taskId);
  writeFiles(workspace.worktree, files);
  const { attempt, head, base } = await store(room, facts, workspace);
  const asked = { title: 'Change a file', summary: 'It was asked for.', author: AUTHOR, priority: 'normal' } as const;
  const standing = { placeMs: 0, returns: 0, mayReturn: 2, turnMs: 0, parent: null };
  return { taskId, attempt, head, base, ...asked, ...standing, enqueuedAtMs: 1_700_000_000_000 };
}

export async function build(room: GitRoom, { target }: Facts, item: QueueItem): Promise<Candidate> {
  const result = await room.buildCandidate(target, item, readGate);
  if (result.kind !== 'candidate') throw new Error(`no candidate: ${JSON.stringify(result)}`);
  return result.candidate;
}

/** @throws when they differ */
export function expectSame(what: string, found: unknown, wanted: unknown): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (one !== other) throw new Error(`${what} is ${one}, not ${other}`);
}

export function need<T>(fact: T | undefined): T {
  if (fact === undefined) throw new Error('the operation was not prepared');
  return fact;
}

export function contentOf(...path: readonly string[]): string {
  return readFileSync(join(...path), 'utf8');
}
