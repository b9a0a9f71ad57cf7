import { describe, expect, it } from '@jest/globals';
import { isEarly } from '../../src/core/early-reply.ts';
import { STAGES } from './reply-rig.ts';
import { taskIn } from './rig.ts';

describe('a reply that comes early', () => {
  const task = taskIn('phase');

  it('names what the running phase can ask when it ends', () => {
    expect(isEarly(task, { version: task.asks + 1, text: '80' })).toBe(true);
    expect(isEarly(task, { version: String(task.asks + 1), text: '80' })).toBe(true);
  });

  it.each([{ version: task.asks }, { version: 0 }, { version: 1.5 }, { version: 'next' }, { text: '80' }, '80', null])(
    'is not %j',
    (payload) => {
      expect(isEarly(task, payload)).toBe(false);
    },
  );

  it.each(STAGES.filter((stage) => stage !== 'phase'))('is none in %s, where what is open is known', (stage) => {
    expect(isEarly(taskIn(stage), { version: 99 })).toBe(false);
  });
});
