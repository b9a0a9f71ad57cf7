/** What the tests of the agents room start from. */

import { parseBranchName, parseObjectId, parseProjectName, parseTaskId } from '../../src/core/ids.ts';
import type { Parsed } from '../../src/core/parsed.ts';
import type { TaskSpec } from '../../src/core/task-types.ts';
import { NO_PATIENCE_LIMIT } from '../../src/core/ask-types.ts';
import type { AttemptExit, PhaseFiles } from '../../src/agents/types.ts';

export const FILES: PhaseFiles = {
  promptFile: '/h/task/prompt.md',
  taskDir: '/h/task',
  worktree: '/h/worktree',
  branch: 'tasks/abc',
  taskId: '0123456789',
  phase: 'execute',
  attempt: 3,
  reportFile: '/h/task/report.json',
};

export const SPEC: TaskSpec = {
  id: sure(parseTaskId('0123456789')),
  project: sure(parseProjectName('app')),
  origin: '/srv/app',
  branch: sure(parseBranchName('main')),
  configCommit: sure(parseObjectId('c'.repeat(40))),
  title: 'Add a --json flag',
  body: 'To the list command.\n',
  work: { kind: 'agent', agent: 'claude' },
  policy: {
    attempts: 3,
    revisions: 2,
    idleTimeoutMs: 1_000,
    totalTimeoutMs: 2_000,
    approve: [],
    patience: NO_PATIENCE_LIMIT,
    notify: [],
  },
  owner: { name: 'Ada', email: 'ada@example.com' },
  createdAtMs: 0,
  requestId: null,
  type: 'task',
  for: null,
  blocks: null,
  choices: [],
  default: null,
  parent: null,
};

export const COMMIT = sure(parseObjectId('d'.repeat(40)));

export function exited(code: number, tail = ''): AttemptExit {
  return { kind: 'exited', code, tail, durationMs: 5_000 };
}

function sure<T>(parsed: Parsed<T>): T {
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}
