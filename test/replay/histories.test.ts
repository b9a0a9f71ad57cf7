import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../support/workflow-bundle.ts';

const FOLDER = resolve('test/replay/histories');
const VERSIONS = readdirSync(FOLDER);

interface Recorded {
  readonly workflowId: string;
  readonly history: object;
}

function read(version: string, file: string): Recorded {
  return JSON.parse(readFileSync(join(FOLDER, version, file), 'utf8'));
}

/** Deploys do not break waiting tasks (N11). */
describe.each(VERSIONS)('the histories of version %s', (version) => {
  const files = readdirSync(join(FOLDER, version));

  it('are there', () => {
    expect(files.length).toBeGreaterThan(10);
  });

  /** What each file's replay ended with, by one worker for all: to start one takes longer than to replay. */
  const ends = new Map<string, Error | undefined>();

  beforeAll(async () => {
    const { code } = await workflowBundle();
    const left = files.values();
    const recorded = files.map((file) => read(version, file));
    // One at a time, and in their order.
    for await (const { error } of Worker.runReplayHistories({ workflowBundle: { code } }, recorded))
      ends.set(left.next().value ?? '', error);
  });

  it.each(files)('replay on the present code: %s', (file) => {
    expect([...ends.keys()]).toContain(file);
    expect(ends.get(file)).toBeUndefined();
  });

  /** So that what replays above is known to be looked at: code that does something else is found out by them. */
  it('do not replay when the code calls another activity', async () => {
    const { code } = await workflowBundle();
    let broken = 0;
    for (const file of files) {
      const text = readFileSync(join(FOLDER, version, file), 'utf8');
      const { workflowId, history }: Recorded = JSON.parse(
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
