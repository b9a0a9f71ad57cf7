/** A host on which no sandbox can be made. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';

describe('where host.yaml switches containment off', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.start({ containment: false });
  });
  afterAll(async () => {
    await engine.stop();
  });

  const warnings = (): readonly string[] =>
    engine.log.filter((line) => /sandbox|namespace|bubblewrap/.test(line) && !line.includes('attempt'));

  const submit = async (name: string, more: string, run: string): Promise<TaskId> => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile(more).replace('sample', name),
      'gate.sh': 'true\n',
      'agent.sh': 'exit 1\n',
    });
    return engine.submit(project, { title: 'Work', work: { kind: 'shell', run }, attempts: 1 });
  };

  it('warns once at each start of the worker, and says why', async () => {
    expect(warnings()).toEqual([
      expect.stringMatching(/agents run without a sandbox.*host\.yaml has containment: off/),
    ]);
    await engine.drainWorker();
    await engine.startWorker();
    expect(warnings()).toHaveLength(2);
  });

  it('a project that prefers one has its tasks run, and each attempt says so on the record', async () => {
    const before = warnings().length;
    const id = await submit('preferred', '', 'echo x > work');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const notes = (await engine.ledger.readEvents(id)).flatMap(({ happened }) =>
      happened.kind === 'attempt-ended' ? [happened.notes ?? []] : [],
    );
    expect(notes).toEqual([[expect.stringMatching(/^it ran without a sandbox: host\.yaml has containment: off/)]]);
    // Neither for the attempt nor for its gate once more.
    expect(warnings()).toHaveLength(before);
  });

  it('a project that requires one has nothing of it run, and is told how to get one', async () => {
    const ran = join(engine.home, 'ran');
    const id = await submit('required', 'sandbox: required', `touch '${ran}'`);
    const view = await engine.untilEnded(id);
    expect(view).toMatchObject({ state: 'failed', failure: { kind: 'no-sandbox' } });
    expect(view.failure?.message).toMatch(
      /a sandbox is required, and this host has none: host\.yaml has containment: off/,
    );
    expect(view.failure?.next).toMatch(/^take containment: off out of its host\.yaml .*; then tasks retry$/);
    expect(await engine.processesOf(id)).toEqual([]);
    expect(existsSync(ran)).toBe(false);
    expect(existsSync(join(engine.home, 'workspaces', 'required', id))).toBe(false);
  });

  it('an agent that is not to have one where the project requires it is what its own line says', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': `${projectFile('  sandbox: off')}sandbox: required\n`.replace('sample', 'by-agent'),
      'gate.sh': 'true\n',
      'agent.sh': 'exit 1\n',
    });
    const id = await engine.submit(project, { title: 'Work', attempts: 1 });
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view.failure?.kind).toBe('agent-failed');
  });
});
