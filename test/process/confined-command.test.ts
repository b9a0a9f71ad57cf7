/** The sandbox of a command of the engine's own: tried with commands that want more than they are given. */

import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { ConfinedCommand } from '../../src/process/types.ts';
import { confine } from '../support/git-rig.ts';
import { createRig, type Rig } from './rig.ts';

const run = promisify(execFile);
const isHeld = confine !== null;

(isHeld ? describe : describe.skip)(`a confined command${isHeld ? '' : ' (skipped: bubblewrap is missing)'}`, () => {
  let rig: Rig;
  let reach: Omit<ConfinedCommand, 'argv'>;

  beforeAll(async () => {
    rig = await createRig(undefined);
    for (const name of ['seen', 'written', 'other']) await mkdir(join(rig.home, name));
    await writeFile(join(rig.home, 'seen/file'), 'seen\n');
    await writeFile(join(rig.home, 'other/file'), 'of another\n');
    const [read, write] = [[join(rig.home, 'seen')], [join(rig.home, 'written')]];
    reach = { cwd: join(rig.home, 'seen'), path: '/usr/local/bin:/usr/bin:/bin', read, write, hidden: [] };
  });

  /** What it printed, and what it said when it did not succeed. */
  const said = async (script: string, changes: Partial<ConfinedCommand> = {}): Promise<string> => {
    const [program, ...args] = rig.room.confined?.({ argv: ['bash', '-c', script], ...reach, ...changes }) ?? [''];
    const env = { PATH: reach.path, LC_ALL: 'C' };
    const { stdout, stderr } = await run(program, args, { cwd: reach.cwd, env }).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    return stdout + stderr;
  };

  it('reads and writes what it is given, and exits as its program does', async () => {
    expect(await said(`cat file; pwd; echo mine > ${rig.home}/written/file`)).toBe(`seen\n${reach.cwd}\n`);
    expect(await readFile(join(rig.home, 'written/file'), 'utf8')).toBe('mine\n');
    const [program, ...args] = rig.room.confined?.({ argv: ['bash', '-c', 'exit 7'], ...reach }) ?? [''];
    await expect(run(program, args)).rejects.toMatchObject({ code: 7 });
  });

  it('writes nothing that it may only read, and sees nothing else', async () => {
    expect(await said('echo more >> file')).toMatch(/Read-only file system/);
    expect(await readFile(join(rig.home, 'seen/file'), 'utf8')).toBe('seen\n');
    expect(await said(`cat ${rig.home}/other/file /etc/passwd /proc/1/environ`)).toBe(
      [`${rig.home}/other/file`, '/etc/passwd', '/proc/1/environ']
        .map((path) => `cat: ${path}: No such file or directory\n`)
        .join(''),
    );
  });

  it('reaches nothing that listens on this machine', async () => {
    let calls = 0;
    const server = createServer(() => (calls += 1)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : null;
    expect(await said(`: < /dev/tcp/127.0.0.1/${port}`)).toMatch(/Connection refused|unreachable/);
    server.close();
    expect(calls).toBe(0);
  });

  it('does not see what is to be hidden below a folder of the system, but for what it is given', async () => {
    const hidden = ['/usr/share', '/usr/include'];
    expect(await said('ls -A /usr/share', { hidden })).toBe('');
    expect(await said('ls -A /usr/share', { hidden, read: ['/usr/share/doc', reach.cwd] })).toBe('doc\n');
    const file = '/usr/bin/env';
    expect(await said(`cat ${file}; test -s /usr/bin/cat && echo shown`, { hidden: [file] })).toBe(
      `shown\ncat: ${file}: Permission denied\n`,
    );
  });

  const ours = async (folder: string): Promise<string> => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'ours'), '#!/bin/sh\necho ours\n');
    await chmod(join(folder, 'ours'), 0o755);
    return said('', { argv: ['ours'], path: `${folder}:${reach.path}` });
  };

  it('finds its program where the PATH has it outside of the system', async () => {
    expect(await ours(join(rig.home, 'tools'))).toBe('ours\n');
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot ? it : it.skip)(`finds its program below /opt${isRoot ? '' : ' (skipped: not root)'}`, async () => {
    try {
      expect(await ours('/opt/tributary-test/bin')).toBe('ours\n');
    } finally {
      await rm('/opt/tributary-test', { recursive: true, force: true });
    }
  });
});
