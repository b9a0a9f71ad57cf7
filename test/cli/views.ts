/** Views for rendering. */

import type { TaskView } from '../../src/core/task-types.ts';
import { PLAIN } from '../../src/cli/render/palette.ts';
import type { Screen } from '../../src/cli/render/tasks.ts';

export const NOW_MS = Date.parse('2026-01-02T03:04:05.000Z');
export const SCREEN: Screen = { palette: PLAIN, columns: null, nowMs: NOW_MS };

export function viewWith(changes: Partial<TaskView>): TaskView {
  return {
    id: '3fa0000000' as TaskView['id'],
    title: 'Sort the imports',
    project: 'shop' as TaskView['project'],
    branch: 'main' as TaskView['branch'],
    origin: '/srv/shop.git',
    state: 'running',
    phase: 'execute',
    attempt: 2,
    waitingFor: null,
    commit: null,
    createdAt: '2026-01-02T03:02:05.000Z',
    endedAt: null,
    failure: null,
    agent: 'claude',
    owner: 'Ada',
    summary: null,
    revisions: 0,
    checkpoint: null,
    conflict: null,
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    requestId: null,
    type: 'task',
    parent: null,
    sequence: 4,
    ...changes,
  };
}
