import { describe, expect } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isStillAlive, spawnDetached, type DetachedProcess } from '../src/local/processes.ts';
import { endDeadRuns, endRun, ownRun, RUN_PREFIX } from './dead-runs.ts';
import { onLinux } from './support/on-linux.ts';
import { tempFolder } from './support/temp.ts';

async function run(folder: string, name: string): Promise<{ home: string; server: DetachedProcess }> {
  const home = join(folder, `${RUN_PREFIX}${name}`);
  await mkdir(home);
  const env = { PATH: process.env['PATH'] ?? '' };
  const request = { argv: ['sleep', '600'] as const, cwd: home, env, logFile: join(home, 'log'), home };
  const server = await spawnDetached(request);
  if ('missing' in server) throw new Error(server.missing);
  return { home, server };
}

/** As if another process had begun it. */
async function ownOther(home: string, changes: object): Promise<void> {
  await ownRun(home);
  const file = join(home, 'test-run');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...changes }));
}

describe('a run of the tests that was killed', () => {
  onLinux(
    'is ended with its servers by the next one; one that goes on is left, and one of another container',
    async () => {
      const folder = await tempFolder();
      const [dead, living, other] = [
        await run(folder, 'dead'),
        await run(folder, 'living'),
        await run(folder, 'other'),
      ];
      const gone = { process: { pid: dead.server.pid, startTime: 'long ago' } };
      await ownOther(dead.home, gone);
      await ownOther(other.home, { ...gone, among: 'pid:[1]' });
      await ownRun(living.home);
      await endDeadRuns(folder);
      expect(existsSync(dead.home)).toBe(false);
      expect(await isStillAlive(dead.server)).toBe(false);
      expect(await isStillAlive(other.server)).toBe(true);
      await endRun(other.home);
      expect(existsSync(living.home)).toBe(true);
      expect(await isStillAlive(living.server)).toBe(true);
      await endRun(living.home);
      expect(await isStillAlive(living.server)).toBe(false);
    },
  );
});
