/** Output that cannot be written, by the program as it is built and by what watches its streams. */

import { describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { watchOutput } from '../../src/cli/unwritten.ts';
import { onLinux } from '../support/on-linux.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment } from './rig.ts';

const PROGRAM = resolve('dist/bin/tasks.cjs');
const WORKER = resolve('dist/worker/main.js');

function failing(code: string): Error {
  return Object.assign(new Error(`${code}: it does not do, write`), { code });
}

function watched() {
  const stream = new PassThrough();
  const interrupt = new AbortController();
  const exits: number[] = [];
  const unwritten = watchOutput([stream], interrupt.signal, (code) => void exits.push(code));
  return { stream, interrupt, exits, unwritten };
}

describe('output that cannot be written', () => {
  it('ends a command quietly when its reader has gone', () => {
    const { stream, exits } = watched();
    stream.emit('error', failing('EPIPE'));
    expect(exits).toEqual([141]);
  });

  it('ends a command that changes many tasks when all of that is done', async () => {
    const { stream, exits, unwritten } = watched();
    const done = await unwritten.wholly(async () => {
      stream.emit('error', failing('EPIPE'));
      return [...exits];
    });
    expect({ done, exits, why: unwritten.why }).toEqual({ done: [], exits: [141], why: null });
  });

  it('hides no reason why such a command could not do all', async () => {
    const { stream, exits, unwritten } = watched();
    const failed = unwritten.wholly(async () => {
      stream.emit('error', failing('EPIPE'));
      throw new Error('nobody answers');
    });
    await expect(failed).rejects.toThrow('nobody answers');
    expect(exits).toEqual([]);
    stream.emit('error', failing('EPIPE'));
    expect(exits).toEqual([141]);
  });

  it('does not keep a command that is asked to end from ending in order', () => {
    const { stream, interrupt, exits, unwritten } = watched();
    interrupt.abort();
    for (const code of ['EPIPE', 'EIO', 'ENOSPC']) stream.emit('error', failing(code));
    expect({ exits, why: unwritten.why }).toEqual({ exits: [], why: null });
  });

  it('ends no command that goes on, and is told by its first reason', () => {
    const { stream, exits, unwritten } = watched();
    expect(unwritten.why).toBeNull();
    for (const code of ['ENOSPC', 'EIO']) stream.emit('error', failing(code));
    expect(exits).toEqual([]);
    expect(unwritten.why).toBe('what was printed could not be written: ENOSPC: it does not do, write');
  });
});

// Linux has one that is always full.
describe('a full disk', () => {
  onLinux('below standard output fails a command, in one line', async () => {
    const full = openSync('/dev/full', 'w');
    const env = cliEnvironment(await tempFolder('full'));
    const run = spawnSync(process.execPath, [PROGRAM, 'completion', 'bash'], {
      env,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(run.stderr).toMatch(/^tasks: what was printed could not be written: ENOSPC: [^\n]*\n$/);
    expect(run.status).toBe(1);
  });

  onLinux("below the worker's log ends no worker before its time", async () => {
    const full = openSync('/dev/full', 'w');
    const env = cliEnvironment(await tempFolder('full'), { TEMPORAL_ADDRESS: 'nowhere' });
    const { status } = spawnSync(process.execPath, [WORKER], { env, stdio: ['ignore', 'ignore', full] });
    closeSync(full);
    // What it has to say of its configuration it cannot say; what is wrong with that is told by the code.
    expect(status).toBe(2);
  });
});

describe('a folder that was removed', () => {
  it('is told by the command that needs it, in one line', async () => {
    const folder = join(await tempFolder('removed'), 'here');
    await mkdir(folder);
    const env = cliEnvironment(join(folder, '..'), { PWD: folder });
    const script = `echo here; read go && exec "${process.execPath}" "${PROGRAM}" init`;
    const child = spawn('/bin/sh', ['-c', script], { cwd: folder, env, stdio: 'pipe' });
    let stderr = '';
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString('utf8')));
    await once(child.stdout, 'data');
    await rm(folder, { recursive: true });
    child.stdin.end('go\n');
    const [code] = (await once(child, 'close')) as [number];
    expect(stderr).toBe(`tasks: ${JSON.stringify(folder)} does not exist; give a folder of a git repository\n`);
    expect(code).toBe(2);
  });
});
