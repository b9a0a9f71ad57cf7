/**
 * Worker versioning on the production server: a build becomes current by itself, another one by a person's word with a task
 * under way, an old one takes over when the host of the new one has died, and workers without versioning when it is switched off.
 */

import { eventually } from '../support/eventually.ts';
import { jsonLines, type Ran } from './commands.ts';

/** What this needs of the two hosts and the person. */
export interface BuildScene {
  readonly startHost: (host: 'host-a' | 'host-b', env: Readonly<Record<string, string>>) => Promise<void>;
  readonly powerOff: (host: 'host-a' | 'host-b') => Promise<void>;
  /** A command of the person. */
  readonly tasks: (...args: string[]) => Promise<Ran>;
  /** Temporal's own command line. */
  readonly temporal: (...args: string[]) => Promise<Ran>;
  /** Submits a task and waits until it is at a place; without one, until it has landed. */
  readonly submit: (title: string, place: string | null) => Promise<string>;
  /** Lets go on what waits at a place, and waits for the task's landing. */
  readonly land: (id: string) => Promise<void>;
  readonly say: (line: string) => void;
}

/** A worker that is gone is known to be so after a poll's time, and looked for every few seconds. */
const GONE_LIMIT_MS = 240_000;
const UNVERSIONED = '';
const versioned = (build: string) => ({ TASKS_VERSIONING: 'on', TASKS_BUILD_ID: build });

interface Shown {
  readonly build: string;
  readonly current: boolean;
  readonly isPolling: boolean;
}

/** @returns what was not right */
export async function changeBuilds(scene: BuildScene): Promise<readonly string[]> {
  const wrong: string[] = [];
  const expectBuild = async (id: string, expected: string): Promise<void> => {
    const found = await buildOf(scene, id);
    if (found !== expected)
      wrong.push(`task ${id} was carried by ${found || 'no build'}, not by ${expected || 'none'}`);
  };

  await scene.startHost('host-a', versioned('old'));
  await untilCurrent(scene, 'old');
  const moved = await scene.submit('Moves to another build (commits)', 'agent-committed');
  await scene.startHost('host-b', versioned('new'));
  await eventually('the build new to poll', async () => (await builds(scene)).some(isPolling('new')));
  if (!(await builds(scene)).some(({ build, current }) => build === 'old' && current))
    wrong.push('a build became current while the one before was run');
  const { code, stdout, stderr } = await scene.tasks('builds', 'use', 'new', '--json');
  if (code !== 0) return [...wrong, `tasks builds use: ${stdout}${stderr}`];
  await scene.land(moved);
  await expectBuild(moved, 'new');

  const begun = performance.now();
  await scene.powerOff('host-b');
  await untilCurrent(scene, 'old');
  scene.say(`the old build was current again ${Math.round((performance.now() - begun) / 1_000)} s after the kill`);
  const back = await scene.submit('Lands by the old build', null);
  await expectBuild(back, 'old');

  await scene.powerOff('host-a');
  await scene.startHost('host-b', {});
  await eventually('no build to be current', async () => !(await builds(scene)).some(isCurrent), GONE_LIMIT_MS);
  const plain = await scene.submit('Lands without versioning', null);
  await expectBuild(plain, UNVERSIONED);
  return wrong;
}

async function untilCurrent(scene: BuildScene, wanted: string): Promise<void> {
  let last: readonly Shown[] = [];
  await eventually(
    `the build ${wanted} to be current`,
    async () => {
      last = await builds(scene);
      return last.some(({ build, current }) => build === wanted && current);
    },
    GONE_LIMIT_MS,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(last)}`, { cause: error });
  });
}

const isCurrent = ({ current }: Shown): boolean => current;
const isPolling =
  (wanted: string) =>
  ({ build, isPolling: polls }: Shown): boolean =>
    build === wanted && polls;

async function builds(scene: BuildScene): Promise<readonly Shown[]> {
  const { stdout } = await scene.tasks('builds', '--json');
  return jsonLines(stdout) as readonly Shown[];
}

/** Of the worker that carried the task's workflow last. */
async function buildOf(scene: BuildScene, id: string): Promise<string> {
  const { stdout } = await scene.temporal('workflow', 'describe', '--workflow-id', `task/${id}`, '--output', 'json');
  const described = JSON.parse(stdout) as {
    readonly workflowExecutionInfo?: {
      readonly versioningInfo?: { readonly deploymentVersion?: { readonly buildId?: string } };
    };
  };
  return described.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? UNVERSIONED;
}
