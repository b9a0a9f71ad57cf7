import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../support/workflow-bundle.ts';

const FOLDER = resolve('test/replay/histories');
const VERSIONS = readdirSync(FOLDER);

async function replay(path: string, edit: (text: string) => string = (text) => text): Promise<void> {
  const { code } = await workflowBundle();
  const { workflowId, history }: { workflowId: string; history: object } = JSON.parse(edit(readFileSync(path, 'utf8')));
  await Worker.runReplayHistory({ workflowBundle: { code } }, history, workflowId);
}

/** Made of a history of version 0.2.0: a worker of this version has given a phase back, and one of 0.2.0 decided about it. */
it('a history replays in which an older worker has made a failure of a phase that nobody had a slot for', async () => {
  const path = resolve('test/replay/beside/not-taken.json');
  await replay(path);
  await replay(path, (text) => text.replace('"NoFreeSlot"', '"SomethingElse"'));
});

/** Deploys do not break waiting tasks (N11). */
describe.each(VERSIONS)('the histories of version %s', (version) => {
  const files = readdirSync(join(FOLDER, version));

  it('are there', () => {
    expect(files.length).toBeGreaterThan(10);
  });

  it.each(files)('replay on the present code: %s', async (file) => {
    await replay(join(FOLDER, version, file));
  });

  /** So that what replays above is known to be looked at: code that does something else is found out by them. */
  it('do not replay when the code calls another activity', async () => {
    let broken = 0;
    for (const file of files) {
      const path = join(FOLDER, version, file);
      if (!readFileSync(path, 'utf8').includes('"name":"runPhase"')) continue;
      broken += 1;
      const renamed = replay(path, (text) => text.replaceAll('"name":"runPhase"', '"name":"runPhaseRenamed"'));
      await expect(renamed).rejects.toThrow(DeterminismViolationError);
      if (broken === 3) break;
    }
    expect(broken).toBe(3);
  });
});
