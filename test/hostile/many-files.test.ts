import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { watchOwnDelay } from '../support/own-delay.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';

const FILES = 100_000;
const LIMIT_MS = 300_000;
/** A quarter of what the server waits for a heartbeat, which the worker sends once a second. */
const MAX_BLOCKED_MS = 2_500;

describe('a hostile command that leaves a hundred thousand files', () => {
  let engine: Engine;
  let project: SampleProject;
  beforeAll(async () => {
    engine = await Engine.start({ sharesHome: false, agents: 2 });
    project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': 'true\n', 'agent.sh': 'exit 1\n' });
  });
  afterAll(async () => {
    await engine.stop();
  });

  const over = (id: TaskId): Promise<TaskView> =>
    eventually(
      `${id} to be over`,
      async () => {
        const { view } = await engine.detail(id);
        return view.endedAt !== null || view.waitingFor !== null ? view : null;
      },
      LIMIT_MS,
    );

  it(
    'has them stored and landed, and never keeps the worker from saying that it lives, nor others from landing',
    async () => {
      const run = `node -e '
        const fs = require("fs");
        for (let d = 0; d < 100; d += 1) {
          fs.mkdirSync("many/" + d, { recursive: true });
          for (let f = 0; f < ${FILES / 100}; f += 1) fs.writeFileSync("many/" + d + "/" + f, "x" + d);
        }'`;
      const delay = watchOwnDelay();
      const id = await engine.submit(project, { title: 'Many', work: { kind: 'shell', run }, attempts: 1 });
      const other = await engine.submit(project, {
        title: 'Small',
        work: { kind: 'shell', run: 'echo x > small' },
        attempts: 1,
      });
      expect(await over(other)).toMatchObject({ state: 'landed', attempt: 1, failure: null });
      expect(await over(id)).toMatchObject({ state: 'landed', failure: null });
      expect(delay.stop()).toBeLessThan(MAX_BLOCKED_MS);
      const files = await project.originGit('ls-tree', '-r', '--name-only', 'refs/heads/main');
      expect(files.split('\n').filter((name) => name.startsWith('many/')).length).toBe(FILES);
    },
    LIMIT_MS,
  );
});
