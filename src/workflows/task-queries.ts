/** What a task's workflow tells who asks by query. */

import { setHandler } from '@temporalio/workflow';
import { askView } from '../core/ask-view.ts';
import type { Task } from '../core/task.ts';
import type { TaskEvent } from '../core/task-events.ts';
import type { TaskSpec } from '../core/task-types.ts';
import { viewOf } from '../core/task-view.ts';
import { carryQuery, detailQuery, historyQuery, itemQuery, stateQuery, type CarriedTask } from './messages.ts';
import { handOffOf } from './task-links.ts';

export interface Told {
  readonly spec: TaskSpec;
  readonly task: () => Task;
  readonly handled: () => CarriedTask['handled'];
  readonly events: () => readonly TaskEvent[];
}

export function answerQueries({ spec, task, handled, events }: Told): void {
  setHandler(detailQuery, () => {
    const { exchanges, request, stage, unrecorded } = task();
    const asks = stage.kind === 'asking' ? stage.asks.map(askView) : [];
    return { view: viewOf(task(), spec), spec, exchanges, request, asks, unrecorded };
  });
  setHandler(itemQuery, () => {
    const { stage } = task();
    return stage.kind === 'landing' ? handOffOf(task(), spec, stage.checkpoint) : null;
  });
  setHandler(stateQuery, () => viewOf(task(), spec).state);
  setHandler(historyQuery, () => ({ view: viewOf(task(), spec), spec, events: events() }));
  setHandler(carryQuery, () => ({ spec, carried: { task: task(), handled: handled() } }));
}
