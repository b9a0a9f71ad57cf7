/** What a task and people have said to each other, from the record: for when no worker can say. */

import type { Decision } from '../core/ask-types.ts';
import type { TaskId } from '../core/ids.ts';
import type { TaskEvent } from '../core/task-events.ts';
import type { Exchange } from '../core/task-types.ts';

/** As the workflow has them. */
const WORDS: Readonly<Record<Decision, string>> = {
  approved: 'approved',
  edited: 'approved with edits; what holds is',
  'changes-requested': 'changes are wanted',
  rejected: 'rejected',
};

export function exchangesOf(events: readonly TaskEvent[]): readonly Exchange[] {
  const asked = new Map<number | TaskId, string>();
  const exchanges: Exchange[] = [];
  for (const { happened, at } of events) {
    const atMs = Date.parse(at);
    if (happened.kind === 'asked') asked.set(happened.ask.version, happened.ask.text);
    else if (happened.kind === 'answered') {
      const { actor, version, text } = happened;
      exchanges.push({ kind: 'question', question: asked.get(version) ?? '', answer: text, actor, atMs });
    } else if (happened.kind === 'decided') {
      const { actor, version, decision, text } = happened;
      const answer = text === null ? WORDS[decision] : `${WORDS[decision]}: ${text}`;
      exchanges.push({ kind: 'decision', question: asked.get(version) ?? '', answer, actor, atMs });
    } else if (happened.kind === 'blocked') asked.set(happened.by, happened.text);
    else if (happened.kind === 'released') {
      const { by, text, actor } = happened;
      exchanges.push({ kind: 'question', question: asked.get(by) ?? '', answer: text, actor, atMs });
    } else if (happened.kind === 'commented') {
      exchanges.push({ kind: 'comment', question: '', answer: happened.text, actor: happened.actor, atMs });
    }
  }
  return exchanges;
}
