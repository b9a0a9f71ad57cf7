/** A git origin, state homes and rooms for the tests of the git room; everything in temporary folders. */

import { execFile, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parseBranchName, parseObjectId, parseProjectName, parseTaskId, type ObjectId } from '../../src/core/ids.ts';
import type { Parsed } from '../../src/core/parsed.ts';
import type { Candidate, QueueItem, Target } from '../../src/core/queue-types.ts';
import type { Checkpoint } from '../../src/core/task-types.ts';
import { createGitRoom, type Confine } from '../../src/git/room.ts';
import type { GitRoom, ReadGate, StartPoint, Workspace } from '../../src/git/types.ts';
import { confinedCommand } from '../../src/process/confined-command.ts';
import { tempFolder } from './temp.ts';

const run = promisify(execFile);
const BWRAP = '/usr/bin/bwrap';

const PERSON = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  LC_ALL: 'C',
  PATH: '/usr/local/bin:/usr/bin:/bin',
};

/** A person's own git, in a folder; what it printed, trimmed. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: folder, env: { ...PERSON, HOME: folder }, maxBuffer: 1 << 26 });
  return stdout.trim();
}

export async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

export async function commitFiles(
  folder: string,
  files: Readonly<Record<string, string>>,
  message = 'change',
): Promise<ObjectId> {
  await write(folder, files);
  await git(folder, 'add', '-A');
  await git(folder, 'commit', '-q', '-m', message);
  return head(folder);
}

export async function head(folder: string, name = 'HEAD'): Promise<ObjectId> {
  return value(parseObjectId(await git(folder, 'rev-parse', name)));
}

export function value<T>(parsed: Parsed<T>): T {
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}

export const project = value(parseProjectName('demo'));
export const branch = value(parseBranchName('main'));
export const taskId = value(parseTaskId('0123456789'));
export const otherTaskId = value(parseTaskId('abcdefghjk'));
export const author = { name: 'Grace', email: 'grace@example.org' };

export const TASKS_YAML = 'project: demo\ngate: "true"\n';

export const readGate: ReadGate = (text) =>
  text === null
    ? { kind: 'invalid', message: 'tasks.yaml is missing on main; commit one (tasks init)' }
    : {
        kind: 'ok',
        gate: { setup: null, commands: [{ name: 'gate', run: 'true', timeoutMs: 1000 }], hash: 'f'.repeat(64) },
      };

/** A bare origin with a clone of a person, who has pushed the first commit. */
export async function bareOrigin(
  files: Readonly<Record<string, string>> = { 'a.txt': 'one\ntwo\nthree\n', 'tasks.yaml': TASKS_YAML },
): Promise<{ origin: string; person: string; target: Target; first: ObjectId }> {
  const folder = await tempFolder('origin');
  const origin = join(folder, 'origin.git');
  const person = join(folder, 'person');
  await git(folder, 'init', '-q', '--bare', '-b', 'main', origin);
  await git(folder, 'init', '-q', '-b', 'main', person);
  await git(person, 'remote', 'add', 'origin', origin);
  const first = await commitFiles(person, files, 'first');
  await git(person, 'push', '-q', 'origin', 'main');
  return { origin, person, target: { project, branch, origin }, first };
}

/** A repository with the branch checked out, which is its own origin. */
export async function checkedOutOrigin(
  files: Readonly<Record<string, string>> = { 'a.txt': 'one\ntwo\nthree\n', 'tasks.yaml': TASKS_YAML },
): Promise<{ origin: string; target: Target; first: ObjectId }> {
  const origin = join(await tempFolder('checkout'), 'repo');
  await git('/', 'init', '-q', '-b', 'main', origin);
  const first = await commitFiles(origin, files, 'first');
  return { origin, target: { project, branch, origin }, first };
}

export async function newRoom(home?: string): Promise<{ room: GitRoom; home: string }> {
  const folder = home ?? (await tempFolder('home'));
  return { room: createGitRoom({ home: folder, worker: 'test', processHome: folder, confine }), home: folder };
}

const held: Confine = (argv, reach) => confinedCommand(BWRAP, { argv, ...reach, hidden: [] });
const [program, ...args] = held(['true'], { visible: 'true', cwd: '/usr', path: '/usr/bin:/bin', read: [], write: [] });

/** As a worker holds git, where this machine can. */
export const confine: Confine | null = spawnSync(program, args).status === 0 ? held : null;

export async function prepared(
  room: GitRoom,
  target: Target,
  attempt = 1,
  start: StartPoint = { kind: 'main' },
  id = taskId,
): Promise<Workspace> {
  const result = await room.prepareWorkspace({ ...target, taskId: id, attempt, start });
  if (result.kind === 'failed') throw new Error(`${result.failure}: ${result.message}`);
  return result.workspace;
}

export function storeRequest(
  target: Target,
  workspace: Workspace,
  attempt = 1,
): Parameters<GitRoom['storeWorkspace']>[0] {
  const { project, origin } = target;
  return { project, origin, workspace, attempt, message: `Attempt ${attempt}`, author, confirmedAttempt: null };
}

export async function stored(room: GitRoom, target: Target, workspace: Workspace, attempt = 1): Promise<Checkpoint> {
  const result = await room.storeWorkspace(storeRequest(target, workspace, attempt));
  if (result.kind === 'failed') throw new Error(`${result.failure}: ${result.message}`);
  return result.checkpoint;
}

export function itemOf(checkpoint: Checkpoint, id = taskId): QueueItem {
  const { attempt, head, base } = checkpoint;
  return {
    taskId: id,
    attempt,
    head,
    base,
    title: 'Change a file',
    summary: 'It was asked for.',
    author,
    priority: 'normal',
    placeMs: 0,
    returns: 0,
    mayReturn: 2,
    turnMs: 0,
    parent: null,
    enqueuedAtMs: 1_700_000_000_000,
  };
}

/** A task's work from main to a checkpoint: the files are what the agent wrote. */
export async function worked(
  room: GitRoom,
  target: Target,
  files: Readonly<Record<string, string>>,
  id = taskId,
): Promise<QueueItem> {
  const workspace = await prepared(room, target, 1, { kind: 'main' }, id);
  await write(workspace.worktree, files);
  return itemOf(await stored(room, target, workspace), id);
}

export async function built(room: GitRoom, target: Target, item: QueueItem): Promise<Candidate> {
  const result = await room.buildCandidate(target, item, readGate);
  if (result.kind !== 'candidate') throw new Error(`no candidate: ${JSON.stringify(result)}`);
  return result.candidate;
}
