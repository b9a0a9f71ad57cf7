/** What an approval makes of a task, and how decisions are put to its agent. */

import type { Proposal } from './ask-types.ts';
import type { PersonEvent, Task } from './task-state.ts';
import { MAX_DOCUMENT_CHARS } from './task-types.ts';
import { isHead, oneLine } from './text.ts';

type Approval = Extract<PersonEvent, { kind: 'approve' }>;

/** What was approved with edits replaces what was proposed. */
export function editsOf(task: Task, proposal: Proposal, text: string | null): Pick<Task, 'documents' | 'edited'> {
  const { documents, edited } = task;
  switch (proposal.kind) {
    case 'understanding':
      return { documents: { ...documents, understanding: text ?? documents.understanding }, edited };
    case 'plan':
      // One that was too long to be shown whole stays as it lies in the task folder.
      return { documents: { ...documents, plan: text ?? wholeOf(proposal) ?? documents.plan }, edited };
    case 'task':
      return { documents, edited: text === null ? edited : { title: edited?.title ?? proposal.title, body: text } };
    case 'patch':
    case 'effect':
    case 'message':
    case 'tasks':
      return { documents, edited };
  }
}

function wholeOf({ body }: Proposal): string | null {
  return isHead(body, MAX_DOCUMENT_CHARS) ? null : body;
}

/** The tasks that are made of what was accepted. */
export function acceptedTasks(proposal: Proposal, { items, ids }: Approval): Task['toMake'] {
  return proposal.items.flatMap((proposed, index) => {
    const item = items[index];
    const id = ids[index];
    if (item === undefined || id === undefined || item.kind === 'dropped') return [];
    return [{ id, type: 'task' as const, ...(item.kind === 'edited' ? item.task : proposed) }];
  });
}

/** What an approval says to the agent. */
export function approvalOf(proposal: Proposal, event: Approval): string {
  if (proposal.kind !== 'tasks') return 'approved';
  const lines = proposal.items.map((item, index) => {
    const decision = event.items[index];
    const title = decision?.kind === 'edited' ? decision.task.title : item.title;
    return `- ${title}: ${decision?.kind ?? 'dropped'}`;
  });
  return `decided, each by itself:\n${lines.join('\n')}`;
}

/** What a decision was about, for the prompt: of an effect or a message all of it, since the agent acts on its words. */
export function subjectOf(proposal: Proposal): string {
  const whole = proposal.kind === 'effect' || proposal.kind === 'message';
  return whole && proposal.body !== '' ? `${subjectLine(proposal)}\n\n${proposal.body}` : subjectLine(proposal);
}

/** What a decision was about, in one line. */
export function subjectLine(proposal: Proposal): string {
  return `the ${NAME_OF[proposal.kind]} "${oneLine(proposal.title)}"`;
}

const NAME_OF: Readonly<Record<Proposal['kind'], string>> = {
  understanding: 'understanding',
  plan: 'plan',
  patch: 'patch',
  effect: 'effect',
  message: 'message',
  tasks: 'further tasks',
  task: 'proposed task',
};
