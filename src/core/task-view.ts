/** What people see of a task, made from its state. */

import type { Failure } from './failure.ts';
import { oneLine } from './text.ts';
import { phaseOf, type Stage, type Task } from './task.ts';
import type { TaskSpec, TaskStateName, TaskView, WaitingFor } from './task-types.ts';

export function viewOf(task: Task, spec: TaskSpec): TaskView {
  const { stage } = task;
  return {
    id: spec.id,
    title: spec.title,
    project: spec.project,
    branch: spec.branch,
    origin: spec.origin,
    state: stateOf(stage),
    phase: phaseOf(task),
    attempt: task.attempt,
    waitingFor: waitingForOf(task, spec.id),
    commit: stage.kind === 'ended' ? (stage.landing?.commit ?? null) : null,
    createdAt: new Date(spec.createdAtMs).toISOString(),
    endedAt: task.endedAtMs === null ? null : new Date(task.endedAtMs).toISOString(),
    failure: failureOf(task),
    agent: spec.work.kind === 'shell' ? 'shell' : spec.work.agent,
    owner: spec.owner.name,
    summary: task.summary,
    revisions: task.revisions,
    checkpoint: task.checkpoint,
    usage: task.usage,
    requestId: spec.requestId,
    sequence: task.sequence,
  };
}

export function stateOf(stage: Stage): TaskStateName {
  switch (stage.kind) {
    case 'phase':
      return 'running';
    case 'backoff':
    case 'asking':
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
  const since = new Date(task.sinceMs).toISOString();
  const { stage } = task;
  switch (stage.kind) {
    case 'backoff': {
      const until = new Date(stage.untilMs).toISOString();
      const kind = stage.failure.kind === 'agent-limited' ? 'limit' : 'retry';
      return { kind, text: `tries again at ${until}: ${stage.failure.message}`, since };
    }
    case 'asking':
      return { kind: stage.ask.kind, text: stage.ask.text, since };
    case 'parked':
      return { kind: stage.why, text: `${stage.failure.message}; go on with: tasks retry ${id}`, since };
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
    case 'landing':
    case 'withdrawing':
      return null;
  }
}

/** The task's state for a person, as Markdown for the Temporal Web UI. At most some 2 kB. */
export function detailsOf(task: Task, spec: TaskSpec): string {
  const view = viewOf(task, spec);
  const lines = [`**${view.state}**${view.phase === null ? '' : ` · ${view.phase}`} · attempt ${view.attempt}`];
  if (view.waitingFor !== null) {
    lines.push(
      '',
      `Waits for ${view.waitingFor.kind} since ${view.waitingFor.since}:`,
      '',
      `> ${oneLine(view.waitingFor.text, 1_000)}`,
    );
    if (view.waitingFor.kind === 'question' || view.waitingFor.kind === 'proposal') {
      lines.push('', `Reply with \`tasks answer ${spec.id} "…"\``);
    }
  }
  if (view.failure !== null)
    lines.push(
      '',
      `${view.failure.kind}: ${oneLine(view.failure.message, 500)}`,
      '',
      `Next: ${oneLine(view.failure.next, 300)}`,
    );
  if (view.commit !== null) lines.push('', `Landed as \`${view.commit}\``);
  return lines.join('\n');
}
