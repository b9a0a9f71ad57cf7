/** What `tasks doctor` says of the limits that the kernel holds, by files as the kernel has them. */

import { describe, expect } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkLimits } from '../../src/cli/doctor/limits.ts';
import { tempFolder } from '../support/temp.ts';
import { onLinux } from '../support/on-linux.ts';

/** A group of version 2, in which these processes are. */
async function group(folder: string, controllers: string, pids: readonly number[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = {
    'cgroup.controllers': controllers,
    'cgroup.procs': pids.join('\n'),
    'cgroup.type': 'domain',
    'cgroup.subtree_control': '',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), `${text}\n`);
}

async function checked(controllers: string, pids: readonly number[], cpus: number | null = null) {
  const root = await tempFolder('groups');
  await group(root, 'cpu memory pids', []);
  await group(join(root, 'svc'), controllers, pids);
  return checkLimits(cpus, root, '0::/svc\n');
}

describe('the line limits', () => {
  onLinux('says that the kernel can hold agents where this process is alone in its group', async () => {
    const [check] = await checked('cpu memory pids', [process.pid]);
    expect(check).toMatchObject({ name: 'limits', verdict: 'ok', found: expect.stringContaining('version 2') });
  });

  onLinux('says what is in the way, and what to do about it', async () => {
    const [shared] = await checked('memory pids', [process.pid, 1]);
    expect(shared).toMatchObject({
      verdict: 'warn',
      found: expect.stringContaining('1 other process is in its control group'),
    });
    expect(shared?.fix).toContain('Delegate=yes');
    const [poor] = await checked('pids', [process.pid]);
    expect(poor).toMatchObject({ verdict: 'warn', found: expect.stringContaining('has no memory') });
  });

  onLinux('goes by the controllers of version 1 where that is what there is', async () => {
    const root = await tempFolder('groups');
    for (const name of ['memory', 'pids']) await mkdir(join(root, name));
    expect(checkLimits(null, root, '4:memory:/\n3:pids:/\n')).toMatchObject([{ verdict: 'ok' }]);
    expect(checkLimits(null, root, '3:pids:/\n')).toMatchObject([
      { verdict: 'warn', found: expect.stringContaining('memory') },
    ]);
    expect(checkLimits(null, join(root, 'none'), '')).toMatchObject([{ verdict: 'warn' }]);
  });

  onLinux('asks for the processors, too, where limits.cpus is set, and there alone', async () => {
    const with3 = 'agents to memory, processes and limits.cpus (control groups, version 2)';
    expect(await checked('cpu memory pids', [process.pid], 2)).toMatchObject([
      { verdict: 'ok', found: expect.stringContaining(with3) },
    ]);
    expect(await checked('memory pids', [process.pid], 2)).toMatchObject([
      { verdict: 'warn', found: expect.stringContaining('has no cpu') },
    ]);
    expect(await checked('memory pids', [process.pid])).toMatchObject([
      { verdict: 'ok', found: expect.stringContaining('agents to memory and processes (') },
    ]);
    const root = await tempFolder('groups');
    for (const name of ['memory', 'pids']) await mkdir(join(root, name));
    const own = '4:memory:/\n3:pids:/\n2:cpu:/\n';
    const why = 'this account may make no control groups for cpu (version 1)';
    expect(checkLimits(2, root, own)).toMatchObject([{ verdict: 'warn', found: expect.stringContaining(why) }]);
    await mkdir(join(root, 'cpu'));
    expect(checkLimits(2, root, own)).toMatchObject([{ verdict: 'ok', found: expect.stringContaining('version 1') }]);
  });
});
