/** What Claude Code is at, from the messages of its stream: the tool that it uses or what it says, the turn, its to-do list. */

import { isRecord } from '../core/text.ts';
import type { LineProgress } from './types.ts';

/** What of a tool's input tells most. */
const TELLING = ['description', 'command', 'file_path', 'notebook_path', 'pattern', 'url', 'query', 'prompt'] as const;

export interface ClaudeProgress {
  /** Takes the message of a line of type `assistant`. */
  take(message: unknown): void;
  readonly now: LineProgress | null;
}

export function createClaudeProgress(): ClaudeProgress {
  let turns = 0;
  let turn: unknown = null;
  let doing = '';
  let percent: number | null = null;
  return {
    take(message) {
      if (!isRecord(message)) return;
      const { id, content } = message;
      // One message comes in several lines.
      if (id === undefined || id !== turn) turns += 1;
      turn = id;
      for (const part of Array.isArray(content) ? content : []) {
        if (!isRecord(part)) continue;
        if (part['type'] === 'tool_use') {
          doing = toolText(part);
          percent = shareOfTodos(part) ?? percent;
        } else if (typeof part['text'] === 'string' && part['text'].trim() !== '') doing = part['text'];
      }
    },
    get now() {
      return doing === '' ? null : { text: `turn ${turns}: ${doing}`, percent };
    },
  };
}

function toolText({ name, input }: Readonly<Record<string, unknown>>): string {
  const tool = typeof name === 'string' ? name : 'a tool';
  if (!isRecord(input)) return tool;
  const what = TELLING.map((key) => input[key]).find((value) => typeof value === 'string' && value.trim() !== '');
  return typeof what === 'string' ? `${tool}: ${what}` : tool;
}

/** Of the to-do list that it keeps for itself, the part that is done. */
function shareOfTodos({ name, input }: Readonly<Record<string, unknown>>): number | null {
  if (name !== 'TodoWrite' || !isRecord(input) || !Array.isArray(input['todos'])) return null;
  const todos: readonly unknown[] = input['todos'];
  if (todos.length === 0) return null;
  const done = todos.filter((todo) => isRecord(todo) && todo['status'] === 'completed').length;
  return (100 * done) / todos.length;
}
