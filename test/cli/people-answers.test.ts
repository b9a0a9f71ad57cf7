/** Questions, proposed tasks, comments and edits from the command line, against a real engine. */

import { describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { eventually } from '../support/eventually.ts';
import { startPeople } from './people-rig.ts';

describe('a person who answers', () => {
  const people = startPeople();

  describe('questions', () => {
    it('are asked one after another at a terminal, a choice taken by its number', async () => {
      const id = await people().withQuestions('Ask two things');
      const listed = await people().tasks(['answer', id]);
      expect(listed.stderr).toBe(
        `tasks: answer: is missing; give it: tasks answer ${id}@1 "…" (Which colour?); tasks answer ${id}@2 "…" (How many?)\n`,
      );
      expect(listed.code).toBe(2);
      expect((await people().tasks(['answer', id, 'blue'])).stderr).toMatch(
        /2 questions are open; answer each: tasks answer/,
      );
      expect((await people().tasks(['answer', `${id}@1`, '3'])).stderr).toMatch(
        /there is no choice 3; the choices are 1 red, 2 blue/,
      );
      const run = await people().typing(
        ['answer', id],
        [
          { at: /answer \[red\]> $/, line: '7' },
          { at: /answer \[red\]> $/, line: '2' },
          { at: /answer> $/, line: 'five' },
        ],
      );
      expect(run.asked).toContain('Question 1');
      expect(run.stdout).toBe(`${id}@1  is answered; the task waits for more\n${id}@2  goes on with the answer\n`);
      expect(run.code).toBe(0);
      expect((await people().tasks(['wait', id])).code).toBe(0);
      expect((await people().show(id)).exchanges.map(({ question, answer }) => [question, answer])).toEqual([
        ['Which colour?', 'blue'],
        ['How many?', 'five'],
      ]);
    });

    it('of one moment are each named to whoever waits for their task', async () => {
      const id = await people().withQuestions('Ask two, and wait');
      const answers: Promise<unknown>[] = [];
      const waited = await people().tasks(['wait', id], {
        onStderr: (text) => {
          if (text.includes(`answer ${id}@1`)) answers.push(people().tasks(['answer', `${id}@1`, 'blue']));
          if (text.includes(`answer ${id}@2`)) answers.push(people().tasks(['answer', `${id}@2`, 'five']));
        },
      });
      await Promise.all(answers);
      expect(waited.stderr.trimEnd().split('\n')).toEqual([
        `${id} waits for an answer: Which colour? — reply with: tasks answer ${id}@1 "…" (1 more is open: tasks show ${id})`,
        `${id} waits for an answer: How many? — reply with: tasks answer ${id}@2 "…"`,
      ]);
      expect(waited.code).toBe(0);
    });

    it('that are left empty stay open, but for those with a default', async () => {
      const id = await people().withQuestions('Ask two more');
      const run = await people().typing(
        ['answer', id],
        [
          { at: /answer \[red\]> $/, line: '' },
          { at: /answer> $/, line: '' },
        ],
      );
      expect(run.code).toBe(1);
      expect(run.asked).toContain(`${id}@2  is left open\n`);
      expect((await people().show(id)).asks).toMatchObject([{ version: 2 }]);
      expect((await people().tasks(['answer', id, '--file', '-'], { stdin: 'blue\n' })).code).toBe(0);
      await people().tasks(['wait', id]);
    });

    it.each([
      ['an empty answer', '', /^tasks: answer: is empty; nothing was sent/],
      ['an answer that nobody can see', '\u200b\u0007', /^tasks: answer: is empty/],
      ['an answer over the limit', 'x'.repeat(65_537), /^tasks: answer: is 65537 bytes, the limit is 65536/],
    ])('%s is refused before it is sent', async (_name, text, message) => {
      const run = await people().tasks(['answer', '0000000000@1', text]);
      expect(run.stderr).toMatch(message);
      expect(run.code).toBe(2);
    });
  });

  describe('proposed tasks', () => {
    it('are accepted and dropped by their numbers', async () => {
      const id = await people().submit('Split it');
      await people().engine.untilWaiting(id, 'proposal');
      expect((await people().tasks(['show', id])).stdout).toContain('     1  One\n        first\n     2  Two\n');
      expect((await people().tasks(['approve', id, '--accept', '4'])).stderr).toMatch(/"4" is none of the 3 tasks/);
      expect((await people().tasks(['approve', `${id}@1`, '--accept', '1,3', '--drop', '2'])).code).toBe(0);
      await people().tasks(['wait', id]);
      const made = await people().proposedBy(id, 2);
      expect(made).toEqual(['One', 'Three']);
    });

    it('are edited as a text', async () => {
      const id = await people().submit('Split it otherwise');
      await people().engine.untilWaiting(id, 'proposal');
      const EDITOR = await people().editor('items', 'sed -i -e "s/=== 1: One/=== 1: Uno/" -e "/=== [23]:/d" "$1"');
      expect((await people().tasks(['approve', id, '--edit'], {}, { EDITOR })).stdout).toContain(
        'is approved with edits',
      );
      await people().tasks(['wait', id]);
      const made = await people().proposedBy(id, 1);
      expect(made).toEqual(['Uno']);
    });
  });

  describe('what is submitted for somebody', () => {
    it('is a proposal, which becomes a task when it is approved', async () => {
      const id = await people().submit('Should we?', '--body', 'We should', '--for', 'Bob');
      await people().engine.untilWaiting(id, 'proposal');
      const mine = async (actor: string): Promise<string[]> =>
        (await people().tasks(['inbox', '--mine', '--json'], {}, { TASKS_ACTOR: actor }))
          .json<TaskView>()
          .map((row) => row.id);
      expect(await mine('bob')).toContain(id);
      expect(await mine('Ada')).not.toContain(id);
      expect((await people().show(id)).type).toBe('proposal');
      expect((await people().tasks(['revise', id, 'x'])).stderr).toMatch(/nobody works on this proposal yet/);
      expect((await people().tasks(['approve', `${id}@1`])).code).toBe(0);
      expect((await people().tasks(['wait', id])).code).toBe(0);
    });

    it('is with --blocks a question, whose answer another task waits for', async () => {
      const blocked = await people().withPlan('Wait for it');
      const question = await people().submit(
        'Which region?',
        '--for',
        'Bob',
        '--blocks',
        blocked.slice(0, 7),
        '--choices',
        'eu,us',
      );
      await people().engine.untilWaiting(question, 'question');
      await people().tasks(['approve', blocked, '--yes']);
      await people().engine.untilWaiting(blocked, 'blocked');
      expect((await people().tasks(['answer', question, '2'])).stdout).toBe(`${question}@1  is answered\n`);
      const waited = await people().tasks(['wait', question]);
      expect(waited.stdout).toBe(`${question}  unchanged  Which region?  answer: us\n`);
      expect((await people().tasks(['wait', blocked])).code).toBe(0);
      expect((await people().show(blocked)).exchanges.map(({ answer }) => answer)).toEqual(['approved', 'us']);
      const late = await people().tasks(['submit', 'Too late?', '--blocks', blocked]);
      expect(late.stderr).toMatch(new RegExp(`^tasks: blocks: ${blocked} has ended \\(landed\\), nothing waits there`));
      expect(late.code).toBe(2);
    });

    it('has the same keys in JSON lines', async () => {
      const stdin = [
        { title: 'Line one', for: 'Bob', approve: ['plan'] },
        { title: 'Line two', type: 'question', choices: ['a, b', 'c'], default: 'c' },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n');
      const submitted = (await people().tasks(['submit', '--from', '-', '--json'], { stdin })).json<{
        id: TaskId;
        type: string;
      }>();
      expect(submitted.map(({ type }) => type)).toEqual(['proposal', 'question']);
      const [, question] = submitted;
      if (question === undefined) throw new Error('two');
      await people().engine.untilWaiting(question.id, 'question');
      expect((await people().show(question.id)).asks).toMatchObject([{ choices: ['a, b', 'c'], default: 'c' }]);
      // An approval takes the default answer.
      expect((await people().tasks(['approve', `${question.id}@1`])).code).toBe(0);
      expect((await people().engine.untilEnded(question.id)).summary).toBe('c');
    });
  });

  describe('comments and edits', () => {
    it('reach the next prompt', async () => {
      const id = await people().withPlan('Say more');
      expect((await people().tasks(['comment', id, '-'], { stdin: 'mind the gap\n' })).stdout).toMatch(
        /has the comment/,
      );
      expect(
        (await people().tasks(['edit', id, '--title', 'Say even more', '--body', 'whole new body'])).stdout,
      ).toMatch(/is edited/);
      expect((await people().tasks(['edit', id])).stderr).toMatch(/nothing to change was given/);
      expect((await people().tasks(['edit', id, '--title', 'a\nb'])).stderr).toMatch(
        /^tasks: --title: has more than one line/,
      );
      await people().tasks(['approve', id, '--yes']);
      expect((await people().tasks(['wait', id])).code).toBe(0);
      const prompt = await people().project.read(`prompt-${id}.md`);
      for (const words of ['mind the gap', 'Say even more', 'whole new body']) expect(prompt).toContain(words);
      expect((await people().project.subjects())[0]).toContain('Say even more');
    });

    it('of a task that has ended are refused with that, and not with what it had asked', async () => {
      const id = await people().submit('Answer me', '--type', 'question');
      await eventually('the question', async () => (await people().show(id)).asks.length === 1);
      await people().tasks(['answer', id, 'yes']);
      await people().tasks(['wait', id]);
      for (const reply of [
        ['comment', id, 'hi'],
        ['edit', id, '--title', 'Hi'],
      ]) {
        expect(await people().tasks(reply)).toMatchObject({
          code: 1,
          stderr: `tasks: ${id}: the task has ended (unchanged), and no prompt of it follows; begin further work with tasks submit; see it with: tasks show ${id}\n`,
        });
      }
    });
  });
});
