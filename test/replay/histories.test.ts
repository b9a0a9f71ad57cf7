import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../support/workflow-bundle.ts';

const FOLDER = resolve('test/replay/histories');
const VERSIONS = readdirSync(FOLDER);

/** Deploys do not break waiting tasks (N11). */
describe.each(VERSIONS)('the histories of version %s', (version) => {
  const files = readdirSync(join(FOLDER, version));

  it('are there', () => {
    expect(files.length).toBeGreaterThan(10);
  });

  it.each(files)('replay on the present code: %s', async (file) => {
    const { code } = await workflowBundle();
    const { workflowId, history }: { workflowId: string; history: object } = JSON.parse(
      readFileSync(join(FOLDER, version, file), 'utf8'),
    );
    await Worker.runReplayHistory({ workflowBundle: { code } }, history, workflowId);
  });

  /** So that what replays above is known to be looked at: code that does something else is found out by them. */
  it('do not replay when the code calls another activity', async () => {
    const { code } = await workflowBundle();
    let broken = 0;
    for (const file of files) {
      const text = readFileSync(join(FOLDER, version, file), 'utf8');
      const { workflowId, history }: { workflowId: string; history: object } = JSON.parse(
        text.replaceAll('"name":"runPhase"', '"name":"runPhaseRenamed"'),
      );
      if (!text.includes('"name":"runPhase"')) continue;
      broken += 1;
      const replayed = Worker.runReplayHistory({ workflowBundle: { code } }, history, workflowId);
      await expect(replayed).rejects.toThrow(DeterminismViolationError);
      if (broken === 3) break;
    }
    expect(broken).toBe(3);
  });
});
