/** Workers of two builds side by side, with worker versioning, on the real server. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import { readBuilds } from '../../src/local/temporal-builds.ts';
import type { RunningWorker } from '../../src/worker/start-worker.ts';
import { cli, cliEnvironment, type CliRun } from '../cli/rig.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';

const QUESTION = `grep -q 'answered:\\*\\* yes' "$TASKS_PROMPT_FILE" || { printf '{"status":"question","question":"Go on?"}' > "$TASKS_REPORT_FILE"; exit 0; }`;

describe('workers of two builds', () => {
  let engine: Engine;
  let project: SampleProject;
  let env: Record<string, string>;

  beforeAll(async () => {
    engine = await Engine.start({ presenceMs: 50 });
    project = await SampleProject.create({
      'tasks.yaml': projectFile(),
      'gate.sh': GATE,
      'agent.sh': agentScript({ execute: `${QUESTION}; echo x > "$TASKS_TASK_ID"` }),
    });
    env = cliEnvironment(engine.home, engine.servers);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const tasks = (...argv: string[]): Promise<CliRun> => cli({ cwd: engine.home, env }, argv);
  const startBuild = async (build: string): Promise<RunningWorker> =>
    engine.startWorker(await tempFolder('home'), `host-${build}`, { build, versioning: true, buildsMs: 500 });
  /** The build whose worker carried the workflow last. */
  const buildOf = async (id: TaskId): Promise<string | null | undefined> =>
    (await engine.handle(id).describe()).raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
  const polls = (build: string): Promise<unknown> =>
    eventually(
      `build ${build} to poll`,
      async () => (await readBuilds(engine.client))?.polling.includes(build) === true,
    );

  it('finish tasks: the current one carries all workflows, those too that another one has begun', async () => {
    expect((await tasks('builds')).stderr).toMatch(/no worker runs with versioning/);
    const a = await startBuild('a');
    await polls('a');
    // The worker without versioning is still there: nothing changes by itself.
    const before = await engine.submit(project, { title: 'Before' });
    await engine.untilWaiting(before, 'question');
    expect(await buildOf(before)).toBeFalsy();

    expect((await tasks('builds', 'use', 'a')).stdout).toMatch(/^a +gets the tasks of all workflows/);
    const first = await engine.submit(project, { title: 'First' });
    await engine.untilWaiting(first, 'question');
    expect(await buildOf(first)).toBe('a');

    await startBuild('b');
    await polls('b');
    const second = await engine.submit(project, { title: 'Second' });
    await engine.untilWaiting(second, 'question');
    expect(await buildOf(second)).toBe('a');
    const { stdout } = await tasks('builds');
    expect(stdout).toMatch(/^a +current +poll$/m);
    expect(stdout).toMatch(/^b +idle +poll$/m);

    const used = await tasks('builds', 'use', 'b', '--json');
    expect(used).toMatchObject({ code: 0, stderr: '' });
    expect(used.json()).toEqual([{ build: 'b', before: 'a', changed: true }]);
    expect((await tasks('builds', 'use', 'b')).stdout).toMatch(/had them already/);
    for (const id of [before, first, second]) {
      await engine.answer(id, 'yes');
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
      expect(await buildOf(id)).toBe('b');
    }
    expect((await tasks('hosts')).stdout).toMatch(/^host-a .* 0\.0\.0 \(a\) +test$/m);

    // Its phases and gates went on all the while; without it the others carry on.
    a.drain();
    await a.stopped;
    const last = await engine.submit(project, { title: 'Last' });
    await engine.untilWaiting(last, 'question');
    await engine.answer(last, 'yes');
    expect(await engine.untilEnded(last)).toMatchObject({ state: 'landed' });
    expect(await tasks('builds', 'use', 'c')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^tasks: "c" is no build that has run; give one of .*none/),
    });
  });

  it('say in their logs which of them is current', async () => {
    await eventually('b to have said so', () => /this build is current .*"build":"b"/.test(engine.log.join('\n')));
    expect(engine.log.join('\n')).toMatch(/another build is current.*"build":"a".*tasks builds use a/);
  });
});
