import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { boundLogs } from '../../src/local/bounded-logs.ts';
import { type DetachedProcess, endProcess, spawnDetached } from '../../src/local/processes.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

const running: DetachedProcess[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => endProcess(child, [['SIGKILL', 2_000]])));
});

/** Writes 1000 bytes, and a line whenever the file `more` is made anew. */
const WRITER = `
  const { existsSync, rmSync } = require('node:fs');
  process.stdout.write('old\\n' + 'x'.repeat(995) + '\\n');
  setInterval(() => {
    if (!existsSync('more')) return;
    rmSync('more');
    process.stdout.write('new\\n');
  }, 10);
`;

async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

describe('the logs of a stack', () => {
  it('are looked at next time where their folder cannot be read just now', async () => {
    const folder = join(await tempFolder('logs'), 'circle');
    await symlink(folder, folder);
    await expect(boundLogs(folder)).resolves.toBeUndefined();
  });

  it('keep the last part of one that has grown too long, and go on from the front', async () => {
    const logs = await tempFolder('logs');
    const path = join(logs, 'worker.log');
    const home = await tempFolder('home');
    const child = await spawnDetached({
      argv: [process.execPath, '-e', WRITER],
      cwd: home,
      env: {},
      logFile: path,
      home,
    });
    if ('missing' in child) throw new Error(child.missing);
    running.push(child);
    await eventually('the first lines', async () => (await sizeOf(path)) === 1_000);
    await boundLogs(logs, 100);
    expect(await sizeOf(path)).toBe(0);
    expect(await readFile(`${path}.1`, 'utf8')).toBe(`${'x'.repeat(99)}\n`);
    await writeFile(join(home, 'more'), '');
    await eventually('the next line', async () => (await readFile(path, 'utf8')) === 'new\n');
  });

  it('keep one older part, and no other', async () => {
    const logs = await tempFolder('logs');
    const path = join(logs, 'worker.log');
    for (const content of ['1', '2']) {
      await writeFile(path, content.repeat(200));
      await boundLogs(logs, 100);
    }
    expect(await readFile(`${path}.1`, 'utf8')).toBe('2'.repeat(100));
    expect(await readdir(logs)).toEqual(['worker.log', 'worker.log.1']);
  });

  it('stay as they are while they are short, and so does what is no log', async () => {
    const logs = await tempFolder('logs');
    await writeFile(join(logs, 'worker.log'), 'x'.repeat(100));
    await writeFile(join(logs, 'notes'), 'x'.repeat(200));
    await mkdir(join(logs, 'folder.log'));
    await boundLogs(logs, 100);
    expect(await sizeOf(join(logs, 'worker.log'))).toBe(100);
    expect(await sizeOf(join(logs, 'notes'))).toBe(200);
  });
});
