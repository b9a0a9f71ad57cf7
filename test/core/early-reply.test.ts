import { describe, expect, it } from '@jest/globals';
import { earlyReply } from '../../src/core/early-reply.ts';
import { STAGES } from './reply-rig.ts';
import { taskIn } from './rig.ts';

describe('a reply that comes early', () => {
  const task = taskIn('phase');

  it('names what the running phase can ask when it ends', () => {
    expect(earlyReply(task, 'answer', { version: task.asks + 1, text: '80' })).toBe('named');
    expect(earlyReply(task, 'answer', { version: String(task.asks + 1), text: '80' })).toBe('named');
  });

  it.each(['answer', 'approve', 'revise', 'reject'] as const)('may be one to %s that names nothing', (name) => {
    for (const payload of ['80', { text: '80' }, { version: null }, undefined])
      expect(earlyReply(task, name, payload)).toBe('unnamed');
  });

  it.each(['comment', 'edit', 'retry'] as const)('is none to %s, which asks for nothing that is open', (name) => {
    expect(earlyReply(task, name, { text: '80' })).toBeNull();
  });

  it.each([{ version: task.asks }, { version: 0 }, { version: 1.5 }, { version: 'next' }])('is not %j', (payload) => {
    expect(earlyReply(task, 'answer', payload)).toBeNull();
  });

  it.each(STAGES.filter((stage) => stage !== 'phase'))('is none in %s, where what is open is known', (stage) => {
    expect(earlyReply(taskIn(stage), 'answer', { version: 99 })).toBeNull();
    expect(earlyReply(taskIn(stage), 'answer', '80')).toBeNull();
  });
});
