/** What an agent may do instead of its work, and what the engine has to make of it. */

import type { FailureKind } from '../../src/core/failure.ts';

/** Git as an agent has to call it: its scratch home has no identity. */
export const AS_AGENT = 'git -c user.name=Agent -c user.email=agent@example.test';

export interface Misbehaviour {
  readonly what: string;
  /** A line of shell, instead of the execute phase's work. */
  readonly does: string;
  readonly kind: FailureKind;
  readonly says: RegExp;
  readonly next: RegExp;
}

/** Those of one group follow one another in the attempts of one task: each finds what the one before has left. */
export const MISBEHAVIOURS: Readonly<Record<string, readonly Misbehaviour[]>> = {
  'leaves reports that are none': [
    {
      what: 'leaves a report that is no JSON',
      does: `echo 'I am done!' > "$TASKS_REPORT_FILE"`,
      kind: 'bad-report',
      says: /report\.json: is no JSON, it begins "I am done!"/,
      next: /schema/,
    },
    {
      what: 'exits in the middle of writing its report',
      does: `printf '{"status":"done","summ' > "$TASKS_REPORT_FILE"; exit 0`,
      kind: 'bad-report',
      says: /report\.json: is no JSON/,
      next: /schema/,
    },
    {
      what: 'leaves a report of a status that nobody knows',
      does: `echo '{"status":"finished"}' > "$TASKS_REPORT_FILE"`,
      kind: 'bad-report',
      says: /status: is "finished"; use one of done, question, proposal, failed/,
      next: /schema/,
    },
    {
      what: 'leaves a report that is too long',
      does: `head -c 200000 /dev/zero | tr '\\0' x > "$TASKS_REPORT_FILE"`,
      kind: 'bad-report',
      says: /200000 bytes, the limit is 65536/,
      next: /schema/,
    },
    {
      what: 'leaves a symbolic link as its report',
      does: `echo '{"status":"done","summary":"linked"}' > real.json; ln -s "$PWD/real.json" "$TASKS_REPORT_FILE"`,
      kind: 'bad-report',
      says: /symbolic link/,
      next: /schema/,
    },
    {
      what: 'leaves a FIFO as its report',
      does: `mkfifo "$TASKS_REPORT_FILE"`,
      kind: 'bad-report',
      says: /not a regular file/,
      next: /schema/,
    },
    {
      what: 'leaves a folder as its report',
      does: `mkdir "$TASKS_REPORT_FILE"; touch "$TASKS_REPORT_FILE/file"`,
      kind: 'bad-report',
      says: /not a regular file/,
      next: /schema/,
    },
  ],
  'ends in other ways than it should': [
    {
      what: 'exits with 0 and leaves nothing',
      does: `touch junk; exit 0`,
      kind: 'no-report',
      says: /ended without a report/,
      next: /TASKS_REPORT_FILE/,
    },
    {
      what: 'removes its task folder',
      does: `rm -rf "$TASKS_TASK_DIR" || :; exit 0`,
      kind: 'no-report',
      says: /ended without a report/,
      next: /TASKS_REPORT_FILE/,
    },
    {
      what: 'reports done and exits with another code than 0',
      does: `echo '{"status":"done","summary":"did it"}' > "$TASKS_REPORT_FILE"; echo oh no; exit 3`,
      kind: 'agent-failed',
      says: /exited with 3/,
      next: /tasks logs/,
    },
    {
      what: 'is killed',
      does: `kill -9 $$`,
      kind: 'agent-killed',
      says: /ended by SIGKILL/,
      next: /memory/,
    },
  ],
  'does to its repository what it should not': [
    {
      what: 'commits on another branch',
      does: `git checkout -q -b elsewhere; echo x > junk; git add junk; ${AS_AGENT} commit -q -m Elsewhere`,
      kind: 'wrong-branch',
      says: /the worktree is on "elsewhere", not on tasks\//,
      next: /work on tasks\//,
    },
    {
      what: 'commits with a detached HEAD',
      does: `git checkout -q --detach; echo x > junk; git add junk; ${AS_AGENT} commit -q -m Detached`,
      kind: 'wrong-branch',
      says: /detached/,
      next: /work on tasks\//,
    },
    {
      what: 'rewrites the history that it was given',
      does: `${AS_AGENT} commit -q --amend -m Rewritten`,
      kind: 'unrelated-history',
      says: /does not descend from where the attempt began/,
      next: /do not reset, rebase or amend/,
    },
    {
      what: 'leaves a repository inside the worktree',
      does: `git init -q vendor; echo x > vendor/file`,
      kind: 'nested-repository',
      says: /a git repository lies inside the worktree: "vendor/,
      next: /remove it/,
    },
    {
      what: 'removes the whole worktree',
      does: `rm -rf "$TASKS_WORKTREE" || :; echo '{"status":"done","summary":"tidied"}' > "$TASKS_REPORT_FILE"`,
      kind: 'nested-repository',
      says: /no longer the one that the engine made/,
      next: /leave \.git alone/,
    },
  ],
};
