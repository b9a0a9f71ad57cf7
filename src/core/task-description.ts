/** What the Temporal Web UI shows of a task from its start, before a worker has seen it. */

import { labelKey } from './labels.ts';
import type { TaskSpec } from './task-types.ts';
import { headOf, oneLine, printable } from './text.ts';

const MAX_DETAIL_CHARS = 1_000;

export interface TaskDescription {
  /** One line. */
  readonly summary: string;
  readonly details: string;
  /** Values of search attributes, all of type Keyword. */
  readonly attributes: Readonly<Record<'TaskState' | 'Project' | 'Agent' | 'Owner', string>> & {
    /** The name of the set of labels that it requires; left out: none. Workers look for it. */
    readonly Requires?: string;
  };
}

export function describeTask(spec: TaskSpec): TaskDescription {
  const agent = spec.work.kind === 'shell' ? 'shell' : spec.work.agent;
  const what = spec.work.kind === 'shell' ? spec.work.run : spec.body;
  const type = spec.type === 'task' ? '' : `${spec.type}, `;
  const required = labelKey(spec.requires ?? []);
  const needs = required === '' ? '' : `, on hosts with \`${required}\``;
  const parent = spec.parent === null ? '' : `, proposed by task \`${spec.parent}\``;
  return {
    summary: oneLine(spec.title),
    details: `${headOf(printable(what), MAX_DETAIL_CHARS)}\n\n${type}project \`${spec.project}\`, branch \`${spec.branch}\`, agent \`${agent}\`${needs}, submitted by ${spec.owner.name}${parent}`,
    attributes: {
      TaskState: 'queued',
      Project: spec.project,
      Agent: agent,
      Owner: spec.owner.name,
      ...(required === '' ? {} : { Requires: required }),
    },
  };
}

/** A task that another one proposed, as if its owner had submitted it. */
export function childSpecOf(
  spec: TaskSpec,
  made: {
    readonly id: TaskSpec['id'];
    readonly type: 'task' | 'proposal';
    readonly title: string;
    readonly body: string;
  },
  nowMs: number,
): TaskSpec {
  const { id, type, title, body } = made;
  return {
    ...spec,
    id,
    type,
    title,
    body,
    parent: spec.id,
    createdAtMs: nowMs,
    requestId: null,
    for: null,
    blocks: null,
    choices: [],
    default: null,
  };
}
