import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createDiskKeeper } from '../../src/process/disk-keeper.ts';
import { freeFor, watchLimits, type Watched } from '../../src/process/limits.ts';
import { createProcessRoom } from '../../src/process/room.ts';
import type { RunLimits } from '../../src/process/types.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';
import { createRig, pidsWith, WAYS, type Rig } from './rig.ts';

const MIB = 1024 * 1024;
const NONE: RunLimits = {
  processes: Infinity,
  memoryBytes: Infinity,
  writtenBytes: Infinity,
  freeBytes: 0,
  folders: [],
};
/** What nobody changes: to wait without letting this process hear anything. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));
const GROW = `const kept = []; setInterval(() => kept.push(Buffer.alloc(8 * ${MIB}, 1)), 5);`;

const way = (bwrapPath: string | null | undefined): { bwrapPath?: string | null } =>
  bwrapPath === undefined ? {} : { bwrapPath };

describe.each(WAYS)('a limit of what a run takes, $name', ({ bwrapPath, starter }) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig(bwrapPath, starter);
  });
  afterAll(async () => {
    await rig.room.close();
  });

  const folder = async (name: string): Promise<string> => {
    const path = join(rig.home, name);
    await mkdir(path, { recursive: true });
    return path;
  };

  it('ends what forks too much by the name of that, and leaves none of it', async () => {
    const marker = `71${process.pid}`;
    const script = `i=0; while [ $i -lt 500 ]; do sleep ${marker} & i=$((i + 1)); done; exec sleep ${marker}`;
    const result = await rig.room.run(rig.request(['sh', '-c', script], { limits: { ...NONE, processes: 60 } }));
    expect(result).toMatchObject({ kind: 'over-limit', limit: 'too-many-processes' });
    expect(result.kind === 'over-limit' && result.message).toMatch(/^it had \d+ processes at a time; 60 are allowed$/);
    expect(pidsWith(marker)).toEqual([]);
  });

  it('holds a fork bomb by the kernel until it is ended, where the worker can have it held', async () => {
    const room = await createProcessRoom({ home: await folder('bomb'), starter, processes: 200, ...way(bwrapPath) });
    try {
      await room.run(rig.request(['true']));
      // Not held, or without a namespace to end it by, it would take the machine along.
      const held = 'b() { b | b & }; b; while :; do sleep 61 & done';
      const few = 'i=0; while [ $i -lt 500 ]; do sleep 61 & i=$((i + 1)); done';
      const script = `(${room.boundBy() === null || bwrapPath === null ? few : held}) & exec sleep 60`;
      const limits = { ...NONE, processes: 100 };
      const result = await room.run(rig.request(['sh', '-c', script], { limits }));
      expect(result).toMatchObject({ kind: 'over-limit', limit: 'too-many-processes' });
      const count = result.kind === 'over-limit' ? Number(/had (\d+)/.exec(result.message)?.[1]) : 0;
      // What comes and goes while it is counted is counted too. By a limit all that the account runs counts.
      if (room.boundBy() === 'cgroup') expect(count).toBeLessThan(400);
    } finally {
      await room.close();
    }
  });

  it('ends what takes more memory than it may, and not what shares the machine with it', async () => {
    const limits = { ...NONE, memoryBytes: 200 * MIB };
    const good = join(await folder('good'), 'go');
    const script = `until [ -e '${good}' ]; do sleep 0.1; done`;
    const other = rig.room.run(
      rig.request(['sh', '-c', script], { limits, outputFile: join(rig.home, 'other'), tag: 'task/2' }),
    );
    const result = await rig.room.run(rig.request([process.execPath, '-e', GROW], { limits }));
    expect(result).toMatchObject({ kind: 'over-limit', limit: 'too-much-memory' });
    await writeFile(good, '');
    expect(await other).toMatchObject({ kind: 'exited', code: 0 });
  });

  it('has the kernel hold memory to a little more than that, where the worker can make control groups', async () => {
    const limits = { ...NONE, memoryBytes: 200 * MIB };
    const script = `Buffer.alloc(2048 * ${MIB}, 1); setInterval(() => {}, 1000);`;
    const hog = ['sh', '-c', `${process.execPath} -e '${script}'; exec sleep 60`] as const;
    const result = await rig.room.run(rig.request(hog, { limits }));
    expect(result).toMatchObject({ kind: 'over-limit', limit: 'too-much-memory' });
    const took = result.kind === 'over-limit' ? Number(/^it took (\d+) MiB/.exec(result.message)?.[1]) : NaN;
    expect(took).toBeGreaterThanOrEqual(200);
    if (rig.room.holdsMemory()) expect(took).toBeLessThanOrEqual(289);
    // What one tree had counts for nobody after it.
    const next = await rig.room.run(rig.request(['sh', '-c', 'exit 3'], { limits }));
    expect(next).toMatchObject({ kind: 'exited', code: 3 });
  });

  it('ends what writes more than it may, by what its files take and not by what they seem', async () => {
    const limits = { ...NONE, writtenBytes: 8 * MIB, folders: [await folder('written')] };
    const cwd = limits.folders[0] ?? '';
    const sparse = await rig.room.run(rig.request(['sh', '-c', 'truncate -s 3G sparse'], { limits, cwd }));
    expect(sparse).toMatchObject({ kind: 'exited', code: 0 });
    const script = 'head -c 64000000 /dev/zero > big; while :; do sleep 1; done';
    const result = await rig.room.run(rig.request(['sh', '-c', script], { limits, cwd }));
    expect(result).toMatchObject({ kind: 'over-limit', limit: 'too-much-written' });
  });

  it('tells of what was written beyond it by a run that has ended before anybody looked', async () => {
    const limits = { ...NONE, writtenBytes: 8 * MIB, folders: [await folder('quick')] };
    const cwd = limits.folders[0] ?? '';
    // The first look is a quarter of a second after the start.
    const result = await rig.room.run(rig.request(['sh', '-c', 'head -c 64000000 /dev/zero > big'], { limits, cwd }));
    expect(result).toMatchObject({ kind: 'over-limit', limit: 'too-much-written' });
    const next = await rig.room.run(rig.request(['sh', '-c', 'rm big; exit 3'], { limits, cwd }));
    expect(next).toMatchObject({ kind: 'exited', code: 3 });
  });

  it('tells of what was written beyond it before this process heard that the run had begun', async () => {
    const cwd = await folder('at-once');
    const big = join(cwd, 'big');
    const isWhole = (): boolean => statSync(big, { throwIfNoEntry: false })?.size === 64_000_000;
    let isStarting = false;
    const limits: RunLimits = {
      ...NONE,
      writtenBytes: 8 * MIB,
      // Who asks for them once it has begun waits until it has written all that it ever does.
      get folders() {
        if (isStarting) while (!isWhole()) Atomics.wait(NEVER, 0, 0, 5);
        return [cwd];
      },
    };
    const request = rig.request(['sh', '-c', 'head -c 64000000 /dev/zero > big'], { limits, cwd });
    const running = rig.room.run({
      ...request,
      // Read first where the tree is started, with the rest.
      get totalTimeoutMs() {
        isStarting = true;
        return request.totalTimeoutMs;
      },
    });
    expect(await running).toMatchObject({ kind: 'over-limit', limit: 'too-much-written' });
  });

  it('ends the one that has written the most when little of the disk is left, and the others go on', async () => {
    const [large, small] = [await folder('large'), await folder('small')];
    // More than any disk has.
    const short = { ...NONE, freeBytes: 2 ** 60 };
    const go = join(small, 'go');
    const other = rig.room.run(
      rig.request(['sh', '-c', `until [ -e '${go}' ]; do sleep 0.1; done`], {
        limits: { ...short, folders: [small] },
        outputFile: join(rig.home, 'other'),
        tag: 'task/2',
      }),
    );
    const script = 'head -c 64000000 /dev/zero > big; while :; do sleep 1; done';
    const limits = { ...short, folders: [large] };
    const result = await rig.room.run(rig.request(['sh', '-c', script], { limits, cwd: large }));
    expect(result.kind === 'over-limit' && result.message).toMatch(/^the disk was nearly full, and it had \d+ MiB$/);
    await writeFile(go, '');
    expect(await other).toMatchObject({ kind: 'exited', code: 0 });
  });

  it('lets go of what keeps to it', async () => {
    const limits = {
      processes: 50,
      memoryBytes: 500 * MIB,
      writtenBytes: 64 * MIB,
      freeBytes: 1,
      folders: [await folder('own')],
    };
    const seen = join(rig.home, 'own', 'seen');
    const script = `touch '${seen}'; i=0; while [ $i -lt 8 ]; do sleep 0.1; i=$((i + 1)); done`;
    const running = rig.room.run(rig.request(['sh', '-c', script], { limits }));
    await eventually('it to run', () => existsSync(seen));
    expect(await running).toMatchObject({ kind: 'exited', code: 0 });
  });
});

function watchedIn(folder: string, change: Partial<Watched> = {}): Watched {
  const files = { limits: { ...NONE, writtenBytes: MIB, folders: [folder] }, outputFile: join(folder, 'output') };
  return {
    ...files,
    freeAtFirst: freeFor(files),
    members: () => null,
    refused: () => null,
    disk: createDiskKeeper(),
    ...change,
  };
}

describe('the last look at what a run has written', () => {
  it('ends with the signal, however much lies there', async () => {
    const folder = await tempFolder('written');
    const watch = watchLimits(watchedIn(folder), () => undefined);
    await writeFile(join(folder, 'big'), Buffer.alloc(64 * MIB, 1));
    expect(await watch.last(AbortSignal.abort())).toBeNull();
    expect(await watch.last(new AbortController().signal)).toMatchObject({ limit: 'too-much-written' });
  });

  it('is taken also when others have made as much room on the disk meanwhile', async () => {
    const [folder, others] = [await tempFolder('written'), await tempFolder('others')];
    await writeFile(join(others, 'big'), Buffer.alloc(64 * MIB, 1));
    let looks = 0;
    const members = (): null => {
      looks += 1;
      return null;
    };
    const watch = watchLimits(watchedIn(folder, { members }), () => undefined);
    await writeFile(join(folder, 'big'), Buffer.alloc(64 * MIB, 1));
    const before = looks;
    await eventually('another look', () => looks > before);
    await rm(join(others, 'big'));
    expect(await watch.last(new AbortController().signal)).toMatchObject({ limit: 'too-much-written' });
  });
});
