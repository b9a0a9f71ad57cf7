/** Repositories whose objects are broken on disk and that are mended, and what `tasks gc` does with git: as operations of the matrix. */

import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bareOrigin,
  build,
  contentOf,
  expectSame,
  git,
  idOf,
  need,
  OTHER_TASK,
  readGate,
  store,
  TASK,
  TASKS_YAML,
  work,
  workspaceOf,
  writeFiles,
  type Facts,
  type Operation,
} from './git-operations.ts';

const CHANGE = { 'a.txt': 'changed\n', 'new/file.txt': 'new\n' };
/** So many that a pack of them has some on either side of where it breaks. */
const FILES = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`f/${at}.txt`, `${at}\n`.repeat(at + 1)]));

function only(folder: string, ending: string): string {
  const [name, ...more] = readdirSync(folder).filter((each) => each.endsWith(ending));
  if (name === undefined || more.length > 0) throw new Error(`${folder} has ${more.length + 1} of them`);
  return join(folder, name);
}

function breakFile(path: string): void {
  chmodSync(path, 0o644);
  const content = readFileSync(path);
  content.fill(0, Math.floor(content.length / 2));
  writeFileSync(path, content);
}

function breakLoose(gitDir: string, revision: string): void {
  const ids = git(gitDir, 'rev-list', '--objects', revision).split('\n');
  for (const line of ids) {
    const path = join(gitDir, 'objects', line.slice(0, 2), line.slice(2, 40));
    if (existsSync(path)) breakFile(path);
  }
}

/** What is stored of an attempt is all that its agent left, committed or not. */
async function storeAll(room: Parameters<Operation['run']>[0], facts: Facts): Promise<void> {
  const { head } = await store(room, facts, need(facts.workspace));
  const { origin } = facts.target;
  for (const [path, content] of Object.entries({ ...FILES, 'uncommitted.txt': 'uncommitted\n' }))
    expectSame(path, git(origin, 'show', `${head}:${path}`), content.trim());
}

/** An attempt with a commit of its agent's that is nowhere else, and with what is not committed. */
async function underWay(facts: Facts, room: Parameters<Operation['run']>[0]): Promise<Facts> {
  const workspace = await workspaceOf(room, facts);
  writeFiles(workspace.worktree, FILES);
  git(workspace.worktree, 'add', '-A');
  git(workspace.worktree, 'commit', '-q', '-m', 'by the agent');
  writeFiles(workspace.worktree, { 'uncommitted.txt': 'uncommitted\n' });
  return { ...facts, workspace };
}

export const MENDING_OPERATIONS: readonly Operation[] = [
  {
    name: 'mend a mirror',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const made = await underWay(facts, makeRoom(facts.home));
      breakLoose(only(join(facts.home, 'mirrors'), '.git'), facts.main);
      return made;
    },
    run: async (room, facts) => {
      const { worktree } = await workspaceOf(room, facts, OTHER_TASK);
      expectSame('tasks.yaml', contentOf(worktree, 'tasks.yaml'), TASKS_YAML);
      await storeAll(room, facts);
    },
    check: ({ workspace }) =>
      expectSame('the commit', git(need(workspace).worktree, 'log', '-1', '--format=%s', 'HEAD^'), 'by the agent'),
  },
  {
    name: 'mend a pack of a mirror',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const made = await underWay(facts, makeRoom(facts.home));
      const mirror = only(join(facts.home, 'mirrors'), '.git');
      git(mirror, 'repack', '-a', '-d', '-q');
      git(mirror, 'prune-packed', '-q');
      breakFile(only(join(mirror, 'objects/pack'), '.pack'));
      return made;
    },
    run: storeAll,
  },
  {
    name: 'make a broken landing repository anew',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const room = makeRoom(facts.home);
      const item = await work(room, facts, CHANGE);
      await build(room, facts, item);
      breakLoose(only(join(facts.home, 'landing'), '.git'), facts.main);
      return { ...facts, item };
    },
    run: async (room, facts) => {
      const item = need(facts.item);
      const built = await room.buildCandidate(facts.target, item, readGate);
      if (built.kind !== 'candidate' && built.kind !== 'landed') throw new Error(`not built: ${JSON.stringify(built)}`);
      const landed = built.kind === 'landed' ? built : await room.land(facts.target, item, built.candidate);
      if (landed.kind !== 'landed') throw new Error(`not landed: ${JSON.stringify(landed)}`);
      expectSame('main', idOf(facts.target.origin, 'refs/heads/main'), landed.landing.commit);
      // As after each landing: one that is found on main is not pushed again, and what its push has left lies there.
      await room.deleteTaskRefs(facts.target, [TASK]);
    },
  },
  {
    name: 'collect what nobody needs',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const room = makeRoom(facts.home);
      const item = await work(room, facts, CHANGE);
      const worktree = await room.gateWorktree(facts.target, item, await build(room, facts, item));
      await worktree.release();
      return facts;
    },
    run: async (room, { target, home }) => {
      await room.deleteTaskRefs(target, [TASK]);
      const asked = { mayGo: () => Promise.resolve(true), gone: () => Promise.resolve() };
      expectSame('the workspace', await room.removeUnused(target.project, TASK, asked), 'removed');
      for (const store of await room.listStores()) expectSame(store.name, await room.removeStore(store), true);
      expectSame('what is left', await room.listStores(), []);
      // But for what is being written at the moment of the kill, and gets no name.
      const left = ['mirrors', 'landing'].flatMap((name) =>
        existsSync(join(home, name)) ? readdirSync(join(home, name)) : [],
      );
      expectSame(
        'repositories',
        left.filter((name) => !/\.(?:new|tmp)$/.test(name)),
        [],
      );
      // And all of it can be made again.
      const file = await room.readFileAt(target, idOf(target.origin, 'main'), 'tasks.yaml');
      expectSame('tasks.yaml', file.kind === 'file' ? file.text : file.kind, TASKS_YAML);
    },
    check: ({ target }) => expectSame('the refs', git(target.origin, 'for-each-ref', 'refs/tasks'), ''),
  },
];
