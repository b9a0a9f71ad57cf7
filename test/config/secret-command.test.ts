import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { outputOf } from '../../src/config/secret-command.ts';
import { isAlive } from '../../src/files/living.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

const PATH = '/usr/bin:/bin';

/** A command that hangs, or does something else once it has started a process that does. */
async function hanging(then = 'wait') {
  const path = join(await tempFolder('secret-command'), 'pid');
  const read = async (): Promise<number | null> => Number(await readFile(path, 'utf8')) || null;
  return {
    command: `sleep 300 & echo $! > ${path}; ${then}`,
    pid: () => eventually('the process of the command', read),
  };
}

describe('a command whose output is a secret', () => {
  it('is given up after its limit, and nothing that it has started goes on', async () => {
    const { command, pid } = await hanging();
    expect(await outputOf(command, { PATH }, 1_000)).toBe(null);
    const started = await pid();
    await eventually('the end of what it has started', () => !isAlive(started, ''));
  });

  it('is given up after its limit also where something that left its group holds its output', async () => {
    const path = join(await tempFolder('secret-command'), 'pid');
    expect(await outputOf(`setsid sh -c 'echo $$ > ${path}; exec sleep 300' & wait`, { PATH }, 1_000)).toBe(null);
    process.kill(Number(await readFile(path, 'utf8')), 'SIGKILL');
  });

  it('is ended with what it has started when it says too much', async () => {
    const { command, pid } = await hanging('exec yes');
    expect(await outputOf(command, { PATH })).toBe(null);
    const started = await pid();
    await eventually('the end of what it has started', () => !isAlive(started, ''));
  });

  it('ends with the process that asked, whose terminal no longer reaches it', async () => {
    const { command, pid } = await hanging();
    const asker = join(await tempFolder('secret-command'), 'ask.mjs');
    await build({
      stdin: {
        contents: `import { outputOf } from './secret-command.ts';
process.on('SIGINT', () => process.exit(130));
void outputOf(${JSON.stringify(command)}, { PATH: '${PATH}' });`,
        resolveDir: resolve('src/config'),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: asker,
    });
    const asking = spawn(process.execPath, [asker], { stdio: 'ignore' });
    const started = await pid();
    asking.kill('SIGINT');
    await once(asking, 'exit');
    await eventually('the end of what it has started', () => !isAlive(started, ''));
  });
});
