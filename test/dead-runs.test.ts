import { describe, expect } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, spawnDetached, type DetachedProcess } from '../src/local/processes.ts';
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

describe('a run of the tests that was killed', () => {
  onLinux('is ended with its servers by the next one, and one that goes on is left', async () => {
    const folder = await tempFolder();
    const [dead, living] = [await run(folder, 'dead'), await run(folder, 'living')];
    const gone = { pid: dead.server.pid, startTime: 'long ago' };
    await writeFile(join(dead.home, 'test-run'), JSON.stringify(gone));
    await ownRun(living.home);
    await endDeadRuns(folder);
    expect(existsSync(dead.home)).toBe(false);
    expect(await isAlive(dead.server)).toBe(false);
    expect(existsSync(living.home)).toBe(true);
    expect(await isAlive(living.server)).toBe(true);
    await endRun(living.home);
    expect(await isAlive(living.server)).toBe(false);
  });
});
