/** Git as a room is to start it, and whether it can be held on this host. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { oneLine } from '../core/text.ts';
import type { Collect } from './collect.ts';
import { GitError } from './command.ts';
import { createEnvironments, type PersonalGit } from './environment.ts';
import { createGit, type Confine, type Git, type Reach } from './git.ts';

export interface OpenGitOptions {
  /** The state home. */
  readonly home: string;
  readonly gitPath?: string;
  /** The HOME of the person whose credentials reach the origin. */
  readonly processHome?: string;
  readonly personal?: PersonalGit;
  /** Starts git's processes; by default this process itself. */
  readonly collect?: Collect;
  /** How git is held where it looks at a worktree; left out: not at all. */
  readonly confine?: Confine | null;
}

export function openGit(options: OpenGitOptions): Git {
  const { home, gitPath = 'git', collect, confine = null } = options;
  const environments = createEnvironments({
    folder: join(home, 'git'),
    gitPath,
    processHome: options.processHome ?? homedir(),
    personal: options.personal ?? { env: {} },
  });
  return createGit({ gitPath, environments, confine, ...(collect === undefined ? {} : { collectWith: collect }) });
}

/** Makes the command line of a sandbox that holds a command to its reach. */
type HoldTo = (
  command: Reach & { readonly argv: readonly [string, ...string[]]; readonly hidden: readonly string[] },
) => readonly [string, ...string[]];

/** Git is held as agents are: it sees what all sandboxes of the host see, and not what is hidden from them. */
export function confineBy(
  holdTo: HoldTo,
  { read, hidden }: { readonly read: readonly string[]; readonly hidden: readonly string[] },
): Confine {
  return (argv, reach) => holdTo({ argv, ...reach, read: [...read, ...reach.read], hidden });
}

/** Why git does not start in a sandbox here: one line; null when it does. */
export async function whyNotConfined(options: OpenGitOptions): Promise<string | null> {
  const { home } = options;
  try {
    await openGit(options).local(['version'], { gitDir: home, worktree: home });
    return null;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return oneLine(error.message, 200);
  }
}
