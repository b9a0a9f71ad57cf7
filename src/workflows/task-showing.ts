/** Tells the Temporal Web UI and its searches how a task is. */

import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { Task } from '../core/task.ts';
import { detailsOf } from '../core/task-details.ts';
import type { TaskSpec } from '../core/task-types.ts';
import { viewOf } from '../core/task-view.ts';

const taskState = defineSearchAttributeKey('TaskState', 'KEYWORD');
const waitingFor = defineSearchAttributeKey('WaitingFor', 'KEYWORD');

/** It owns what the searches were told last: only what changed is told, since each upsert is an event. */
export class Showing {
  #shown = '';

  show(task: Task, spec: TaskSpec): void {
    this.refresh(task, spec);
    const view = viewOf(task, spec);
    const waits = view.waitingFor?.kind ?? '';
    const shown = `${view.state} ${waits}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    upsertSearchAttributes([
      { key: taskState, value: view.state },
      { key: waitingFor, value: waits === '' ? null : waits },
    ]);
  }

  /** The details alone, which are no event. */
  refresh(task: Task, spec: TaskSpec): void {
    setCurrentDetails(detailsOf(task, spec));
  }
}
