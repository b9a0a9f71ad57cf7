import { describe, expect, it } from '@jest/globals';
import { adapterFor } from '../../src/agents/adapters.ts';
import type { LineProgress } from '../../src/agents/types.ts';

function progressAfter(...messages: readonly unknown[]): LineProgress | null | undefined {
  const reader = adapterFor({ kind: 'claude', model: null, args: [] }).reader();
  for (const message of messages) reader.read(JSON.stringify({ type: 'assistant', message }));
  return reader.progress;
}

const use = (name: unknown, input: unknown) => ({ type: 'tool_use', name, input });

describe('the progress of Claude Code', () => {
  it('is none before its first message', () => {
    expect(progressAfter()).toBeNull();
    expect(progressAfter('odd', { content: 'odd' }, { id: 'm1', content: [null, { type: 'thinking' }] })).toBeNull();
  });

  it.each([
    [use('Bash', { command: 'npm test', description: 'Run the tests' }), 'Bash: Run the tests'],
    [use('Bash', { command: 'npm test' }), 'Bash: npm test'],
    [use('Edit', { file_path: 'src/a.ts', old_string: 'a' }), 'Edit: src/a.ts'],
    [use('Odd', { depth: 3 }), 'Odd'],
    [use(7, null), 'a tool'],
    [{ type: 'text', text: 'I look at it.' }, 'I look at it.'],
  ])('is what it does: %j', (part, text) => {
    expect(progressAfter({ id: 'm1', content: [part] })).toEqual({ text: `turn 1: ${text}`, percent: null });
  });

  it('counts a message without an id as a turn of its own', () => {
    const said = { content: [{ type: 'text', text: 'one' }] };
    expect(progressAfter(said, said)?.text).toBe('turn 2: one');
  });

  it('counts turns by messages, which come in several lines', () => {
    const [first, again, second] = [
      { id: 'm1', content: [{ type: 'text', text: 'one' }] },
      { id: 'm1', content: [use('Read', { file_path: 'a' })] },
      { id: 'm2', content: [{ type: 'text', text: 'two' }] },
    ];
    expect(progressAfter(first, again)?.text).toBe('turn 1: Read: a');
    expect(progressAfter(first, again, second)?.text).toBe('turn 2: two');
  });

  it('has a share when it keeps a to-do list, and keeps it', () => {
    const todos = ['completed', 'completed', 'in_progress', 'pending'].map((status) => ({ content: 'x', status }));
    const list = { id: 'm1', content: [use('TodoWrite', { todos })] };
    expect(progressAfter(list)?.percent).toBe(50);
    expect(progressAfter(list, { id: 'm2', content: [use('Read', { file_path: 'a' })] })).toEqual({
      text: 'turn 2: Read: a',
      percent: 50,
    });
    for (const input of [{ todos: [] }, { todos: 'odd' }, null])
      expect(progressAfter({ id: 'm1', content: [use('TodoWrite', input)] })?.percent).toBeNull();
  });
});
