import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_PATIENCE_LIMIT, type Patience } from '../../src/core/ask-types.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { eventually } from '../support/eventually.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';

const ASKS = { status: 'question', question: 'Which port?' };

describe('a question of an agent', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start();
  });

  afterAll(async () => {
    await rig.stop();
  });

  const submit = async (report: unknown, patience: Partial<Patience> = {}): Promise<TaskId> => {
    const { project } = await rig.project({ execute: `${unlessTold('answered:**', report)}; echo x > work` });
    return rig.engine.submit(project, {
      title: 'Work',
      policy: { patience: { ...NO_PATIENCE_LIMIT, ...patience } },
    });
  };

  it('shows its choices and its default, takes another text too, and goes on with it in the same phase', async () => {
    const id = await submit({ ...ASKS, choices: ['80', '8080'], default: '80' });
    const [ask] = await rig.asked(id, 1);
    expect(ask).toMatchObject({ text: 'Which port?', choices: ['80', '8080'], default: '80', expiresAt: null });
    const details = await rig.details(id);
    expect(details).toContain('Choices: 80 · 8080');
    expect(details).toContain(`tasks answer ${id}@1`);
    await rig.engine.reply(id, 'answer', { version: 1, text: 'neither: 9000' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await rig.lastPrompt(id)).toContain('**You asked:** Which port?\n\n**Ada answered:** neither: 9000');
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute', 'execute']);
    expect(await rig.happened(id, 'answered', 1)).toMatchObject([{ version: 1, actor: 'Ada' }]);
  });

  it('is answered by its default when it is approved', async () => {
    const id = await submit({ ...ASKS, default: '80' });
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'approve', {});
    await rig.engine.untilEnded(id);
    expect(await rig.lastPrompt(id)).toContain('**Ada answered:** 80');
  });

  it('of several waits until each is answered, in any order, and each has its own version', async () => {
    const questions = [{ question: 'One?' }, { question: 'Two?' }, { question: 'Three?' }];
    const id = await submit({ status: 'question', questions });
    expect((await rig.asked(id, 3)).map(({ version, text }) => `${version} ${text}`)).toEqual([
      '1 One?',
      '2 Two?',
      '3 Three?',
    ]);
    // Which one is meant has to be said.
    await expect(rig.engine.reply(id, 'answer', { text: 'x' })).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/several are open.*1 \(One\?\).*2 \(Two\?\)/) },
    });
    await rig.engine.reply(id, 'answer', { version: 3, text: 'third' });
    await rig.engine.reply(id, 'answer', { version: 1, text: 'first' });
    await expect(rig.engine.reply(id, 'answer', { version: 3, text: 'other' })).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/^3 was answered by Ada at .*; open is 2 \(Two\?\)/) },
    });
    expect(await rig.engine.detail(id)).toMatchObject({ view: { state: 'waiting', attempt: 3 } });
    // One is left, so that it need not be named.
    await rig.engine.reply(id, 'answer', { text: 'second' });
    await rig.engine.untilEnded(id);
    const prompt = await rig.lastPrompt(id);
    for (const [question, answer] of [
      ['One?', 'first'],
      ['Two?', 'second'],
      ['Three?', 'third'],
    ]) {
      expect(prompt).toContain(`**You asked:** ${question}\n\n**Ada answered:** ${answer}`);
    }
    expect(await rig.phases(id)).toHaveLength(4);
  });

  it('takes an answer in Arabic as it is, and one with control characters without them', async () => {
    const id = await submit({ status: 'question', questions: [{ question: 'One?' }, { question: 'Two?' }] });
    await rig.asked(id, 2);
    await rig.engine.reply(id, 'answer', { version: 1, text: 'نعم، المنفذ ٨٠٨٠' });
    await rig.engine.reply(id, 'answer', { version: 2, text: 'yes\u001b[2J\u0007\u202e!' });
    await rig.engine.untilEnded(id);
    const prompt = await rig.lastPrompt(id);
    expect(prompt).toContain('**Ada answered:** نعم، المنفذ ٨٠٨٠');
    expect(prompt).toContain('**Ada answered:** yes!');
  });

  it('reminds, and again, hands over to somebody else, and takes the default when the time is over', async () => {
    // The server's timers come up to a second late.
    const id = await submit(
      { ...ASKS, default: '80' },
      { remindMs: 1_000, escalate: { afterMs: 2_600, to: 'Bo' }, expire: { afterMs: 5_300, outcome: 'default' } },
    );
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const events = (await rig.engine.ledger.readEvents(id)).map(({ happened }) => happened);
    const reminders = events.flatMap((event) => (event.kind === 'reminded' ? [event.count] : []));
    expect(reminders.length).toBeGreaterThanOrEqual(2);
    expect(reminders).toEqual([...new Set(reminders)].toSorted((one, other) => one - other));
    expect(Math.max(...reminders)).toBeLessThanOrEqual(5);
    const others = events.filter(({ kind }) => ['escalated', 'expired', 'answered'].includes(kind));
    expect(others).toMatchObject([
      { kind: 'escalated', version: 1, to: 'Bo', ask: { text: 'Which port?', for: 'Bo' } },
      { kind: 'expired', version: 1, outcome: 'default' },
      { kind: 'answered', version: 1, text: '80', actor: 'the deadline' },
    ]);
    expect(events.map(({ kind }) => kind).indexOf('reminded')).toBeLessThan(
      events.map(({ kind }) => kind).indexOf('escalated'),
    );
    expect(await rig.lastPrompt(id)).toContain('**the deadline answered:** 80');
  });

  it('shows whom it was handed to', async () => {
    const id = await submit(ASKS, { escalate: { afterMs: 50, to: 'Bo' } });
    const view = await rig.engine.until(id, 'handed over', ({ waitingFor }) => waitingFor?.for === 'Bo');
    expect(view.state).toBe('waiting');
    expect(await rig.happened(id, 'escalated', 1)).toMatchObject([{ to: 'Bo' }]);
    await rig.engine.reply(id, 'answer', { text: '80' });
    await rig.engine.untilEnded(id);
  });

  it.each([
    ['without a default', ASKS, 'default'],
    ['with one that is not to be taken', { ...ASKS, default: '80' }, 'give-up'],
  ] as const)('%s fails its task when the time is over, and nothing lands', async (_what, report, outcome) => {
    const id = await submit(report, { expire: { afterMs: 100, outcome } });
    const view = await rig.engine.untilEnded(id);
    expect(view).toMatchObject({ state: 'failed', failure: { kind: 'unanswered' }, commit: null });
    expect(view.failure?.message).toContain('Which port?');
    expect(await rig.phases(id)).toHaveLength(3);
    await expect(rig.engine.reply(id, 'answer', { text: 'late' })).rejects.toThrow();
  });

  it('that has a deadline of its own is not held to the project’s', async () => {
    const id = await submit(
      { ...ASKS, deadline: '2d', default: '80' },
      { expire: { afterMs: 50, outcome: 'give-up' } },
    );
    const [ask] = await rig.asked(id, 1);
    expect(Date.parse(ask?.expiresAt ?? '') - Date.parse(ask?.since ?? '')).toBe(2 * 86_400_000);
    await rig.engine.reply(id, 'answer', { text: '81' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('reaches its agent with what people have commented and edited meanwhile, and lands under the new title', async () => {
    const { project } = await rig.project({ execute: `${unlessTold('answered:**', ASKS)}; echo x > work` });
    const id = await rig.engine.submit(project, { title: 'Old title', body: 'Old body' });
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'comment', { text: 'Mind the tests.' });
    await rig.engine.reply(id, 'edit', { title: 'New title', body: 'New body' });
    // Neither is an answer.
    expect(await rig.engine.detail(id)).toMatchObject({ view: { title: 'New title', state: 'waiting', attempt: 3 } });
    await rig.engine.reply(id, 'answer', { text: '80' });
    await rig.engine.untilEnded(id);
    const prompt = await rig.lastPrompt(id);
    expect(prompt).toMatch(/^# New title\n\nNew body\n\nPeople have edited this/);
    expect(prompt).toContain('**Ada commented:** Mind the tests.');
    expect(prompt).not.toContain('Old');
    expect(await project.subjects()).toEqual(['New title', 'Begin']);
    expect(await rig.happened(id, 'edited', 1)).toMatchObject([{ title: 'New title', body: 'New body', actor: 'Ada' }]);
  });

  it('may come to a task in line, which lands under the title that it was given there', async () => {
    const { name, project } = await rig.project({ execute: 'echo x > "$TASKS_TASK_ID"' }, '', 'until_open edit');
    const first = await rig.engine.submit(project, { title: 'First' });
    await eventually('its gate', async () => (await rig.engine.queue(name)).rows[0]?.state === 'gating');
    // With one slot two are candidates; the third one is the first that is none yet.
    const second = await rig.engine.submit(project, { title: 'Second' });
    await eventually('two in line', async () => (await rig.engine.queue(name)).rows.length === 2);
    const third = await rig.engine.submit(project, { title: 'Third' });
    await eventually('three in line', async () => (await rig.engine.queue(name)).rows.length === 3);
    await rig.engine.reply(third, 'edit', { title: 'Better' });
    await eventually('the new title', async () => (await rig.engine.queue(name)).rows[2]?.title === 'Better');
    await rig.open('edit');
    for (const id of [first, second, third]) expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['Better', 'Second', 'First', 'Begin']);
  });
});

describe('a task that asks', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start({ agents: 1 });
  });

  afterAll(async () => {
    await rig.stop();
  });

  it('has no process and no slot: with one slot another task runs and lands meanwhile', async () => {
    const { project } = await rig.project({ execute: `${unlessTold('answered:**', ASKS)}; echo x > asked` });
    const asking = await rig.engine.submit(project, { title: 'Asks' });
    await rig.asked(asking, 1);
    expect(await rig.engine.processesOf(asking)).toEqual([]);
    const other = await rig.engine.submit(project, { title: 'Other', work: { kind: 'shell', run: 'echo x > other' } });
    expect(await rig.engine.untilEnded(other)).toMatchObject({ state: 'landed' });
    expect(await rig.engine.detail(asking)).toMatchObject({ view: { state: 'waiting', attempt: 3 } });
    await rig.engine.reply(asking, 'answer', { text: '80' });
    expect(await rig.engine.untilEnded(asking)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['Asks', 'Other', 'Begin']);
  });
});

describe('a task that asks for long', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start();
  });

  afterAll(async () => {
    await rig.stop();
  });

  it('needs no workspace meanwhile: what it had done and written is there again when it goes on', async () => {
    const note = 'echo "Half of it." > "$TASKS_TASK_DIR/plan.md"; echo half > half';
    const goesOn = '[ -e half ] && cp "$TASKS_TASK_DIR/plan.md" planned';
    const { name, project } = await rig.project({
      execute: `told 'answered:**' || { ${note}; }; ${unlessTold('answered:**', ASKS, goesOn)}`,
    });
    const id = await rig.engine.submit(project, { title: 'Asks' });
    await rig.asked(id, 1);
    const workspace = join(rig.engine.home, 'workspaces', name, id);
    expect(existsSync(workspace)).toBe(true);
    await rm(workspace, { recursive: true });
    await rig.engine.reply(id, 'answer', { text: '80' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 4 });
    expect(await project.read('planned')).toBe('Half of it.');
  });
});

describe('a task of type question', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start();
  });

  afterAll(async () => {
    await rig.stop();
  });

  it('ends with its answer and never starts an agent', async () => {
    const { project } = await rig.project({});
    const id = await rig.engine.submit(project, {
      title: 'Which licence?',
      body: 'For the new package.',
      spec: { type: 'question', for: 'Bo', choices: ['MIT', 'GPL'] },
    });
    const [ask] = await rig.asked(id, 1);
    expect(ask).toMatchObject({ text: 'Which licence?\n\nFor the new package.', for: 'Bo', choices: ['MIT', 'GPL'] });
    await rig.engine.reply(id, 'answer', { text: 'MIT' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'unchanged', summary: 'MIT', attempt: 0 });
    expect(await rig.prompts(id)).toEqual([]);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  let blocks = 0;

  interface Blocked {
    readonly work: TaskId;
    readonly question: TaskId;
    readonly subjects: () => Promise<string[]>;
    /** Lets the agent go on. */
    readonly open: () => Promise<void>;
  }

  /** A task whose agent runs while a question about it is open. */
  const running = async (): Promise<Blocked> => {
    blocks += 1;
    const gate = `block-${blocks}`;
    const { project } = await rig.project({ execute: `until_open ${gate}; echo x > work` });
    const work = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the agent', async () => (await rig.phases(work)).includes('execute'));
    const question = await rig.engine.submit(project, {
      title: 'May it go out?',
      spec: { type: 'question', blocks: work },
    });
    await eventually('the block', async () => {
      const { unrecorded } = await rig.engine.detail(work);
      return unrecorded.some(({ happened }) => happened.kind === 'blocked');
    });
    return { work, question, subjects: () => project.subjects(), open: () => rig.open(gate) };
  };
  /** One whose agent is done. */
  const blocked = async (): Promise<Blocked> => {
    const made = await running();
    await made.open();
    return made;
  };

  it('that blocks another task holds it up, and releases it with the answer', async () => {
    const { work, question, subjects } = await blocked();
    const view = await rig.engine.untilWaiting(work, 'blocked');
    expect(view.waitingFor?.text).toContain('May it go out?');
    expect(await rig.engine.processesOf(work)).toEqual([]);
    expect(await subjects()).toEqual(['Begin']);
    await rig.engine.reply(question, 'answer', { text: 'yes', actor: 'Bo' });
    expect(await rig.engine.untilEnded(work)).toMatchObject({ state: 'landed' });
    expect(await subjects()).toEqual(['Work', 'Begin']);
    expect(await rig.happened(work, 'released', 1)).toMatchObject([{ by: question, text: 'yes', actor: 'Bo' }]);
    expect((await rig.engine.detail(work)).exchanges).toMatchObject([{ question: 'May it go out?', answer: 'yes' }]);
  });

  it('that blocks another task releases it when it is canceled', async () => {
    const { work, question } = await blocked();
    await rig.engine.untilWaiting(work, 'blocked');
    await rig.engine.cancel(question);
    expect(await rig.engine.untilEnded(question)).toMatchObject({ state: 'canceled' });
    expect(await rig.engine.untilEnded(work)).toMatchObject({ state: 'landed' });
    expect(await rig.happened(work, 'released', 1)).toMatchObject([{ text: expect.stringContaining('canceled') }]);
  });

  it('that blocks another task and is terminated holds it up no longer', async () => {
    const { work, question, open } = await running();
    await rig.engine.handle(question).terminate('not wanted');
    await open();
    expect(await rig.engine.untilEnded(work)).toMatchObject({ state: 'landed' });
    expect(await rig.happened(work, 'released', 1)).toMatchObject([
      { by: question, text: 'nobody answered (the question was ended from outside)' },
    ]);
  });

  it('that is answered while its task is about to wait for it has its answer taken, and no other', async () => {
    const { work, question, open } = await running();
    await rig.engine.reply(question, 'answer', { text: 'yes', actor: 'Bo' });
    await rig.engine.untilEnded(question);
    await open();
    expect(await rig.engine.untilEnded(work)).toMatchObject({ state: 'landed' });
    expect(await rig.happened(work, 'released', 1)).toMatchObject([{ text: 'yes', actor: 'Bo' }]);
  });

  it('that is answered before its workflow has begun has its answer in the next prompt of the task that it was to block', async () => {
    const { project } = await rig.project({ execute: `${unlessTold('answered:**', ASKS)}; echo x > work` });
    const work = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(work, 1);
    await rig.engine.drainWorker();
    const spec = { type: 'question', blocks: work } as const;
    const question = await rig.engine.submit(project, { title: 'May it go out?', spec });
    await rig.engine.handle(question).signal('answer', { text: 'only inside', actor: 'Bo' });
    await rig.engine.startWorker();
    expect(await rig.engine.untilEnded(question)).toMatchObject({ state: 'unchanged', summary: 'only inside' });
    await rig.engine.reply(work, 'answer', { text: '80' });
    expect(await rig.engine.untilEnded(work)).toMatchObject({ state: 'landed' });
    expect(await rig.lastPrompt(work)).toContain('**You asked:** May it go out?\n\n**Bo answered:** only inside');
  });

  it('about a task that has ended is asked all the same', async () => {
    const { project } = await rig.project({});
    const ended = await rig.engine.submit(project, { title: 'Nothing', work: { kind: 'shell', run: 'true' } });
    await rig.engine.untilEnded(ended);
    const id = await rig.engine.submit(project, { title: 'Too late?', spec: { type: 'question', blocks: ended } });
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'answer', { text: 'yes' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'unchanged', summary: 'yes' });
  });
});
