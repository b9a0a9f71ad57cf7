/** Why what an attempt left is not taken, each with the way on. */

import { quote } from '../core/ids.ts';
import { codeOf } from '../core/thrown.ts';
import { GitError, saysNoSpace } from './command.ts';
import type { Problem } from './origin.ts';
import type { StoreResult } from './types.ts';

export function notAlone(others: readonly string[]): { readonly kind: 'failed' } & Problem {
  const more = others.length > 5 ? ` and ${others.length - 5} more` : '';
  return failed(
    'regenerate-failed',
    `what it left is more than the files to be made anew: ${others.slice(0, 5).join(', ')}${more}`,
    'nothing: the agent takes it over',
  );
}

export function conflictMarkers(files: readonly string[]): StoreResult {
  const named = files.slice(0, 5).map(quote).join(', ');
  const more = files.length > 5 ? ` and ${files.length - 5} more` : '';
  return failed(
    'conflict-markers',
    `conflict markers are left in ${named}${more}`,
    'resolve both sides and remove the markers',
  );
}

/** Whether a folder or a file was in the way that this account may not read or write as it stands. */
export function isClosed(error: unknown): boolean {
  return codeOf(error) === 'EACCES' || (error instanceof GitError && /permission denied/i.test(error.stderr));
}

/** A pipe, or a file of gigabytes, by which git would go. */
export function blocksGit(path: Buffer): Problem {
  return {
    failure: 'unstorable-files',
    message: `${quote(path.toString('utf8'))} is no file that git could read: a pipe or the like, or larger than any rules are`,
    next: 'remove it',
  };
}

/** Files that the engine may not read, or that git cannot take. */
export function unreadable(error: unknown): Problem | null {
  const next = 'make every file of the worktree readable, or put it into .gitignore';
  if (codeOf(error) === 'EACCES') {
    return { failure: 'unstorable-files', message: `the worktree cannot be read: ${whereOf(error)}`, next };
  }
  if (codeOf(error) === 'ENAMETOOLONG') {
    const message = 'the worktree has folders in one another, deeper than a path can be';
    return { failure: 'unstorable-files', message, next: 'remove them' };
  }
  if (!(error instanceof GitError) || !/\badd\b/.test(error.command) || error.reason !== 'exit') return null;
  if (saysNoSpace(error)) return null;
  return {
    failure: 'unstorable-files',
    message: `git cannot take what is in the worktree: ${quote(error.message)}`,
    next,
  };
}

/** The end of a path tells the file; what stands before it is where all workspaces lie. */
function whereOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (!('path' in error) || typeof error.path !== 'string') return quote(error.message);
  const { path } = error;
  return `${quote(path.length > 57 ? `…${path.slice(-56)}` : path)} is closed to this account`;
}

export function failed(
  failure: Problem['failure'],
  message: string,
  next: string,
): { readonly kind: 'failed' } & Problem {
  return { kind: 'failed', failure, message, next };
}
