/** What a task and people have said to each other, from the record: for when no worker can say. */

import type { TaskEvent } from '../core/task-events.ts';
import type { Exchange } from '../core/task-types.ts';

export function exchangesOf(events: readonly TaskEvent[]): readonly Exchange[] {
  const asked = new Map<number, string>();
  const exchanges: Exchange[] = [];
  for (const { happened, at } of events) {
    const atMs = Date.parse(at);
    if (happened.kind === 'asked') asked.set(happened.ask.version, happened.ask.text);
    else if (happened.kind === 'answered') {
      const { actor, version, text } = happened;
      exchanges.push({ kind: 'question', question: asked.get(version) ?? '', answer: text, actor, atMs });
    } else if (happened.kind === 'decided') {
      const { actor, version, decision, text } = happened;
      const answer = text === null ? decision : `${decision}: ${text}`;
      exchanges.push({ kind: 'decision', question: asked.get(version) ?? '', answer, actor, atMs });
    } else if (happened.kind === 'commented') {
      exchanges.push({ kind: 'comment', question: '', answer: happened.text, actor: happened.actor, atMs });
    }
  }
  return exchanges;
}
