/** How a worktree differs from the index that it was made of. */

import type { Git, GitOptions } from './git.ts';
import type { Differences } from './types.ts';

/** @param ignored whether what git ignores is named, too: it is looked for then */
export async function differencesOf(
  git: Git,
  place: GitOptions,
  ignored = false,
): Promise<Differences & { readonly ignored: readonly string[] }> {
  const args = [
    'status',
    '--porcelain=v1',
    '-z',
    '--untracked-files=normal',
    '--no-renames',
    '--ignore-submodules=all',
  ];
  const { stdout } = await git.local(ignored ? [...args, '--ignored=traditional'] : args, place);
  const lines = stdout
    .toString('utf8')
    .split('\0')
    .filter((line) => line !== '');
  const named = (of: (line: string) => boolean) => lines.filter(of).map((line) => line.slice('XY '.length));
  return {
    untracked: named(isUntracked),
    ignored: named(isIgnored),
    // The second letter is the worktree's; the first compares the index with a commit that is not of interest.
    changed: named((line) => !isUntracked(line) && !isIgnored(line) && line[1] !== ' '),
  };
}

function isUntracked(line: string): boolean {
  return line.startsWith('?? ');
}

function isIgnored(line: string): boolean {
  return line.startsWith('!! ');
}

/** Makes tracked files again what the index says, whatever lies there. */
export async function putBack(git: Git, place: GitOptions, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const input = paths.map((path) => `${path}\0`).join('');
  await git.local(['checkout-index', '--force', '-z', '--stdin'], { ...place, writesWorktree: true, input });
}
