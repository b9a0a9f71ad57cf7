/** The inbox watched, and replies while a part of the engine is away. */

import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { startPeople } from './people-rig.ts';
import { atTerminal } from './terminal.ts';

describe('a person who is told', () => {
  const people = startPeople();

  describe('the inbox', () => {
    it('tells what is new, line by line, while it is watched', async () => {
      const stop = new AbortController();
      let seen = '';
      const watching = atTerminal(people().place, ['inbox', '--watch', '--json'], [], {
        interrupt: stop.signal,
        onStdout: (text) => {
          seen += text;
        },
      });
      const id = await people().withPlan('Watch me');
      await eventually('the line of the task', () => seen.includes(`"id":"${id}"`));
      await people().tasks(['revise', id, 'again']);
      await eventually('the line of its next plan', () => seen.includes(`tasks approve ${id}@2`));
      stop.abort();
      expect((await watching).code).toBe(0);
      const lines = seen.split('\n').filter((line) => line.startsWith(`{"id":"${id}"`));
      expect(lines).toHaveLength(2);
      await people().tasks(['reject', id, '--reason', 'enough']);
    });

    it('is redrawn in place on a terminal', async () => {
      const id = await people().withPlan('Draw me');
      const stop = new AbortController();
      let seen = '';
      const watching = atTerminal(people().place, ['inbox', '--watch', '--mine'], [], {
        interrupt: stop.signal,
        onStdout: (text) => {
          seen += text;
        },
      });
      await eventually('the task to be drawn', () => seen.includes(`tasks approve ${id}@1`));
      await people().tasks(['reject', id, '--reason', 'enough']);
      await eventually('it to be drawn over', () => !(seen.split('\u001b[J').at(-1) ?? id).includes(id));
      stop.abort();
      expect((await watching).code).toBe(0);
    });
  });

  describe('without a part', () => {
    it('of Temporal the error is clear', async () => {
      const away = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
      for (const argv of [
        ['approve', '0000000000@1'],
        ['answer', '0000000000@1', 'x'],
      ]) {
        const { code, stderr } = await people().tasks(argv, {}, away);
        expect(stderr).toBe('tasks: Temporal at 127.0.0.1:1 does not answer; check TEMPORAL_ADDRESS\n');
        expect(code).toBe(1);
      }
    });

    it('of the ledger replies go their way', async () => {
      const id = await people().withPlan('No ledger');
      const run = await people().tasks(
        ['approve', id, '--yes', '--json'],
        {},
        { DATABASE_URL: 'postgres://127.0.0.1:1/none' },
      );
      expect(run.json()).toMatchObject([{ id, version: 1, taken: true }]);
      expect(run.stderr).toMatch(/the ledger cannot be reached/);
      expect(run.code).toBe(0);
      expect((await people().tasks(['wait', id])).code).toBe(0);
    });

    it('of a worker replies are queued, and taken once', async () => {
      const id = await people().withPlan('No worker');
      const asking = await people().withQuestions('Ask two at last');
      await people().engine.drainWorker();
      expect((await people().tasks(['show', id])).stdout).toContain(`tasks approve ${id}@1`);
      expect((await people().tasks(['answer', asking, 'x'])).stderr).toMatch(/2 questions are open/);
      const sent = await Promise.all([
        people().tasks(['approve', `${id}@1`]),
        people().tasks(['comment', id, 'while nobody listens', '--json']),
        people().tasks(['answer', `${asking}@1`, 'blue']),
        people().tasks(['answer', `${asking}@2`, 'two']),
      ]);
      expect(sent.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
      expect(sent[0]?.stdout).toBe(
        `${id}@1  the approval is queued: no worker answers; it is taken, once, when one does\n`,
      );
      expect(sent[1]?.json()).toEqual([
        { id, version: null, reply: 'comment', taken: false, queued: true, state: null },
      ]);
      await people().engine.startWorker();
      expect((await people().tasks(['wait', id, asking])).code).toBe(0);
      const said = (await people().engine.detail(id)).exchanges.map(({ kind, answer }) => `${kind}: ${answer}`);
      expect(said.toSorted()).toEqual(['comment: while nobody listens', 'decision: approved']);
      expect((await people().engine.detail(asking)).exchanges).toHaveLength(2);
    });
  });
});
