import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, constants, mkdir, readdir, readFile, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { createBound, type Bound } from '../../src/process/bound.ts';
import { makeWorkerGroups } from '../../src/process/control-groups.ts';
import { sweep } from '../../src/process/group-files.ts';
import { tempFolder } from '../support/temp.ts';
import { startUncollected } from '../support/uncollected.ts';
import { createRig, STARTER } from './rig.ts';

/** The new hierarchy, beside the old one: controllers of its own it has hardly any, but groups all the same. See new-groups.test.ts. */
const NEW = '/sys/fs/cgroup/unified';

let child: ChildProcess | null = null;
let bound: Bound | null = null;
afterEach(async () => {
  if (child !== null) {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
  child = null;
  bound?.release();
  bound = null;
});

function startChild(): number {
  child = spawn('sleep', ['60'], { stdio: 'ignore' });
  return child.pid ?? 0;
}

const groupsOf = (pid: number | string): Promise<string> => readFile(`/proc/${pid}/cgroup`, 'utf8');

const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  );

describe('the control groups of trees', () => {
  it('are below those of the worker, and gone when the room is closed', async () => {
    const rig = await createRig(null, STARTER);
    const { tail } = await rig.room.run(rig.request(['cat', '/proc/self/cgroup']));
    // Version 2 has one hierarchy for all.
    const isNew = existsSync('/sys/fs/cgroup/cgroup.controllers');
    const line = isNew ? /^0::(.*)$/m : /^\d+:memory:(.*)$/m;
    const [, path = ''] = line.exec(tail) ?? [];
    const [, mine = ''] = line.exec(await groupsOf('self')) ?? [];
    // It may have gone into one below its own for that.
    const own = isNew ? mine.replace(/\/tributary-worker$/, '') || '/' : mine;
    const folder = join('/sys/fs/cgroup', isNew ? '' : 'memory', dirname(path));
    // Where this account may make no groups there are none to see.
    const areThere = rig.room.holdsMemory();
    if (areThere) {
      expect(path).toMatch(new RegExp(`/tributary-${process.pid}-\\d+/run-1$`));
      expect(dirname(dirname(path))).toBe(own);
      expect(existsSync(folder)).toBe(true);
    }
    await rig.room.close();
    if (areThere) expect(existsSync(folder)).toBe(false);
  });

  it('hold a tree that the worker has started itself, too, since there are no pipes for the starter', async () => {
    const rig = await createRig(undefined, STARTER);
    try {
      await writeFile(join(rig.home, 'processes'), 'in the way of pipes');
      const isIn = 'grep -q "/tributary-.*/run-" /proc/self/cgroup';
      // What a tree starts at once, before anything could have moved it, is of it.
      const script = `(until ${isIn}; do :; done; echo below) & until ${isIn}; do :; done; wait; echo all`;
      const asked = rig.request(['sh', '-c', script], { totalTimeoutMs: 10_000 });
      const result = await rig.room.run(rig.room.holdsMemory() ? asked : rig.request(['printf', 'below\nall\n']));
      expect(result).toMatchObject({ kind: 'exited', code: 0, tail: 'below\nall\n' });
    } finally {
      await rig.room.close();
    }
  });

  it('of a worker that was killed go, also while nobody has collected its process', async () => {
    const parent = await tempFolder('groups');
    const uncollected = await startUncollected();
    const [dead = ''] = uncollected.child.split(' ');
    for (const pid of [dead, process.pid]) await mkdir(join(parent, `tributary-${pid}-1/run-1`), { recursive: true });
    sweep(parent);
    uncollected.end();
    expect(await readdir(parent)).toEqual([`tributary-${process.pid}-1`]);
  });

  it('are used again once they are empty, and not before', async () => {
    bound = createBound({ processes: 500, cpus: Infinity });
    const first = bound.forRun({ memoryBytes: 2 ** 30 });
    const second = bound.forRun({ memoryBytes: 2 ** 30 });
    if (first === null || second === null) return;
    expect(second.folders).not.toEqual(first.folders);
    bound.over(first);
    expect(bound.forRun({ memoryBytes: 2 ** 30 })?.folders).toEqual(first.folders);
    bound.over(first);
    const pid = startChild();
    for (const folder of first.folders) await enter(folder, pid);
    expect(bound.forRun({ memoryBytes: 2 ** 30 })?.folders).not.toEqual(first.folders);
  });

  it('let a tree have its processors and no more, all its processes together, where that is asked for', async () => {
    const rig = await createRig(null, STARTER, 500, 0.5);
    try {
      // Half a second of one processor, by each of two processes: so two seconds, however idle the machine is.
      const used = 'process.cpuUsage(before).user';
      const busy = `const before = process.cpuUsage(), t = Date.now(); while (${used} < 5e5); console.log(Date.now() - t)`;
      const both = `'${process.execPath}' -e '${busy}' & '${process.execPath}' -e '${busy}'; wait`;
      const { tail } = await rig.room.run(rig.request(['sh', '-c', both]));
      const slowest = Math.max(...tail.trim().split('\n').map(Number));
      // Where this account may make no groups they may have what there is.
      if (rig.room.holdsCpus()) expect(slowest).toBeGreaterThan(1_500);
      else expect(slowest).toBeGreaterThan(0);
    } finally {
      await rig.room.close();
    }
  });

  it('have none for the processors where no tree is held to some', async () => {
    const rig = await createRig(null, STARTER);
    try {
      const { tail } = await rig.room.run(rig.request(['cat', '/proc/self/cgroup']));
      expect(rig.room.holdsCpus()).toBe(false);
      expect(tail).toMatch(/^\d+:/m);
      expect(tail).not.toMatch(/^\d+:cpu[^\n]*:.*tributary/m);
    } finally {
      await rig.room.close();
    }
  });

  it('are missed by name where limits.cpus is asked for and none can be made for that, and not otherwise', async () => {
    // Version 1, by /proc/self/cgroup; folders that are no control groups hold nothing.
    if (existsSync('/sys/fs/cgroup/cgroup.controllers')) return;
    const root = await tempFolder('groups');
    const why = 'this account may make no control groups for memory and pids';
    expect(makeWorkerGroups({ processes: 500, cpus: Infinity }, root).lacks?.why).toBe(`${why} (version 1)`);
    expect(makeWorkerGroups({ processes: 500, cpus: 2 }, root).lacks?.why).toBe(`${why} and cpu (version 1)`);
    // The real ones, but for the processors'.
    for (const name of ['memory', 'pids']) await symlink(`/sys/fs/cgroup/${name}`, join(root, name));
    for (const [cpus, lacks] of [
      [Infinity, null],
      [2, { why: expect.stringContaining('for cpu (') }],
    ] as const) {
      const made = makeWorkerGroups({ processes: 500, cpus }, root);
      try {
        if (made.groups.length === 2 && lacks === null) expect(made.lacks).toBeNull();
        else if (made.groups.length === 2) expect(made.lacks).toMatchObject(lacks ?? {});
      } finally {
        for (const { folder } of made.groups) await rmdir(folder);
      }
    }
  });

  it('hold a tree in the new hierarchy, too, where this process is at its top', async () => {
    if (!(await isWritable(`${NEW}/cgroup.procs`)) || !/^0::\/$/m.test(await groupsOf('self'))) return;
    bound = createBound({ processes: 500, cpus: Infinity }, NEW);
    const pid = startChild();
    bound.hold(pid);
    expect(await groupsOf(pid)).toMatch(/^0::\/tributary-\d+-\d+\/starter$/m);
    const group = bound.forRun({ memoryBytes: 2 ** 30 });
    expect(group?.refused()).toBeNull();
    const [folder = ''] = group?.folders ?? [];
    await enter(folder, pid);
    expect(await groupsOf(pid)).toMatch(/^0::\/tributary-\d+-\d+\/run-1$/m);
    expect(group?.isEmpty()).toBe(false);
    expect(existsSync(dirname(folder))).toBe(true);
  });
});

async function enter(folder: string, pid: number): Promise<void> {
  await writeFile(`${folder}/cgroup.procs`, String(pid));
}
