import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
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
});
