/** Storing unfinished work, and going on from it: as operations of the matrix. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GitRoom, Workspace } from '../../src/git/types.ts';
import {
  bareOrigin,
  contentOf,
  expectSame,
  git,
  need,
  store,
  TASK,
  workspaceOf,
  writeFiles,
  type Facts,
  type Operation,
} from './git-operations.ts';

const CHANGE = { 'a.txt': 'changed\n', 'new/file.txt': 'new\n' };

/** An attempt under way, with a commit of its agent's and what is not committed. */
async function underWay(room: GitRoom, facts: Facts): Promise<Workspace> {
  const workspace = await workspaceOf(room, facts);
  writeFiles(workspace.worktree, { 'b.txt': 'b\n' });
  git(workspace.worktree, 'add', 'b.txt');
  git(workspace.worktree, 'commit', '-q', '-m', 'by the agent');
  writeFiles(workspace.worktree, CHANGE);
  writeFiles(workspace.taskDir, { 'plan.md': 'a plan\n' });
  return workspace;
}

async function storeUnfinished(room: GitRoom, { target }: Facts, workspace: Workspace): Promise<void> {
  const request = { project: target.project, origin: target.origin, workspace, attempt: 1 };
  const problem = await room.beginAttempt(request);
  if (problem !== null) throw new Error(problem.message);
  const stored = await room.storeUnfinished(request);
  if (stored.kind !== 'stored' && stored.kind !== 'unchanged') throw new Error(JSON.stringify(stored));
}

export const UNFINISHED_OPERATIONS: readonly Operation[] = [
  {
    name: 'take in commits',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const room = makeRoom(facts.home);
      const workspace = await workspaceOf(room, facts);
      await room.separateWorkspace({ project: facts.target.project, origin: facts.target.origin, workspace });
      writeFiles(workspace.worktree, CHANGE);
      git(workspace.worktree, 'add', '-A');
      git(workspace.worktree, 'commit', '-q', '-m', 'by the agent');
      writeFiles(workspace.worktree, { 'c.txt': 'c\n' });
      return { ...facts, workspace };
    },
    run: async (room, facts) => {
      const { head } = await store(room, facts, need(facts.workspace));
      const { origin } = facts.target;
      expectSame('the commit', git(origin, 'log', '-1', '--format=%s', `${head}^`), 'by the agent');
      expectSame('c.txt', git(origin, 'show', `${head}:c.txt`), 'c');
    },
    check: ({ workspace }) => expectSame('git status', git(need(workspace).worktree, 'status', '--porcelain'), ''),
  },
  {
    name: 'store on the way',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      return { ...facts, workspace: await underWay(makeRoom(facts.home), facts) };
    },
    run: async (room, facts) => {
      await storeUnfinished(room, facts, need(facts.workspace));
      const { origin } = facts.target;
      const ref = `refs/tasks/${TASK}/1/work`;
      for (const [path, content] of Object.entries(CHANGE))
        expectSame(path, git(origin, 'show', `${ref}:${path}`), content.trim());
      expectSame('the commit', git(origin, 'log', '-1', '--format=%s', `${ref}^`), 'by the agent');
      expectSame('plan.md', git(origin, 'show', `refs/tasks/${TASK}/1/notes:plan.md`), 'a plan');
    },
    check: ({ workspace }) =>
      expectSame('git status', git(need(workspace).worktree, 'status', '--porcelain'), 'M a.txt\n?? new/'),
  },
  {
    name: 'take over',
    prepare: async (folder, makeRoom) => {
      const facts = bareOrigin(folder);
      const elsewhere = join(folder, 'elsewhere');
      mkdirSync(elsewhere);
      const room = makeRoom(elsewhere);
      await storeUnfinished(room, facts, await underWay(room, { ...facts, home: elsewhere }));
      return facts;
    },
    run: async (room, { target }) => {
      const unfinished = { attempts: [1], goOn: true };
      const start = { kind: 'main' } as const;
      const result = await room.prepareWorkspace({ ...target, taskId: TASK, attempt: 2, start, unfinished });
      if (result.kind === 'failed') throw new Error(result.message);
      const { worktree, taskDir } = result.workspace;
      for (const [path, content] of Object.entries(CHANGE)) expectSame(path, contentOf(worktree, path), content);
      expectSame('the branch', git(worktree, 'log', '-1', '--format=%s'), 'by the agent');
      expectSame('plan.md', contentOf(taskDir, 'plan.md'), 'a plan\n');
      expectSame(
        'the refs',
        git(target.origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks'),
        `refs/tasks/${TASK}/2/notes\nrefs/tasks/${TASK}/2/work`,
      );
    },
  },
];
