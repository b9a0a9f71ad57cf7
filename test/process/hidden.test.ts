import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Sandbox } from '../../src/process/types.ts';
import { tempFolder } from '../support/temp.ts';
import { createRig, type Rig } from './rig.ts';

/** A folder with programs, what they need, and a state home and a key that somebody has put beside them. */
const make = async (...marks: readonly string[]): Promise<string> => {
  const top = await tempFolder('hidden-tools');
  for (const folder of ['bin', 'lib', 'home', 'home/bin', 'keys']) await mkdir(join(top, folder));
  for (const mark of marks) await writeFile(join(top, mark), 'JAVA_VERSION="21"\n');
  await writeFile(join(top, 'lib/data'), 'data of the program\n');
  await writeFile(join(top, 'bin/its-tool'), `#!/bin/sh\ncat ${top}/lib/data\n`, { mode: 0o755 });
  await writeFile(join(top, 'home/stack.json'), 'password\n');
  await writeFile(join(top, 'home/bin/agent'), '#!/bin/sh\necho the agent runs\n', { mode: 0o755 });
  await writeFile(join(top, 'keys/key'), 'secret\n');
  return top;
};

describe('what lies beside programs of the PATH', () => {
  let rig: Rig;
  let work: string;
  let sandbox: Sandbox;

  beforeAll(async () => {
    rig = await createRig(undefined);
    expect(rig.room.sandbox).toEqual({ kind: 'works' });
    work = await tempFolder('hidden-work');
    const tmp = await tempFolder('hidden-tmp');
    sandbox = { mounts: [{ from: work, to: work, write: true }], read: [], tmp, network: 'none' };
  });
  afterAll(() => rig.room.close());

  const run = async (script: string, top: string, changes: Partial<Sandbox> = {}): Promise<string> => {
    const request = rig.request(['sh', '-c', script], {
      cwd: work,
      env: { PATH: `${top}/bin:/usr/bin:/bin` },
      sandbox: { ...sandbox, ...changes },
    });
    return (await rig.room.run(request)).tail;
  };

  it('is seen where it is a part of them, and otherwise not', async () => {
    const top = await make();
    const tail = await run(`its-tool; ls ${top}; cat ${top}/home/stack.json ${top}/keys/key`, top);
    expect(tail).toContain('data of the program\nbin\nlib\n');
    expect(tail.match(/No such file/g)).toHaveLength(2);
    expect(tail).not.toMatch(/^(password|secret)$/m);
  });

  it('is hidden where all of the folder is theirs: the state home is empty, and a file with a secret cannot be read', async () => {
    const top = await make('release');
    const hidden = [join(top, 'home'), join(top, 'keys/key'), join(top, 'not-there')];
    const tail = await run(`its-tool; ls -A ${top}/home; touch ${top}/home/mine; cat ${top}/keys/key; ls ${top}`, top, {
      hidden,
    });
    expect(tail).toContain('data of the program\n');
    expect(tail).toMatch(/mine.*Read-only/);
    expect(tail).toContain('bin\nhome\nkeys\nlib\nrelease\n');
    expect(tail).not.toMatch(/password|secret|stack\.json/);
    expect(await readdir(join(top, 'home'))).toEqual(['bin', 'stack.json']);
  });

  it('is hidden in a folder that the host names for all sandboxes', async () => {
    const top = await make();
    const hidden = [join(top, 'home')];
    const tail = await run(`cat ${top}/keys/key ${top}/home/stack.json`, top, { hidden, read: [top] });
    expect(tail).toContain('secret\n');
    expect(tail).not.toContain('password');
  });

  it('is hidden in a folder that every sandbox may write, and in one that an agent is granted', async () => {
    const top = await make();
    const scratch = await tempFolder('hidden-scratch');
    const hidden = [join(top, 'home'), join(top, 'keys/key')];
    const mounts = [
      ...sandbox.mounts,
      { from: scratch, to: scratch, write: true },
      { from: join(top, 'keys'), to: join(scratch, 'keys'), write: false },
    ];
    await mkdir(join(scratch, 'keys'));
    const script = `cat ${top}/home/stack.json ${top}/keys/key ${scratch}/keys/key; echo mine > ${top}/lib/mine; echo ${top}/home/*`;
    const tail = await run(script, top, { hidden, mounts, write: [top] });
    expect(tail).not.toMatch(/password|^secret$/m);
    expect(tail).toContain(`${top}/home/*\n`);
    expect(await readdir(join(top, 'lib'))).toContain('mine');
    expect(await readdir(join(top, 'home'))).toEqual(['bin', 'stack.json']);
  });

  it('is hidden in what is put back of it by name, but for a program that lies there', async () => {
    const top = await make('release');
    const hidden = [join(top, 'home'), join(top, 'home/tools/key')];
    await mkdir(join(top, 'home/tools'));
    await writeFile(join(top, 'home/tools/key'), 'secret\n');
    await writeFile(join(top, 'home/tools/tool'), 'a tool\n');
    const path = `${top}/home/bin:${top}/bin:/usr/bin:/bin`;
    const script = `agent; cat ${top}/home/tools/tool ${top}/home/tools/key ${top}/home/stack.json`;
    const request = rig.request(['sh', '-c', script], {
      cwd: work,
      env: { PATH: path },
      sandbox: { ...sandbox, hidden, read: [join(top, 'home/tools')] },
    });
    const { tail } = await rig.room.run(request);
    expect(tail).toContain('the agent runs\na tool\n');
    expect(tail).not.toMatch(/password|^secret$/m);
  });

  it('is hidden although it looks like a toolchain itself', async () => {
    const top = await make();
    await writeFile(join(top, 'home/release'), 'JAVA_VERSION="21"\n');
    const tail = await run(`agent; ls ${top}/home; cat ${top}/home/stack.json`, join(top, 'home'), {
      hidden: [join(top, 'home')],
    });
    expect(tail).toMatch(/agent: not found\n(.*\n)*.*stack\.json: No such file/);
    expect(tail).not.toMatch(/password|stack\.json\n/);
  });

  it('is hidden under whatever name it is shown, and seen where it is named', async () => {
    const top = await make('release');
    const other = join(await tempFolder('hidden-link'), 'tools');
    await symlink(top, other);
    const hidden = [join(top, 'home')];
    const read = [join(top, 'home/bin')];
    const tail = await run(`cat ${other}/home/stack.json; ${top}/home/bin/agent`, other, { hidden, read });
    expect(tail).toContain('the agent runs\n');
    expect(tail).not.toContain('password');
  });
});
