import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

const project = (name: string, leaves: string): Promise<SampleProject> =>
  SampleProject.create({
    'tasks.yaml': projectFile('  phases: [execute, revise]').replace('sample', name),
    'gate.sh': GATE,
    'agent.sh': agentScript({
      execute: `${leaves}; echo half > half; while [ ! -e "$TASKS_TASK_DIR/go" ]; do sleep 0.05; done; echo x > work`,
    }),
  });

describe('the unfinished work of an agent', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ limits: { checkpointMs: 200 } });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const notesOf = (id: TaskId): Promise<readonly string[]> =>
    eventually('its end to be recorded', async () => {
      const events = (await engine.ledger.readEvents(id)).map(({ happened }) => happened);
      if (!events.some(({ kind }) => kind === 'ended')) return null;
      const notes = events.flatMap((happened) => (happened.kind === 'attempt-ended' ? (happened.notes ?? []) : []));
      return notes.filter((note) => !note.includes('sandbox') && !note.includes('network'));
    });

  it('is on the origin while it runs, but for what is large, and gone with the task’s end', async () => {
    const sample = await project('kept', 'head -c 34603008 /dev/zero > large');
    const id = await engine.submit(sample, { title: 'Work' });
    const work = `refs/tasks/${id}/3/work`;
    await eventually('it to be stored', async () => {
      const listed = await sample.originGit('ls-tree', '-r', '--name-only', work).catch(() => '');
      return listed.split('\n').includes('half');
    });
    expect(await sample.originGit('ls-tree', '-r', '--name-only', work)).not.toContain('large');
    await engine.tell(id, 'kept', 'go', '');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', failure: null });
    expect(await notesOf(id)).toEqual(['its unfinished work was stored without "large"']);
    expect(await sample.subjects()).toEqual(['Work', 'Begin']);
    await eventually('its refs to be gone', async () => (await sample.taskRefs()).length === 0);
  });

  it('that an origin does not take is told in the record, and the task lands all the same', async () => {
    const sample = await project('refused', ':');
    const hook = join(sample.origin, 'hooks', 'pre-receive');
    await writeFile(hook, '#!/bin/sh\nif grep -q "/work$"; then echo "no such refs here"; exit 1; fi\n');
    await chmod(hook, 0o755);
    const id = await engine.submit(sample, { title: 'Work' });
    await eventually('it to be refused', () =>
      engine.log.some((line) => line.startsWith('unfinished work was not stored') && line.includes(id)),
    );
    await engine.tell(id, 'refused', 'go', '');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', failure: null });
    expect(await notesOf(id)).toEqual([
      expect.stringMatching(/^its unfinished work was not stored last: the origin did not take the work of attempt 3/),
    ]);
  });
});
