/**
 * An origin that is a repository on this host with the branch checked out: its files move together with the branch,
 * and only when nothing of the person's can be lost.
 *
 * Git's own receive-pack (updateInstead) does the move. It writes the files first and the branch last; a process that
 * was killed in between leaves a checkout that differs from main exactly as the candidate does, wholly or half-way.
 * That one is finished here, under the checkout's own index lock; everything else that differs is a person's.
 */

import { join } from 'node:path';
import { exists, namesIn, readText } from '../files/read.ts';
import type { Git } from './git.ts';
import { localPathOf, resolveGitDir } from './local-origin.ts';

export interface CheckedOut {
  /** The worktree's root. */
  readonly path: string;
  /** The worktree's own git folder, with its HEAD and index. */
  readonly gitDir: string;
}

/** The worktree of a local origin that has the branch checked out; null when none has, or the origin is not local. */
export async function findCheckout(git: Git, origin: string, branch: string): Promise<CheckedOut | null> {
  const path = localPathOf(origin);
  if (path === null) return null;
  for (const worktree of await worktreesWith(git, path, branch)) {
    if (!(await exists(join(worktree, '.git')))) continue;
    return { path: worktree, gitDir: await resolveGitDir(join(worktree, '.git')) };
  }
  return null;
}

/**
 * The git folder of a checkout of the branch that has it elsewhere, as by `git init --separate-git-dir`; null when none has. Git takes
 * that folder for the worktree: it does not know where the files are.
 */
export async function gitFolderApart(git: Git, path: string, branch: string): Promise<string | null> {
  for (const worktree of await worktreesWith(git, path, branch)) {
    if ((await exists(join(worktree, 'HEAD'))) && !(await exists(join(worktree, '.git')))) return worktree;
  }
  return null;
}

/** The worktrees of a folder's repository that have the branch checked out, as git knows them. */
async function worktreesWith(git: Git, path: string, branch: string): Promise<readonly string[]> {
  // One that is not there is told by the push.
  if (!(await exists(path))) return [];
  if (await isBareAlone(path)) return [];
  const gitDir = (await exists(join(path, '.git'))) ? join(path, '.git') : path;
  const resolved = await resolveGitDir(gitDir);
  const { stdout, code } = await git.checkout(['worktree', 'list', '--porcelain', '-z'], {
    gitDir: resolved,
    accept: [128],
  });
  if (code !== 0) return [];
  const blocks = stdout.toString('utf8').split('\0\0');
  return blocks.flatMap((block) => {
    const lines = block.split('\0');
    if (lines.includes('bare') || !lines.includes(`branch refs/heads/${branch}`)) return [];
    return lines.filter((line) => line.startsWith('worktree ')).map((line) => line.slice('worktree '.length));
  });
}

/** A git folder that no checkout and no linked worktree belongs to, as far as its files tell. */
async function isBareAlone(path: string): Promise<boolean> {
  if (await exists(join(path, '.git'))) return false;
  // The `.git` of a checkout looks the same but for this; where it is said otherwise, git is asked.
  const isBare = /^\s*bare\s*=\s*true\s*$/m.test((await readText(join(path, 'config'))) ?? '');
  return isBare && (await namesIn(join(path, 'worktrees'))).length === 0;
}

/** The command that serves a push into a checked-out branch, as the person would pull it but without hooks. */
export function receivePackFor(gitPath: string): string {
  const program = `'${gitPath.replaceAll("'", String.raw`'\''`)}'`;
  const settings = ['receive.denyCurrentBranch=updateInstead', 'core.hooksPath=/dev/null', 'core.fsmonitor=false'];
  settings.push('receive.autogc=false', 'gc.auto=0', 'maintenance.auto=false', 'core.alternateRefsCommand=true');
  return `${program} ${settings.map((setting) => `-c ${setting}`).join(' ')} receive-pack`;
}
