/** What a confined agent has committed itself, made to keep git busy: refused by name before git unpacks or lists it. */

import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { GitRoom, StoreRequest, Workspace } from '../../src/git/types.ts';
import { bareOrigin, git, newRoom, prepared, storeRequest } from '../support/git-rig.ts';

const MIB = 1024 * 1024;
/** Far less than git was kept busy. */
const SOON_MS = 20_000;
/** Of this process itself, whose event loop is a worker's. */
const WORK_US = 1_000_000;

interface Rig {
  readonly room: GitRoom;
  readonly workspace: Workspace;
  readonly origin: string;
  readonly home: string;
  /** As the agent sees it: objects go to its own repository. */
  readonly inOwn: (input: string | Buffer | null, ...args: readonly string[]) => string;
  /** Has the agent's branch be at a commit of this tree. */
  readonly commit: (tree: string) => void;
  readonly store: (changes?: Partial<StoreRequest>) => ReturnType<GitRoom['storeWorkspace']>;
}

async function rig(): Promise<Rig> {
  const { target, origin } = await bareOrigin({ 'a.txt': 'a\n' });
  const { room, home } = await newRoom();
  const workspace = await prepared(room, target);
  const mounts = await room.confineWorkspace({ project: target.project, origin, workspace });
  const real = mounts.flatMap((mount) => ('to' in mount && mount.to === '/tributary/objects' ? [mount.from] : []));
  const own = join(dirname(workspace.worktree), 'own.git');
  const env = {
    PATH: process.env['PATH'] ?? '',
    GIT_OBJECT_DIRECTORY: join(own, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: real[0] ?? '',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.test',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.test',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
  const inOwn = (input: string | Buffer | null, ...args: readonly string[]): string => {
    const ran = spawnSync('git', args, {
      cwd: workspace.worktree,
      env,
      input: input ?? '',
      encoding: 'utf8',
      maxBuffer: 64 * MIB,
    });
    if (ran.status !== 0) throw new Error(`git ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  return {
    room,
    workspace,
    origin,
    home,
    inOwn,
    commit(tree) {
      const id = inOwn(null, 'commit-tree', '-p', workspace.start, '-m', 'Bomb', tree);
      writeFileSync(join(own, 'refs/heads', workspace.branch), `${id}\n`);
    },
    store: (changes = {}) => room.storeWorkspace({ ...storeRequest(target, workspace), ...changes }),
  };
}

/** A pack of so many folders, each in the next one. */
function nested(depth: number): { readonly pack: Buffer; readonly top: string } {
  const head = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  head.writeUInt32BE(depth, 8);
  const parts = [head];
  let top = '';
  for (let level = 0; level < depth; level += 1) {
    const body = level === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from('40000 a\0'), Buffer.from(top, 'hex')]);
    top = createHash('sha1').update(`tree ${body.length}\0`).update(body).digest('hex');
    // The kind (2: a tree) and four bits of the size; the others follow.
    const size = body.length < 16 ? [0x20 | body.length] : [0xa0 | (body.length & 15), body.length >> 4];
    parts.push(Buffer.from(size), deflateSync(body, { level: 1 }));
  }
  const sum = createHash('sha1');
  for (const part of parts) sum.update(part);
  return { pack: Buffer.concat([...parts, sum.digest()]), top };
}

async function refusedSoon(
  { store, origin }: Rig,
  message: RegExp,
  changes: Partial<StoreRequest> = {},
): Promise<void> {
  const began = performance.now();
  const stored = await store(changes);
  const took = performance.now() - began;
  expect(stored).toMatchObject({
    kind: 'failed',
    failure: 'unstorable-files',
    message: expect.stringMatching(message),
  });
  expect(took).toBeLessThan(SOON_MS);
  expect(await git(origin, 'for-each-ref', 'refs/tasks')).toBe('');
}

describe('a commit of an agent’s own is refused', () => {
  it('that has a file of hundreds of MiB which takes nothing of the disk', async () => {
    const made = await rig();
    const file = join(dirname(made.workspace.worktree), 'huge');
    writeFileSync(file, '');
    truncateSync(file, 400 * MIB);
    const blob = made.inOwn(null, 'hash-object', '-w', '--no-filters', file);
    made.commit(made.inOwn(`100644 blob ${blob}\thuge\n`, 'mktree'));
    await refusedSoon(made, /400 MiB/);
  }, 200_000);

  it.each([
    ['thousands of millions', 11],
    ['a hundred millions', 7],
  ])(
    'whose few folders are %s of files',
    async (_many, levels) => {
      const made = await rig();
      const blob = made.inOwn('x', 'hash-object', '-w', '--stdin');
      let tree = made.inOwn(
        Array.from({ length: 10 }, (_, name) => `100644 blob ${blob}\t${name}\n`).join(''),
        'mktree',
      );
      for (let level = 0; level < levels; level += 1) {
        tree = made.inOwn(Array.from({ length: 10 }, (_, name) => `040000 tree ${tree}\t${name}\n`).join(''), 'mktree');
      }
      made.commit(tree);
      await refusedSoon(made, /files/);
    },
    200_000,
  );

  it('whose few folders are without a file, and more folders than can be counted', async () => {
    const made = await rig();
    let tree = made.inOwn('', 'mktree');
    for (let level = 0; level < 60; level += 1) {
      tree = made.inOwn(`040000 tree ${tree}\ta\n040000 tree ${tree}\tb\n`, 'mktree');
    }
    made.commit(tree);
    const before = process.cpuUsage();
    await refusedSoon(made, /files/);
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(WORK_US);
  }, 200_000);

  it('whose folders have another mode than git gives them', async () => {
    const made = await rig();
    let tree = made.inOwn('', 'mktree');
    for (let level = 0; level < 60; level += 1) {
      const id = Buffer.from(tree, 'hex').toString('latin1');
      const body = Buffer.from(`40755 a\0${id}40755 b\0${id}`, 'latin1');
      tree = made.inOwn(body, 'hash-object', '-t', 'tree', '-w', '--stdin', '--literally');
    }
    made.commit(tree);
    await refusedSoon(made, /files/);
  }, 200_000);

  it('whose folders lie in one another by tens of thousands', async () => {
    const made = await rig();
    const { pack, top } = nested(100_000);
    made.inOwn(pack, 'index-pack', '--stdin');
    made.commit(top);
    await refusedSoon(made, /deeper than a path can be/);
  }, 200_000);

  it('that has a message of tens of MiB', async () => {
    const made = await rig();
    const blob = made.inOwn('x', 'hash-object', '-w', '--stdin');
    const tree = made.inOwn(`100644 blob ${blob}\tx\n`, 'mktree');
    const id = made.inOwn('m'.repeat(50 * MIB), 'commit-tree', '-p', made.workspace.start, tree);
    writeFileSync(join(dirname(made.workspace.worktree), 'own.git/refs/heads', made.workspace.branch), `${id}\n`);
    await refusedSoon(made, /the commit [0-9a-f]{40} has 51 MiB/);
  }, 200_000);

  it('that has hundreds of thousands of objects', async () => {
    const made = await rig();
    const folder = join(dirname(made.workspace.worktree), 'many');
    mkdirSync(folder);
    const lines: string[] = ['commit refs/heads/x', 'committer A <a@example.test> 1 +0000', 'data 0'];
    for (let index = 0; index < 300_000; index += 1) {
      lines.push(`M 100644 inline d${index % 500}/${index}`, `data ${String(index).length}`, String(index));
    }
    const bare = join(folder, 'fast.git');
    spawnSync('git', ['init', '-q', '--bare', bare]);
    const imported = spawnSync('git', ['-C', bare, 'fast-import', '--quiet'], {
      input: `${lines.join('\n')}\n`,
      encoding: 'utf8',
    });
    expect(imported.stderr).toBe('');
    const tree = spawnSync('git', ['-C', bare, 'rev-parse', 'x^{tree}'], { encoding: 'utf8' }).stdout.trim();
    const own = join(dirname(made.workspace.worktree), 'own.git/objects/pack');
    for (const name of readdirSync(join(bare, 'objects/pack'))) {
      spawnSync('cp', [join(bare, 'objects/pack', name), own]);
    }
    made.commit(tree);
    await refusedSoon(made, /objects/);
  }, 300_000);
});
