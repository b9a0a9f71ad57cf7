import { describe, expect, it } from '@jest/globals';
import { PROPOSAL_KINDS, STAGE_GATES } from '../../src/core/ask-types.ts';
import { replyCommands } from '../../src/core/reply-commands.ts';
import { newTask, nextTask, noteRefusal, type Task } from '../../src/core/task.ts';
import { childSpecOf, describeTask } from '../../src/core/task-description.ts';
import { detailsOf } from '../../src/core/task-details.ts';
import type { WaitingFor, WaitingKind } from '../../src/core/task-types.ts';
import { viewOf, waitingForOf } from '../../src/core/task-view.ts';
import {
  after,
  around,
  asked,
  attemptEnded,
  checkpointOf,
  done,
  failed,
  NOW_MS,
  proposed,
  questionOf,
  SHELL_SPEC,
  SPEC,
  taskId,
  taskIn,
} from './rig.ts';

function wait(kind: WaitingKind, change: Partial<WaitingFor> = {}): WaitingFor {
  return { kind, text: 'Which?', since: '', version: null, proposal: null, for: null, open: 0, ...change };
}

function asking(...questions: Parameters<typeof questionOf>[0][]): Task {
  const outcome = { ...asked(), kind: 'question', questions: questions.map(questionOf) } as const;
  return after(newTask(around()), [attemptEnded(1, outcome)]);
}

describe('the commands that reply', () => {
  it('name the version of what is open', () => {
    expect(replyCommands('7fk2', wait('question', { version: 3 }))).toEqual(['tasks answer 7fk2@3 "…"']);
    expect(replyCommands('7fk2', wait('question'))).toEqual(['tasks answer 7fk2 "…"']);
    expect(replyCommands('7fk2', wait('proposal', { version: 3, proposal: 'plan' }))).toEqual([
      'tasks approve 7fk2@3',
      'tasks revise 7fk2@3 "…"',
      'tasks reject 7fk2@3 --reason "…"',
    ]);
  });

  it('have no revision of what nobody works on yet', () => {
    expect(replyCommands('7fk2', wait('proposal', { version: 1, proposal: 'task' }))).toEqual([
      'tasks approve 7fk2@1',
      'tasks reject 7fk2@1 --reason "…"',
    ]);
  });

  it.each(['attempts', 'revisions'] as const)('retry or cancel what waits for %s', (kind) => {
    expect(replyCommands('7fk2', wait(kind))).toEqual(['tasks retry 7fk2', 'tasks cancel 7fk2']);
  });

  it.each(['blocked', 'checkout', 'gate', 'origin', 'engine', 'retry', 'limit'] as const)('are none for %s', (kind) => {
    expect(replyCommands('7fk2', wait(kind))).toEqual([]);
  });
});

describe('the details of a task that asks', () => {
  it('say what is asked of whom, with its choices, its default and its end, and the command that answers', () => {
    const spec = {
      ...SPEC,
      for: 'ada',
      policy: {
        ...SPEC.policy,
        patience: { remindMs: null, escalate: null, expire: { afterMs: 60_000, outcome: 'default' as const } },
      },
    };
    const surroundings = around({ spec });
    const questions = [questionOf({ choices: ['a', 'b'], default: 'a' }), questionOf(), questionOf()];
    const task = after(
      newTask(surroundings),
      [attemptEnded(1, { ...asked(), kind: 'question', questions })],
      surroundings,
    );
    expect(detailsOf(task, spec)).toBe(
      [
        '**waiting** · understand · attempt 1',
        `Waits for question from ada since ${new Date(NOW_MS).toISOString()}:`,
        '> Which one?  ',
        'Choices: a · b',
        'Default: a',
        `Over at ${new Date(NOW_MS + 60_000).toISOString()}`,
        '2 more after it',
        `Reply with:\n\n- \`tasks answer ${SPEC.id}@1 "…"\``,
        `Evidence: \`tasks logs ${SPEC.id}\`, \`tasks show ${SPEC.id}\``,
      ].join('\n\n'),
    );
  });

  it('leave out what there is not', () => {
    const details = detailsOf(asking({}), SPEC);
    for (const word of ['Choices', 'Default', 'Over at', 'more after', ' from ', 'Refused']) {
      expect(details).not.toContain(word);
    }
  });

  it('show a proposal with the three commands that decide', () => {
    const task = after(newTask(around()), [
      attemptEnded(1, proposed({ kind: 'plan', title: 'Sort', body: '1. a\n2. b' })),
    ]);
    const details = detailsOf(task, SPEC);
    expect(details).toContain('Waits for a decision about the plan since');
    expect(details).toContain('> Sort  \n>\n> 1. a  \n> 2. b');
    for (const command of ['approve', 'revise', 'reject']) expect(details).toContain(`\`tasks ${command} ${SPEC.id}@1`);
  });

  it('have no phase or attempt before there is one', () => {
    const spec = { ...SPEC, type: 'proposal' as const };
    const task = newTask(around({ spec }));
    expect(viewOf(task, spec)).toMatchObject({ phase: null, attempt: 0, type: 'proposal' });
    expect(detailsOf(task, spec)).toMatch(/^\*\*waiting\*\*\n\nWaits for a decision about the task since/);
  });

  it('show the last refusals, which the sender of a signal sees nowhere else', () => {
    let task = asking({});
    for (let count = 1; count <= 7; count += 1) {
      task = noteRefusal(task, around(), { message: 'answer', reason: `no ${count}`, actor: 'eve\u202e\nx' });
    }
    expect(task.refused).toHaveLength(5);
    const details = detailsOf(task, SPEC);
    expect(details).toContain(`Refused at ${new Date(NOW_MS).toISOString()}: answer of eve: no 7`);
    expect(details).toContain('no 5');
    expect(details).not.toContain('no 4');
  });

  it('stay under 4,000 characters with the commands in them, whatever is in them', () => {
    const long = 'x'.repeat(60_000);
    const texts = [long, 'a\n'.repeat(30_000), `a${'\n'.repeat(30_000)}b`, 'سؤال '.repeat(10_000), '👍'.repeat(9_000)];
    for (const text of texts) {
      const spec = { ...SPEC, for: text, title: text };
      let task = after(
        newTask(around({ spec })),
        [
          attemptEnded(1, done({ summary: text, checkpoint: checkpointOf(1) })),
          attemptEnded(2, {
            ...asked(),
            kind: 'question',
            questions: [
              questionOf({ text, default: text, choices: Array.from({ length: 20 }, () => text) }),
              questionOf(),
            ],
          }),
        ],
        around({ spec }),
      );
      for (let count = 0; count < 5; count += 1)
        task = noteRefusal(task, around(), { message: 'approve', reason: text, actor: text });
      const details = detailsOf(task, spec);
      expect(details.length).toBeLessThanOrEqual(4_000);
      expect(details).toContain(`tasks answer ${SPEC.id}@1 "…"`);
      expect(details).toMatch(/Refused at [^\n]* approve of [^\n]*$/);
      const parked = after(
        newTask(around({ spec })),
        [1, 2, 3, 4, 5].map((attempt) => attemptEnded(attempt, failed('worker-lost', { message: text, next: text }))),
      );
      const shown = detailsOf(parked, spec);
      expect(shown.length).toBeLessThanOrEqual(4_000);
      expect(shown).toContain(`\`tasks retry ${SPEC.id}\``);
    }
  });

  it('say what is wrong, what was done and where the work is', () => {
    const landed = detailsOf(after(taskIn('landing'), []), SPEC);
    expect(landed).toContain(`Work so far: \`${checkpointOf(3).head}\``);
    expect(landed).toContain('Summary: it is done');
    expect(detailsOf(taskIn('blocked'), SPEC)).toContain(`> ${taskId(2)}: Which database?`);
  });
});

describe('the description of a task', () => {
  it('has its title, its body and who submitted it where', () => {
    expect(describeTask({ ...SPEC, body: 'All of\u202e them.' })).toEqual({
      summary: 'Sort the imports',
      details: 'All of them.\n\nproject `demo`, branch `main`, agent `scripted`, submitted by Ada',
      attributes: { TaskState: 'queued', Project: 'demo', Agent: 'scripted', Owner: 'Ada' },
    });
  });

  it('has the command of a shell task, and what is no plain task', () => {
    expect(describeTask(SHELL_SPEC)).toMatchObject({
      details: expect.stringMatching(/^true\n\nproject .* agent `shell`/),
      attributes: { Agent: 'shell' },
    });
    const { details } = describeTask({ ...SPEC, type: 'proposal', parent: taskId(5) });
    expect(details).toContain('proposal, project `demo`');
    expect(details).toContain(`, proposed by task \`${taskId(5)}\``);
  });

  it('say which labels it requires, by which workers find it', () => {
    const { details, attributes } = describeTask({ ...SPEC, requires: ['gpu', 'linux'] });
    expect(details).toContain(', on hosts with `gpu+linux`, submitted by');
    expect(attributes).toMatchObject({ Requires: 'gpu+linux' });
    expect(viewOf(taskIn('phase'), { ...SPEC, requires: ['gpu', 'linux'] }).requires).toEqual(['gpu', 'linux']);
    expect(viewOf(taskIn('phase'), SPEC)).not.toHaveProperty('requires');
  });

  it('is cut within the limits of the server', () => {
    const { details } = describeTask({ ...SPEC, body: 'é'.repeat(60_000) });
    expect(details.length).toBeLessThan(1_200);
  });
});

describe('a task that another one proposed', () => {
  it('is as if its owner had submitted it, and asks nobody what its parent asked', () => {
    const parent = {
      ...SPEC,
      requestId: 'r1',
      for: 'lead',
      blocks: taskId(8),
      choices: ['a'],
      default: 'a',
      type: 'question' as const,
    };
    const made = { id: taskId(5), type: 'proposal' as const, title: 'Tidy', body: 'up' };
    const child = childSpecOf(parent, made, NOW_MS + 5);
    expect(child).toEqual({ ...SPEC, ...made, parent: SPEC.id, createdAtMs: NOW_MS + 5 });
    expect(viewOf(newTask(around({ spec: child })), child)).toMatchObject({ type: 'proposal', parent: SPEC.id });
  });
});

describe('what a task waits for', () => {
  it('is the oldest that is open, and how many there are', () => {
    const task = nextTask(
      asking({ text: 'Which?' }, { text: 'How?' }),
      { kind: 'answer', version: 1, text: 'a', actor: 'ada' },
      around(),
    );
    expect(waitingForOf(task, SPEC.id)).toMatchObject({
      kind: 'question',
      text: 'How?',
      version: 2,
      open: 1,
      proposal: null,
    });
    const proposing = after(newTask(around()), [attemptEnded(1, proposed({ kind: 'tasks', title: 'More', body: '' }))]);
    expect(waitingForOf(proposing, SPEC.id)).toMatchObject({ kind: 'proposal', proposal: 'tasks', text: 'More' });
  });

  it('is nothing where nothing is open', () => {
    const task = asking({});
    expect(waitingForOf({ ...task, stage: { kind: 'asking', phase: 'plan', asks: [] } }, SPEC.id)).toBeNull();
  });
});

describe('the names of proposals and gates', () => {
  it('are each there once', () => {
    expect(new Set(PROPOSAL_KINDS).size).toBe(PROPOSAL_KINDS.length);
    expect(new Set(STAGE_GATES).size).toBe(STAGE_GATES.length);
  });
});
