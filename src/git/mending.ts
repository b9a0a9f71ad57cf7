/**
 * The git room with repositories that mend: an operation that meets broken objects has the repository mended, and is carried
 * out once more. Every operation of the room may be repeated, as after a kill.
 *
 * It owns which repository was mended when. Kept true: an operation has a repository mended once at most; then it fails as
 * `broken-repository`, with what to do. A repository that is found whole is trusted for a while: the operation is carried out
 * once more, and whatever it fails with has its usual name.
 */

import { quote } from '../core/ids.ts';
import type { BranchName, ProjectName } from '../core/ids.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { BrokenObjects, type Trust } from './broken.ts';
import { createMutexes } from './lock.ts';
import { mend, type MendDeps, type Mended } from './mend.ts';
import { shownOrigin } from '../core/origin-url.ts';
import { isUnreachable, type Problem } from './origin.ts';
import type { Repositories, Repository } from './repository.ts';
import type { GitRoom, StoreRequest, StoreResult } from './types.ts';
import { mirrorFolder } from './write-repository.ts';

/** At least so long a repository is trusted that was found whole. */
const TRUST_MS = 60_000;
/** And so many times as long as looking through it took. */
const TRUST_TIMES = 10;

export interface MendingDeps extends MendDeps {
  readonly repositories: Repositories;
  readonly trust: Trust;
  /** Forgets what else is kept in mind of objects. */
  readonly forget: () => void;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** Whose repositories an operation works with. */
interface About {
  readonly project: ProjectName;
  readonly origin: string;
  /** Needed where the landing repository is worked with. */
  readonly branch?: BranchName;
}

type Mending = <T>(
  about: About,
  work: () => Promise<T>,
  failed: (problem: Problem, isMended: boolean) => T | Promise<T>,
) => Promise<T>;

function asFailed(problem: Problem) {
  return { kind: 'failed' as const, ...problem };
}

function asThrown({ message, next }: Problem): never {
  throw new Error(`${message}; ${next}`);
}

function asHeld({ message, next }: Problem) {
  return { kind: 'held' as const, why: 'engine' as const, text: `${message}; ${next}` };
}

export function mending(room: GitRoom, deps: MendingDeps): GitRoom {
  const run = createMending(deps);
  return {
    ...room,
    readFileAt: (target, ...of) => run(target, () => room.readFileAt(target, ...of), asFailed),
    prepareWorkspace: (request) => run(request, () => room.prepareWorkspace(request), asFailed),
    includeFiles: (request) => run(request, () => room.includeFiles(request), asFailed),
    differences: (request) => run(request, () => room.differences(request), asThrown),
    putBack: (request, paths) => run(request, () => room.putBack(request, paths), asThrown),
    beginAttempt: (request) =>
      run(
        request,
        () => room.beginAttempt(request),
        (problem): Problem | null => problem,
      ),
    storeUnfinished: (request) => run(request, () => room.storeUnfinished(request), asFailed),
    storeWorkspace: (request) =>
      run(
        request,
        () => room.storeWorkspace(request),
        // While the repository may still be mended the agent's commits are not given up.
        async (problem, isMended) =>
          (isMended ? await storeFiles(room, deps, request, problem) : null) ?? asFailed(problem),
      ),
    diffOf: (request) => run(request, () => room.diffOf(request), asThrown),
    changedFiles: (request) => run(request, () => room.changedFiles(request), asThrown),
    tracesOf: (target, taskId) => run(target, () => room.tracesOf(target, taskId), asFailed),
    buildCandidate: (target, ...of) => run(target, () => room.buildCandidate(target, ...of), asHeld),
    buildOn: (target, ...of) =>
      run(
        target,
        () => room.buildOn(target, ...of),
        (problem) => ({ result: asHeld(problem), main: null, window: null }),
      ),
    lookAtMain: (target, known) =>
      run(
        target,
        () => room.lookAtMain(target, known),
        () => null,
      ),
    mainCandidate: (target, ...of) => run(target, () => room.mainCandidate(target, ...of), asThrown),
    landedSince: (target, ...of) =>
      run(
        target,
        () => room.landedSince(target, ...of),
        () => [],
      ),
    lookAround: (target, works) =>
      run(
        target,
        () => room.lookAround(target, works),
        () => null,
      ),
    land: (target, ...of) => run(target, () => room.land(target, ...of), asHeld),
    landTogether: (target, ...of) => run(target, () => room.landTogether(target, ...of), asHeld),
    sealCandidates: (target, ...of) =>
      run(
        target,
        () => room.sealCandidates(target, ...of),
        ({ message, next }) => ({
          kind: 'failed',
          text: `${message}; ${next}`,
        }),
      ),
    gateWorktree: (target, ...of) => run(target, () => room.gateWorktree(target, ...of), asThrown),
    deleteTaskRefs: (target, taskIds) => run(target, () => room.deleteTaskRefs(target, taskIds), asThrown),
  };
}

/** The agent's commits were nowhere else, and its files are still there: they are stored without them (N8); null when they cannot be. */
async function storeFiles(
  room: GitRoom,
  { log }: MendingDeps,
  request: StoreRequest,
  { message }: Problem,
): Promise<StoreResult | null> {
  try {
    const result = await room.storeWorkspace({ ...request, filesOnly: true });
    const { project, workspace, attempt } = request;
    const facts = { project, task: workspace.taskId, attempt, why: message };
    if (result.kind === 'stored')
      log("warning: an agent's commits were lost, and its files are stored without them", facts);
    return result;
  } catch (error) {
    if (error instanceof BrokenObjects) return null;
    throw error;
  }
}

function createMending(deps: MendingDeps): Mending {
  const mutexes = createMutexes();
  /** How often each repository was mended by this process. */
  const mended = new Map<string, number>();

  /** What is wrong with it still, or null. */
  const mendOnce = (about: About, { gitDir, sign }: BrokenObjects, began: number): Promise<Problem | null> =>
    mutexes(gitDir)(async () => {
      // Another operation has met the same, and had it mended meanwhile.
      if ((mended.get(gitDir) ?? 0) !== began) return null;
      const repository = await repositoryAt(deps.repositories, about, gitDir);
      if (repository === null) return unmendable(about, gitDir, sign, 'nobody knows its origin');
      const beganMs = performance.now();
      try {
        const result = await mend(deps, repository);
        const tookMs = performance.now() - beganMs;
        if (result.kind === 'whole') deps.trust.trust(gitDir, Math.max(TRUST_MS, TRUST_TIMES * tookMs));
        else {
          mended.set(gitDir, began + 1);
          deps.repositories.forget(repository);
          deps.forget();
          tell(deps, about, gitDir, sign, result);
        }
        return null;
      } catch (error) {
        const why = isUnreachable(error)
          ? `its origin ${shownOrigin(about.origin)} cannot be reached`
          : messageOf(error);
        deps.log('a repository of the engine is broken, and could not be mended', { repository: gitDir, sign, why });
        return unmendable(about, gitDir, sign, why);
      }
    });

  return async (about, work, failed) => {
    const before = new Map(mended);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BrokenObjects)) throw error;
      const problem = await mendOnce(about, error, before.get(error.gitDir) ?? 0);
      if (problem !== null) return failed(problem, false);
    }
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BrokenObjects)) throw error;
      return failed(stillBroken(about, error), true);
    }
  };
}

/** The repository that a git folder is, when it is one of these. */
async function repositoryAt(repositories: Repositories, about: About, gitDir: string): Promise<Repository | null> {
  const mirror = await repositories.findMirror(about);
  if (mirror?.gitDir === gitDir) return mirror;
  if (about.branch === undefined) return null;
  const landing = await repositories.openLanding({ ...about, branch: about.branch });
  return landing.kind === 'open' && landing.repository.gitDir === gitDir ? landing.repository : null;
}

function tell(
  { log }: MendingDeps,
  { project }: About,
  gitDir: string,
  sign: string,
  { broken, lost, aside }: Extract<Mended, { kind: 'mended' }>,
): void {
  log('warning: a repository of the engine had broken objects, and was mended from its origin', {
    project,
    repository: gitDir,
    sign,
    ...broken,
    lost,
    aside,
  });
}

function unmendable({ project }: About, gitDir: string, sign: string, why: string): Problem {
  return {
    failure: 'broken-repository',
    message: oneLine(
      `objects of ${project}'s repository ${gitDir} are broken (${quote(sign)}), and it could not be mended: ${why}`,
      500,
    ),
    next: `look at this host's disk; it is tried again by itself. If it stays: stop the worker and ${moveAway(gitDir)}`,
  };
}

function moveAway(gitDir: string): string {
  return gitDir.endsWith('.engine')
    ? `move ${gitDir} and ${mirrorFolder(gitDir)} away: they are made anew, without what is stored nowhere else`
    : `remove ${gitDir}: it is made anew`;
}

function stillBroken({ project }: About, { gitDir, sign }: BrokenObjects): Problem {
  return {
    failure: 'broken-repository',
    message: oneLine(`objects that only ${project}'s repository ${gitDir} had are broken (${quote(sign)})`, 500),
    next: 'nothing: the next attempt goes on from what is stored; look at the disk of this host',
  };
}
