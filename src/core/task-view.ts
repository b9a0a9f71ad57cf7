/** What people see of a task, made from its state. */

import type { Ask } from './ask-types.ts';
import type { Failure } from './failure.ts';
import type { TaskId } from './ids.ts';
import { headOf, oneLine } from './text.ts';
import { askView } from './ask-view.ts';
import { currentSpec, phaseOf, type Stage, type Task } from './task.ts';
import type { TaskSpec, TaskStateName, TaskView, WaitingFor } from './task-types.ts';

/** Of a question or proposal in lists and records; `tasks show` has the whole. */
const MAX_WAIT_CHARS = 4_000;

export function viewOf(task: Task, spec: TaskSpec): TaskView {
  const { stage } = task;
  return {
    id: spec.id,
    title: currentSpec(task, spec).title,
    project: spec.project,
    branch: spec.branch,
    origin: spec.origin,
    state: stateOf(stage),
    // What only asks has no phase yet.
    phase: task.attempt === 0 ? null : phaseOf(task),
    attempt: task.attempt,
    waitingFor: waitingForOf(task, spec.id),
    commit: stage.kind === 'ended' ? (stage.landing?.commit ?? null) : null,
    createdAt: new Date(spec.createdAtMs).toISOString(),
    endedAt: task.endedAtMs === null ? null : new Date(task.endedAtMs).toISOString(),
    failure: failureOf(task),
    agent: spec.work.kind === 'shell' ? 'shell' : spec.work.agent,
    ...(spec.requires === undefined ? {} : { requires: spec.requires }),
    owner: spec.owner.name,
    summary: task.summary,
    revisions: task.revisions,
    checkpoint: task.checkpoint,
    conflict: task.conflict,
    usage: task.usage,
    requestId: spec.requestId,
    type: spec.type,
    parent: spec.parent,
    sequence: task.sequence,
  };
}

export function stateOf(stage: Stage): TaskStateName {
  switch (stage.kind) {
    case 'phase':
      return 'running';
    case 'backoff':
    case 'asking':
    case 'blocked':
    case 'parked':
      return 'waiting';
    case 'landing':
    case 'withdrawing':
      return 'landing';
    case 'ended':
      return stage.end;
  }
}

export function waitingForOf(task: Task, id: string): WaitingFor | null {
  const wait = waitOf(task, id);
  if (wait === null) return null;
  const since = new Date(task.sinceMs).toISOString();
  return { since, version: null, proposal: null, for: null, open: 0, ...wait };
}

type Wait = Pick<WaitingFor, 'kind' | 'text'> & Partial<WaitingFor>;

function waitOf(task: Task, id: string): Wait | null {
  const { stage } = task;
  switch (stage.kind) {
    case 'backoff': {
      const until = new Date(stage.untilMs).toISOString();
      const kind = stage.failure.kind === 'agent-limited' ? 'limit' : 'retry';
      return { kind, text: `tries again at ${until}: ${stage.failure.message}` };
    }
    case 'asking':
      return waitOfAsking(stage.asks);
    case 'blocked':
      return { kind: 'blocked', text: task.blockers.map(({ by, text }) => `${by}: ${oneLine(text)}`).join('\n') };
    case 'parked':
      return { kind: stage.why, text: `${stage.failure.message}; go on with: tasks retry ${id}` };
    case 'landing':
    case 'withdrawing':
      return stage.held === null
        ? null
        : { kind: stage.held.kind, text: stage.held.text, since: new Date(stage.held.sinceMs).toISOString() };
    case 'phase':
    case 'ended':
      return null;
  }
}

function waitOfAsking(asks: readonly Ask[]): Wait | null {
  const [ask] = asks;
  if (ask === undefined) return null;
  const { kind, version, text, body, since, for: whom } = askView(ask);
  return {
    kind: kind === 'question' ? 'question' : 'proposal',
    proposal: kind === 'question' ? null : kind,
    text: headOf(body === '' ? text : `${text}\n\n${body}`, MAX_WAIT_CHARS),
    since,
    version,
    for: whom,
    open: asks.length,
  };
}

/** The failure that people should know of: of the end, or of the wait. A failure that was got over is history. */
function failureOf(task: Task): Failure | null {
  const { stage } = task;
  switch (stage.kind) {
    case 'ended':
    case 'backoff':
    case 'parked':
      return stage.failure;
    case 'phase':
    case 'asking':
    case 'blocked':
    case 'landing':
    case 'withdrawing':
      return null;
  }
}

/** A view of a task of which little more than the id is known. */
export function emptyView(id: TaskId): TaskView {
  return {
    id,
    title: '',
    project: '' as TaskView['project'],
    branch: '' as TaskView['branch'],
    origin: '',
    state: 'queued',
    phase: null,
    attempt: 0,
    waitingFor: null,
    commit: null,
    createdAt: new Date(0).toISOString(),
    endedAt: null,
    failure: null,
    agent: '',
    owner: '',
    summary: null,
    revisions: 0,
    checkpoint: null,
    conflict: null,
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    requestId: null,
    type: 'task',
    parent: null,
    sequence: 0,
  };
}
