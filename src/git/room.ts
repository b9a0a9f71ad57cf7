/** The git room: everything that touches a repository, for one state home. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseProjectName, parseTaskId, type ObjectId, type ProjectName, type TaskId } from '../core/ids.ts';
import type { Target } from '../core/queue-types.ts';
import { exists, namesIn } from '../files/read.ts';
import { removeFile, removeTree } from '../files/remove.ts';
import { sweepTrash } from '../files/trash.ts';
import { beginAttempt } from './attempt-ref.ts';
import { landTogether, sealCandidates } from './batch.ts';
import { Trust, watchBroken } from './broken.ts';
import { buildCandidate } from './candidate.ts';
import { firstParents } from './conflict-evidence.ts';
import { readFileAt } from './file-at.ts';
import { lookAtMain, mainCandidate } from './main-seen.ts';
import { confineGate, confineTask, separateTask } from './confined.ts';
import type { MergeDeps, ReadMerges } from './declared-merge.ts';
import { changedFiles, diffOf } from './diff.ts';
import { differencesOf, putBack } from './differences.ts';
import { gateWorktree, type GateDeps } from './gate-worktree.ts';
import type { Git } from './git.ts';
import { includeFiles } from './include.ts';
import { removeBlocking } from './inspect.ts';
import { isInUse, markInUse, whileUnused } from './in-use.ts';
import { deleteTaskRefs } from './delete-task-refs.ts';
import { land } from './land.ts';
import type { LandingDeps } from './landing-parts.ts';
import { mending } from './mending.ts';
import type { Problem } from './origin.ts';
import { adminFolder, placesOfTask, readState, writeState } from './places.ts';
import { probeWith, type OriginProbe } from './probe.ts';
import { lookAround } from './radar.ts';
import { RecentWork } from './recent-work.ts';
import { deleteRef, taskRefsIn } from './refs.ts';
import { createRepositories, placeOf, type Repositories } from './repository.ts';
import { openGit, type OpenGitOptions } from './open-git.ts';
import { originTasks } from './origin-tasks.ts';
import { storeWorkspace } from './store.ts';
import { listStores, removeStore } from './stores.ts';
import { tracesOf } from './traces.ts';
import { storeUnfinished } from './store-unfinished.ts';
import type { GitRoom, RevisionRequest } from './types.ts';
import { keepUp } from './upkeep.ts';
import { prepareWorkspace, type WorkspaceDeps } from './workspace.ts';

export type { PersonalGit } from './environment.ts';
export type { Confine } from './git.ts';
export { confineBy, whyNotConfined } from './open-git.ts';
export type { OriginProbe } from './probe.ts';
export type { GitRoom } from './types.ts';

export interface GitRoomOptions extends OpenGitOptions {
  /** Names the worker, for messages. */
  readonly worker: string;
  /** The rules for merges in a tasks.yaml; left out: none are read. */
  readonly readMerges?: ReadMerges;
  /** Whether overlayfs may be tried where a set-up is laid into gate worktrees; by default it is. */
  readonly overlays?: boolean;
  /** Told of repositories that were broken, and mended; left out: nobody is. */
  readonly log?: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export function createGitRoom(options: GitRoomOptions): GitRoom {
  const { home } = options;
  const plainGit = openGit(options);
  const trust = new Trust();
  const git = watchBroken(plainGit, trust);
  const repositories = createRepositories(home, git, trust);
  const recent = new RecentWork();
  const merging: MergeDeps = { git, readMerges: options.readMerges ?? (() => []) };
  const workspaces: WorkspaceDeps = {
    home,
    ...merging,
    repositories,
    recent,
    untouched: new Map(),
    seenTrees: new Map(),
  };
  const landing: LandingDeps = { ...merging, repositories, recent, landed: new Map() };
  const gates: GateDeps = {
    home,
    ...merging,
    repositories,
    recent,
    leased: new Set(),
    overlays: { works: options.overlays ?? true },
  };
  const heldParts = async ({
    project,
    origin,
    workspace,
  }: Parameters<GitRoom['confineWorkspace']>[0]): Promise<Parameters<typeof confineTask>> => {
    const opened = await repositories.findMirror({ project, origin });
    if (opened === null) throw new Error(`the mirror of ${project} is gone`);
    const places = placesOfTask(home, project, workspace.taskId);
    return [opened, places, workspace.start, join(home, 'trash')];
  };
  const room: GitRoom = {
    readFileAt: (target, commit, path) => readFileAt(git, repositories, target, commit, path),
    prepareWorkspace: (request) => prepareWorkspace(workspaces, request),
    includeFiles: async (request) => {
      const mirror = await repositories.findMirror(request);
      return mirror === null ? { kind: 'none' } : includeFiles(git, home, mirror, request);
    },
    differences: async (request) => {
      const [mirror, { worktree, index }] = await heldParts(request);
      // Of what a set-up has left nothing of that kind is kept.
      await removeBlocking(worktree);
      return differencesOf(git, { ...placeOf(mirror), worktree, index });
    },
    putBack: async (request, paths) => {
      const [mirror, { worktree, index }] = await heldParts(request);
      await putBack(git, { ...placeOf(mirror), worktree, index }, paths);
    },
    confineWorkspace: async (request) => confineTask(...(await heldParts(request))),
    separateWorkspace: async (request) => separateTask(...(await heldParts(request))),
    confineGate: (path) => confineGate(path, join(home, 'trash')),
    beginAttempt: async (request) => {
      const opened = await repositories.findMirror(request);
      return opened === null ? lostMirror() : beginAttempt(git, opened, request);
    },
    storeUnfinished: async (request) => {
      const opened = await repositories.findMirror(request);
      return opened === null ? lostMirror() : storeUnfinished(workspaces, opened, request);
    },
    storeWorkspace: async (request) => {
      const { project, origin } = request;
      const opened = await repositories.findMirror({ project, origin });
      if (opened === null) return lostMirror();
      return storeWorkspace(workspaces, opened, request);
    },
    storedCheckpoint: async (project, taskId) => {
      const state = await readState(placesOfTask(home, project, taskId));
      return state === null || state.begun !== undefined ? null : (state.checkpoint ?? 'nothing');
    },
    leaveAttempt: async (project, taskId, attempt) => {
      const places = placesOfTask(home, project, taskId);
      const { begun, ...state } = (await readState(places)) ?? { begun: null };
      if (begun === attempt && 'mirror' in state) await writeState(places, state);
    },
    removeWorkspace: (project, taskId) => removeWorkspace(workspaces, project, taskId),
    useWorkspace: (taskId) => markInUse(home, taskId),
    isWorkspaceUsed: (taskId) => isInUse(home, taskId),
    removeUnused: async (project, taskId, { mayGo, gone }) => {
      const went = await whileUnused(home, taskId, async () => {
        if (!(await mayGo())) return 'kept' as const;
        try {
          await removeWorkspace(workspaces, project, taskId);
        } finally {
          // What cannot be removed whole (another account's files, say) is aside, where no look at the workspaces finds the task.
          if (!(await exists(placesOfTask(home, project, taskId).folder))) await gone();
        }
        return 'removed' as const;
      });
      return went ?? 'in-use';
    },
    deleteTaskRefs: (target, taskIds) => deleteTaskRefs(git, repositories, target, taskIds),
    listWorkspaces: () => listWorkspaces(home),
    diffOf: async ({ base, head, ...name }) => {
      const mirror = await repositories.findMirror(name);
      return mirror === null ? null : diffOf(git, mirror, base, head);
    },
    changedFiles: async ({ base, head, ...name }) => {
      const mirror = await repositories.findMirror(name);
      if (mirror === null) throw new Error(`the mirror of ${name.project} is gone`);
      return changedFiles(git, mirror, base, head);
    },
    tracesOf: (target, taskId) => tracesOf(git, repositories, target, taskId),
    buildCandidate: async (target, item, readGate) => {
      const request = { item, parent: null, known: null, below: [] };
      return (await buildCandidate(landing, target, request, readGate)).result;
    },
    buildOn: (target, request, readGate) => buildCandidate(landing, target, request, readGate),
    lookAtMain: (target, known) => lookAtMain(landing, target, known),
    mainCandidate: (target, commit, readGate) => mainCandidate(landing, target, commit, readGate),
    landedSince: (target, since, main) => landedSince(git, repositories, target, since, main),
    landTogether: (target, under, last) => landTogether(landing, target, under, last),
    sealCandidates: (target, parts, below) => sealCandidates(landing, target, parts, below),
    lookAround: (target, works) => lookAround({ home, ...merging, repositories }, target, works),
    land: (target, item, candidate) => land(landing, target, item, candidate),
    gateWorktree: (target, item, candidate, below) => gateWorktree(gates, target, item, candidate, below ?? []),
    listStores: () => listStores(home),
    removeStore: (store) => removeStore(home, store),
    originTasks: (name) => originTasks(git, home, name),
    keepUp: (limits) => keepUp(workspaces, limits ?? {}),
  };
  const forget = (): void => [workspaces.untouched, workspaces.seenTrees].forEach((kept) => kept.clear());
  return mending(room, { home, git: plainGit, repositories, trust, forget, log: options.log ?? (() => {}) });
}

function lostMirror(): { readonly kind: 'failed' } & Problem {
  return {
    kind: 'failed',
    failure: 'engine-error',
    message: 'the mirror that the workspace belongs to is gone',
    next: 'the next attempt makes it again',
  };
}

/** Tries a fetch and a pretended push, with the credentials that the worker would use. */
export function probeOrigin(target: Target, options: Omit<GitRoomOptions, 'worker'>): Promise<OriginProbe> {
  return probeWith(openGit(options), target);
}

async function landedSince(
  git: Git,
  repositories: Repositories,
  target: Target,
  since: ObjectId,
  main: ObjectId,
): Promise<RevisionRequest['landedSince']> {
  const mirror = await repositories.findMirror(target);
  return mirror === null ? [] : firstParents(git, mirror, since, main);
}

async function removeWorkspace(deps: WorkspaceDeps, project: ProjectName, taskId: TaskId): Promise<void> {
  const places = placesOfTask(deps.home, project, taskId);
  const trash = join(deps.home, 'trash');
  deps.untouched.delete(taskId);
  const state = await readState(places);
  await mkdir(trash, { recursive: true });
  if (state !== null) {
    for (const { ref } of await taskRefsIn(state.engine, taskId)) await deleteRef(state.engine, ref);
    await removeTree(adminFolder(state.mirror, taskId), trash);
    await removeFile(join(state.mirror, places.branchRef));
  }
  await removeTree(places.folder, trash);
  await sweepTrash(trash);
}

async function listWorkspaces(
  home: string,
): Promise<readonly { readonly project: ProjectName; readonly taskId: TaskId }[]> {
  const found: { project: ProjectName; taskId: TaskId }[] = [];
  const root = join(home, 'workspaces');
  for (const name of await namesIn(root)) {
    const project = parseProjectName(name);
    if (project.kind === 'invalid') continue;
    for (const id of await namesIn(join(root, name))) {
      const taskId = parseTaskId(id);
      if (taskId.kind === 'ok') found.push({ project: project.value, taskId: taskId.value });
    }
  }
  return found;
}
