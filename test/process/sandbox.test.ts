import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { ExitResult, Sandbox, SpawnRequest } from '../../src/process/types.ts';
import { tempFolder } from '../support/temp.ts';
import { createRig, type Rig } from './rig.ts';

describe('a sandbox', () => {
  let rig: Rig;
  let work: string;
  let sandbox: Sandbox;
  let listening: Server;
  let socket: string;

  beforeAll(async () => {
    rig = await createRig(undefined);
    expect(rig.room.sandbox).toEqual({ kind: 'works' });
    work = join(rig.home, 'work');
    await mkdir(work);
    await writeFile(join(rig.home, 'secret'), 'of the state home');
    const tmp = await tempFolder('sandbox-tmp');
    sandbox = { mounts: [{ from: work, to: work, write: true }], read: [], tmp, network: 'none' };
    socket = join(rig.home, 'sock');
    listening = createServer().listen(socket);
  });
  afterAll(async () => {
    listening.close();
    await rig.room.close();
  });

  const run = (script: string, changes: Partial<Sandbox> = {}, more: Partial<SpawnRequest> = {}): Promise<ExitResult> =>
    rig.room.run(rig.request(['sh', '-c', script], { cwd: work, sandbox: { ...sandbox, ...changes }, ...more }));

  it('lets a process write what it was given, and keeps it', async () => {
    expect(await run('echo mine > file; pwd')).toMatchObject({ kind: 'exited', code: 0, tail: `${work}\n` });
    expect(await readFile(join(work, 'file'), 'utf8')).toBe('mine\n');
  });

  it.each([
    ['/', 'touch /new'],
    ['/usr', 'touch /usr/new'],
    ['/etc', 'touch /etc/new'],
    ['/dev', 'touch /dev/new'],
    ['/proc/sys', 'v=$(cat /proc/sys/kernel/panic); echo $v > /proc/sys/kernel/panic'],
  ])('refuses to write to %s', async (_name, script) => {
    const result = await run(script);
    expect(result.kind === 'exited' && result.code).not.toBe(0);
    expect(result.tail).toMatch(/Read-only|denied/i);
  });

  it('shows no home, no state home, no /run and no keys of the machine', async () => {
    const { tail } = await run(
      `cat ${rig.home}/secret /etc/shadow /etc/ssh/ssh_host_ed25519_key; ls -A ${homedir()}; ls -A /run /var /srv /mnt; echo end`,
    );
    expect(tail).not.toContain('of the state home');
    expect(tail).not.toMatch(/root:[^x*!]/);
    expect(tail.match(/No such file/g)?.length).toBeGreaterThanOrEqual(7);
    expect(tail).toContain('end');
  });

  it.each([
    ['sees all of a JDK in the home whose programs are in the PATH', 'release', 'JAVA_VERSION="21"\n', 'its data\n'],
    ['sees all of a Python environment in the home whose programs are', 'pyvenv.cfg', '', 'its data\n'],
    ['sees of any other folder in the home no more than the programs', 'notes', '', 'No such file'],
    ['sees no more of a project that has a file called as a JDK has one', 'release', 'notes\n', 'No such file'],
  ])('%s', async (_name, mark, content, seen) => {
    const home = await mkdtemp(join(homedir(), '.tributary-test-'));
    try {
      for (const folder of ['bin', 'lib']) await mkdir(join(home, folder));
      await writeFile(join(home, mark), content);
      await writeFile(join(home, 'lib/data'), 'its data\n');
      await writeFile(join(home, 'bin/its-tool'), `#!/bin/sh\ncat '${home}/lib/data' 2>&1\n`, { mode: 0o755 });
      const env = { PATH: `${home}/bin:/usr/bin:/bin` };
      const { tail } = await run(`its-tool; touch '${home}/bin/mine' || echo refused`, {}, { env });
      expect(tail).toContain(seen);
      expect(tail).toContain('refused');
    } finally {
      await rm(home, { recursive: true });
    }
  });

  it('is made although a folder of the PATH cannot be looked at', async () => {
    const loop = join(rig.home, 'loop');
    await symlink(loop, loop);
    const env = { PATH: `${loop}/bin:/usr/bin:/bin` };
    expect(await run('echo made', {}, { env })).toMatchObject({ kind: 'exited', tail: 'made\n' });
  });

  it('has temporary folders of its own, which nobody else sees', async () => {
    const { tail } = await run('ls -A /tmp /dev/shm; echo x > /tmp/left; echo x > /dev/shm/left; df -P /tmp | wc -l');
    expect(tail).not.toContain(rig.home);
    expect(await readdir(sandbox.tmp)).toContain('left');
    expect(await readdir('/dev/shm')).not.toContain('left');
    expect(await readdir('/tmp')).not.toContain('left');
  });

  it('sees no processes but its own, and has no capabilities', async () => {
    const { tail } = await run(
      'ls -d /proc/[0-9]* | wc -l; grep CapEff /proc/self/status; cat /proc/1/cmdline | tr "\\0" " "',
    );
    expect(Number(tail.split('\n')[0])).toBeLessThan(8);
    expect(tail).toMatch(/CapEff:\s+0000000000000000/);
    await expect(run(`kill -0 ${process.pid}`)).resolves.toMatchObject({ code: 1 });
  });

  it('reaches neither this machine nor a socket that lies in its file system', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    let reached = 0;
    server.on('connection', () => (reached += 1));
    listening.on('connection', () => (reached += 1));
    const program = `for (const to of [{port:${port}, host:'127.0.0.1'}, {path:${JSON.stringify(socket)}}, {port:80, host:'169.254.169.254'}])
      require('net').connect(to).on('error', (e) => console.log(e.code)).on('connect', () => console.log('reached'));`;
    await writeFile(join(work, 'reach.cjs'), program);
    const { tail } = await run('node reach.cjs');
    server.close();
    expect(tail.split('\n').toSorted()).toEqual(['', 'ECONNREFUSED', 'ENETUNREACH', 'ENOENT']);
    expect(reached).toBe(0);
  });

  it('sees a program outside of the system with its interpreter, and nothing beside it', async () => {
    const folder = await tempFolder('agent');
    await writeFile(join(folder, 'interpreter'), '#!/bin/sh\nexec /bin/sh "$@"\n');
    await writeFile(join(folder, 'agent'), `#!${join(folder, 'interpreter')}\nls ${folder}; echo ran\n`);
    await writeFile(join(folder, 'key'), 'a key');
    for (const name of ['interpreter', 'agent']) await chmod(join(folder, name), 0o755);
    const { tail } = await rig.room.run(rig.request([join(folder, 'agent')], { cwd: work, sandbox }));
    expect(tail).toBe('agent\ninterpreter\nran\n');
  });

  it('names a program that is not there', async () => {
    const result = await rig.room.run(rig.request(['/no/such/agent'], { cwd: work, sandbox }));
    expect(result).toMatchObject({ kind: 'missing' });
  });

  it('ends with everything that was started in it', async () => {
    const stop = new AbortController();
    const running = run(
      "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.1; done' & wait",
      {},
      {
        signal: stop.signal,
        onLine: () => stop.abort(),
      },
    );
    expect(await running).toMatchObject({ kind: 'aborted' });
  });
});

describe('without bubblewrap', () => {
  it('refuses to start what was to be in a sandbox', async () => {
    const rig = await createRig(null);
    expect(rig.room.sandbox).toMatchObject({ kind: 'missing' });
    const sandbox: Sandbox = { mounts: [], read: [], tmp: rig.home, network: 'none' };
    await expect(rig.room.run(rig.request(['sh', '-c', ':'], { sandbox }))).rejects.toThrow(/no sandbox on this host/);
    await rig.room.close();
  });
});
