/** The operations of the matrix, in the order in which a task meets them. */

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Candidate, QueueItem } from '../../src/core/queue-types.ts';
import type { GitRoom } from '../../src/git/types.ts';
import {
  bareOrigin,
  build,
  checkedOutOrigin,
  contentOf,
  expectSame,
  git,
  idOf,
  moveMain,
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
import { MENDING_OPERATIONS } from './mending-operations.ts';
import { UNFINISHED_OPERATIONS } from './unfinished-operations.ts';

const CHANGE = { 'a.txt': 'changed\n', 'new/file.txt': 'new\n' };
const ROUNDS = 4;
/** Upkeep whatever there is. */
const ANY = { loose: 0, packs: 0, idleMs: 0 };

/** Every object of the mirror and of the landing repository, whether anything names it or not. */
function objectsIn({ home }: Facts): readonly string[] {
  const folders = ['mirrors', 'landing'].flatMap((name) =>
    readdirSync(join(home, name))
      .filter((one) => one.endsWith('.git'))
      .map((one) => join(home, name, one)),
  );
  return folders.flatMap((folder) =>
    git(folder, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)').split('\n'),
  );
}

/** More objects than git unpacks one by one. */
function manyFiles(prefix: string): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: 120 }, (_, index) => [`${prefix}/${index}.txt`, `${prefix}${index}\n`]),
  );
}

async function seeMain(room: GitRoom, { target, main, first }: Facts): Promise<void> {
  const seen = await room.lookAtMain(target, first);
  expectSame('main', seen?.commit, main);
}

async function readMain(room: GitRoom, { target, main }: Facts): Promise<void> {
  const file = await room.readFileAt(target, main, 'tasks.yaml');
  expectSame('tasks.yaml', file.kind === 'file' ? file.text : file.kind, TASKS_YAML);
}

function expectWorktree(path: string, commit: string, files: Readonly<Record<string, string>>): void {
  expectSame('HEAD', git(path, 'rev-parse', 'HEAD'), commit);
  expectSame('git status', git(path, 'status', '--porcelain', '--ignored'), '');
  for (const [name, content] of Object.entries(files)) expectSame(name, contentOf(path, name), content);
}

async function stored(room: GitRoom, facts: Facts): Promise<Facts> {
  return { ...facts, item: await work(room, facts, CHANGE) };
}

/** Lands as the integration workflow does: what is `moved` is built again. */
async function landNow(room: GitRoom, facts: Facts): Promise<void> {
  const item = need(facts.item);
  let candidate: Candidate = need(facts.candidate);
  for (let round = 0; round < ROUNDS; round += 1) {
    const result = await room.land(facts.target, item, candidate);
    if (result.kind === 'landed') return;
    if (result.kind !== 'moved') throw new Error(`not landed: ${JSON.stringify(result)}`);
    const built = await room.buildCandidate(facts.target, item, readGate);
    if (built.kind === 'landed') return;
    if (built.kind !== 'candidate') throw new Error(`not built: ${JSON.stringify(built)}`);
    candidate = built.candidate;
  }
  throw new Error('main seems to move again and again');
}

function expectLanded({ target, candidate, item }: Facts): void {
  const { commit, tree } = need(candidate);
  expectSame('main', idOf(target.origin, 'refs/heads/main'), commit);
  expectSame("main's tree", idOf(target.origin, 'refs/heads/main^{tree}'), tree);
  const landings = git(target.origin, 'log', '--first-parent', '--format=%H', `--grep=Task-Id: ${need(item).taskId}`);
  expectSame('landings', landings.split('\n'), [commit]);
}

async function candidateOf(room: GitRoom, facts: Facts): Promise<Facts> {
  const made = { ...facts, item: await work(room, facts, CHANGE) };
  return { ...made, candidate: await build(room, made, made.item) };
}

async function switchGate(room: GitRoom, { target, item, candidate }: Facts): Promise<void> {
  const wanted = need(candidate);
  const worktree = await room.gateWorktree(target, need(item), wanted);
  try {
    expectWorktree(worktree.path, wanted.commit, CHANGE);
    expectSame('the worktree', worktree.path.endsWith('/1'), true);
  } finally {
    await worktree.release();
  }
}

async function runGateOnce(room: GitRoom, facts: Facts, item: QueueItem, candidate: Candidate): Promise<void> {
  const worktree = await room.gateWorktree(facts.target, item, candidate);
  writeFiles(worktree.path, { ignored: 'of the last run\n', 'left.txt': 'of the last run\n' });
  await worktree.release();
}

const STORING: Pick<Operation, 'prepare' | 'run' | 'check'> = {
  prepare: async (folder, makeRoom) => {
    const facts = bareOrigin(folder);
    const workspace = await workspaceOf(makeRoom(facts.home), facts);
    writeFiles(workspace.worktree, CHANGE);
    writeFiles(workspace.taskDir, { 'plan.md': 'a plan\n' });
    return { ...facts, workspace };
  },
  run: async (room, facts) => {
    const workspace = need(facts.workspace);
    const checkpoint = await store(room, facts, workspace);
    expectSame('the checkpoint', checkpoint.changed, true);
    expectSame('what is stored', await room.storedCheckpoint(facts.target.project, TASK), checkpoint);
    expectSame('the ref', idOf(facts.target.origin, `refs/tasks/${TASK}/1/head`), checkpoint.head);
    expectSame('a.txt', git(facts.target.origin, 'show', `${checkpoint.head}:a.txt`), 'changed');
    expectSame('plan.md', git(facts.target.origin, 'show', `refs/tasks/${TASK}/1/notes:plan.md`), 'a plan');
  },
  check: ({ workspace }) => expectSame('git status', git(need(workspace).worktree, 'status', '--porcelain'), ''),
};

const COMMIT_COMMANDS = ['update-index', 'add', 'write-tree', 'read-tree', 'rev-parse', 'merge-base', 'cat-file'];

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'make mirror',
    prepare: async (folder) => bareOrigin(folder),
    run: readMain,
  },
  {
    name: 'make landing repository',
    prepare: async (folder) => bareOrigin(folder),
    run: seeMain,
  },
  {
    name: 'fetch',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      await readMain(makeRoom(facts.home), facts);
      await seeMain(makeRoom(facts.home), facts);
      return moveMain(facts, { 'a.txt': 'one\nTWO\nthree\n' });
    },
    run: async (room, facts) => {
      await seeMain(room, facts);
      await readMain(room, facts);
    },
  },
  {
    name: 'fetch a pack',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      await seeMain(makeRoom(facts.home), facts);
      return moveMain(facts, manyFiles('many'));
    },
    run: seeMain,
  },
  {
    name: 'make workspace',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      await readMain(makeRoom(facts.home), facts);
      return moveMain(facts, { 'c.txt': 'c\n' });
    },
    run: async (room, facts) => {
      const { worktree } = await workspaceOf(room, facts);
      expectWorktree(worktree, facts.main, { 'c.txt': 'c\n' });
    },
  },
  {
    name: 'rebuild workspace',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const elsewhere = join(folder, 'elsewhere');
      mkdirSync(elsewhere);
      const { attempt, head, base } = await work(makeRoom(elsewhere), { ...facts, home: elsewhere }, CHANGE);
      await readMain(makeRoom(facts.home), facts);
      return { ...moveMain(facts, { 'c.txt': 'c\n' }), checkpoint: { attempt, head, base, changed: true } };
    },
    run: async (room, facts) => {
      const start = { kind: 'revision', checkpoint: need(facts.checkpoint) } as const;
      const result = await room.prepareWorkspace({ ...facts.target, taskId: TASK, attempt: 2, start });
      if (result.kind === 'failed') throw new Error(result.message);
      const { worktree, start: commit } = result.workspace;
      expectWorktree(worktree, commit, { ...CHANGE, 'c.txt': 'c\n' });
    },
  },
  { name: 'commit what was left', only: COMMIT_COMMANDS, ...STORING },
  ...UNFINISHED_OPERATIONS,
  { name: 'push checkpoint', only: ['push', 'receive-pack', 'unpack-objects', 'rev-list', 'engine'], ...STORING },
  {
    name: 'build a candidate',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const made = await stored(makeRoom(facts.home), facts);
      const moved = moveMain(made, { 'c.txt': 'c\n' });
      const elsewhere = join(folder, 'elsewhere');
      mkdirSync(elsewhere);
      return { ...moved, candidate: await build(makeRoom(elsewhere), moved, need(made.item)) };
    },
    run: async (room, facts) => {
      expectSame('the candidate', await build(room, facts, need(facts.item)), facts.candidate);
    },
  },
  {
    name: 'remake candidates',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const elsewhere = join(folder, 'elsewhere');
      mkdirSync(elsewhere);
      const room = makeRoom(elsewhere);
      const ahead = await work(room, facts, CHANGE);
      const item = await work(room, facts, { 'other.txt': 'other\n' }, OTHER_TASK);
      const { commit, tree, main, gate } = await build(room, facts, ahead);
      return { ...facts, item, below: { item: ahead, commit, tree, main, gateHash: gate.hash } };
    },
    run: async (room, { target, item, below }) => {
      const parent = need(below).commit;
      const request = { item: need(item), parent, known: null, below: [need(below)] };
      const { result } = await room.buildOn(target, request, readGate);
      if (result.kind !== 'candidate') throw new Error(`no candidate: ${JSON.stringify(result)}`);
      expectSame('the parent', result.candidate.main, parent);
    },
  },
  {
    name: 'gate worktree made',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      return candidateOf(makeRoom(facts.home), facts);
    },
    run: switchGate,
  },
  {
    name: 'gate worktree switch',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const room = makeRoom(facts.home);
      const other = await work(room, facts, { 'a.txt': 'of another\n', 'gone.txt': 'gone\n' }, OTHER_TASK);
      await runGateOnce(room, facts, other, await build(room, facts, other));
      return candidateOf(room, facts);
    },
    run: switchGate,
  },
  {
    name: 'land by push',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      return candidateOf(makeRoom(facts.home), facts);
    },
    run: landNow,
    check: expectLanded,
  },
  {
    name: 'land on a checked-out origin',
    prepare: async (folder, makeRoom) => {
      const facts = checkedOutOrigin(folder);
      const { origin } = facts.target;
      git(origin, 'update-index', '--skip-worktree', 'tasks.yaml');
      writeFiles(origin, { 'tasks.yaml': 'of the person\n' });
      return candidateOf(makeRoom(facts.home), facts);
    },
    run: landNow,
    check: (facts) => {
      expectLanded(facts);
      const { origin } = facts.target;
      expectWorktree(origin, need(facts.candidate).commit, { ...CHANGE, 'tasks.yaml': 'of the person\n' });
      expectSame('what git does not look at', git(origin, 'ls-files', '-v', 'tasks.yaml'), 'S tasks.yaml');
    },
  },
  {
    name: 'land by a push of git',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const made = await candidateOf(makeRoom(facts.home), facts);
      // Of packed objects the engine makes no push of its own.
      for (let round = 0; round < 2; round += 1) await makeRoom(facts.home).keepUp(ANY);
      return made;
    },
    run: landNow,
    check: expectLanded,
  },
  {
    name: 'upkeep',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const room = makeRoom(facts.home);
      const workspace = await workspaceOf(room, facts);
      let moved = facts;
      for (const name of ['one', 'two', 'three']) {
        moved = moveMain(moved, { [`${name}.txt`]: `${name}\n` });
        await readMain(room, moved);
        await makeRoom(facts.home).keepUp(ANY);
      }
      const made = { ...(await candidateOf(makeRoom(facts.home), moved)), workspace };
      writeFiles(workspace.worktree, { 'unstored.txt': 'of the agent\n' });
      git(workspace.worktree, 'add', '-A');
      const unstored = git(workspace.worktree, 'rev-parse', ':unstored.txt');
      return { ...made, objects: [...objectsIn(made), unstored] };
    },
    run: async (room) => {
      for (const { kind, text } of await room.keepUp(ANY)) expectSame(text, kind, 'done');
    },
    check: (facts) => {
      const there = new Set(objectsIn(facts));
      expectSame(
        'what vanished',
        need(facts.objects).filter((id) => !there.has(id)),
        [],
      );
      const { worktree } = need(facts.workspace);
      expectSame('unstored.txt', git(worktree, 'cat-file', '-p', ':unstored.txt'), 'of the agent');
    },
  },
  {
    name: 'remove workspace',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      return stored(makeRoom(facts.home), facts);
    },
    run: async (room, { target }) => {
      await room.deleteTaskRefs(target, [TASK]);
      await room.removeWorkspace(target.project, TASK);
      expectSame('the workspaces', await room.listWorkspaces(), []);
    },
    check: ({ home, target }) => {
      expectSame('the refs', git(target.origin, 'for-each-ref', 'refs/tasks'), '');
      if (existsSync(join(home, 'workspaces', target.project, TASK))) throw new Error('the workspace is there');
    },
  },
  ...MENDING_OPERATIONS,
];
