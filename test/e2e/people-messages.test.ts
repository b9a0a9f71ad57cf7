/** How replies reach a task: by update and by signal, at once and late, with the worker or the ledger away. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '@temporalio/client';
import { MAX_ANSWER_BYTES } from '../../src/core/text.ts';
import { parseTaskId, type TaskId } from '../../src/core/ids.ts';
import { eventually } from '../support/eventually.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';
import type { SampleProject } from '../support/sample-project.ts';

const ASKS = { status: 'question', question: 'Which port?' };

describe('a reply', () => {
  let rig: PeopleRig;
  /** As `temporal workflow signal` and the Temporal Web UI send: with nothing but what a person has typed. */
  let bo: Client;

  beforeAll(async () => {
    rig = await PeopleRig.start();
    const { connection, options } = rig.engine.client;
    bo = new Client({ connection, namespace: options.namespace, identity: 'bo@laptop' });
  });

  afterAll(async () => {
    await rig.stop();
  });

  const signal = (id: TaskId, name: string, ...input: readonly unknown[]): Promise<void> =>
    bo.workflow.getHandle(`task/${id}`).signal(name, ...input);
  const asking = async (report: unknown = ASKS, then = ':'): Promise<{ id: TaskId; project: SampleProject }> => {
    const { project } = await rig.project({ execute: `${unlessTold('answered:**', report, then)}; echo x > work` });
    const id = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(id, 1);
    return { id, project };
  };
  const proposing = async (approve: string): Promise<{ id: TaskId; project: SampleProject }> => {
    const { project } = await rig.project({ execute: 'echo x > work' }, `approve: [${approve}]`);
    const id = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(id, 1);
    return { id, project };
  };
  const refusalsOf = async (id: TaskId, times: number): Promise<readonly string[]> =>
    (await rig.happened(id, 'refused', times)).map(({ reason }) => reason);

  it.each([
    ['an object with its text', { text: '80' }],
    ['a bare text', '80'],
  ])('as a signal may be %s, and counts in the name of who sent it', async (_what, input) => {
    const { id } = await asking();
    await signal(id, 'answer', input);
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await rig.lastPrompt(id)).toContain('**bo@laptop answered:** 80');
    expect(await rig.happened(id, 'answered', 1)).toMatchObject([{ text: '80', actor: 'bo@laptop' }]);
    await rig.happened(id, 'refused', 0);
  });

  it('as a signal that its workflow has before the question is taken when the phase has asked it', async () => {
    const { project } = await rig.project({
      execute: `until_open early; ${unlessTold('answered:**', ASKS)}; echo x > work`,
    });
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the execute phase', async () => (await rig.prompts(id)).some(({ phase }) => phase === 'execute'));
    await signal(id, 'answer', { version: 1, text: '80', actor: 'Cem' });
    await rig.open('early');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await rig.lastPrompt(id)).toContain('**Cem answered:** 80');
    await rig.happened(id, 'refused', 0);
  });

  it('as a signal is taken before those that come after it, whoever they name', async () => {
    const { id } = await asking();
    await signal(id, 'answer', '80');
    await signal(id, 'answer', { text: '81', actor: 'Cem' });
    await rig.engine.untilEnded(id);
    expect(await rig.happened(id, 'answered', 1)).toMatchObject([{ text: '80', actor: 'bo@laptop' }]);
    expect(await rig.happened(id, 'refused', 1)).toMatchObject([{ actor: 'Cem' }]);
  });

  it('as a signal counts in the name that it gives', async () => {
    const { id } = await asking();
    await signal(id, 'answer', { text: '80', actor: 'Cem' });
    await rig.engine.untilEnded(id);
    expect(await rig.happened(id, 'answered', 1)).toMatchObject([{ actor: 'Cem' }]);
  });

  it('as a signal to approve needs no input at all while one thing is open', async () => {
    const { id, project } = await proposing('plan, patch');
    await signal(id, 'approve');
    await rig.asked(id, 2);
    await signal(id, 'approve');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
    const decisions = await rig.happened(id, 'decided', 2);
    expect(decisions.map(({ decision, actor }) => `${decision} ${actor}`)).toEqual([
      'approved bo@laptop',
      'approved bo@laptop',
    ]);
  });

  it('as a signal to approve counts for nothing while several things are open', async () => {
    const { id } = await asking({ status: 'question', questions: [{ question: 'One?' }, { question: 'Two?' }] });
    await signal(id, 'approve');
    expect(await refusalsOf(id, 1)).toEqual([expect.stringMatching(/^several are open/)]);
    expect(await rig.engine.detail(id)).toMatchObject({ view: { state: 'waiting', attempt: 3 }, exchanges: [] });
    await rig.engine.cancel(id);
    await rig.engine.untilEnded(id);
  });

  it('as a signal may ask for changes and reject with a bare text', async () => {
    const { id, project } = await proposing('patch');
    await signal(id, 'revise', 'Smaller.');
    await rig.asked(id, 2);
    await signal(id, 'reject', 'Enough.');
    const view = await rig.engine.untilEnded(id);
    expect(view).toMatchObject({
      state: 'rejected',
      failure: { message: expect.stringContaining('bo@laptop rejected') },
    });
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('that is refused as a signal is in the current details and on the record, and jams nothing', async () => {
    const { id } = await asking();
    await signal(id, 'approve', { version: 9 });
    await signal(id, 'answer', { version: 9, text: '80' });
    await signal(id, 'answer', { text: '\u0007 ' });
    await signal(id, 'reject', { reason: 'No.' });
    await signal(id, 'retry');
    const reasons = await refusalsOf(id, 5);
    expect(reasons).toEqual([
      expect.stringMatching(/^9 is not open; open is 1 \(Which port\?\)/),
      expect.stringMatching(/^9 is not open; open is 1 \(Which port\?\)/),
      expect.stringMatching(/^answer: is empty/),
      expect.stringMatching(/^no proposal is open, but a question/),
      expect.stringMatching(/^there is nothing to retry/),
    ]);
    const details = await rig.details(id);
    expect(details).toMatch(/Refused at \S+: answer of bo@laptop: answer: is empty/);
    expect(details).toMatch(/Refused at \S+: reject of bo@laptop: no proposal is open/);
    expect(details).toContain(`tasks answer ${id}@1`);
    await signal(id, 'anwser', { text: '80' });
    expect(await refusalsOf(id, 6)).toContainEqual(
      expect.stringMatching(/^a task takes no signal of this name; it takes answer, /),
    );
    await signal(id, 'answer', { text: '80' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('is one of a burst of signals, to several tasks at once, and each is taken in its turn', async () => {
    const { project } = await rig.project({ execute: `${unlessTold('answered:**', ASKS)}; echo x > "$TASKS_TASK_ID"` });
    for (let round = 0; round < 4; round += 1) {
      const ids = await Promise.all([1, 2, 3].map(() => rig.engine.submit(project, { title: 'Work' })));
      const views = ids.map(async (id) => {
        await rig.asked(id, 1);
        for (const name of ['approve', 'reject', 'retry', 'revise', 'retry']) await signal(id, name);
        await signal(id, 'answer', '80');
        return rig.engine.untilEnded(id);
      });
      for (const view of await Promise.all(views)) expect(view).toMatchObject({ state: 'landed' });
      for (const id of ids) await rig.happened(id, 'refused', 5);
    }
  });

  it('of more than 64 KiB is refused, by update and by signal, and one of 64 KiB is taken', async () => {
    const { id } = await asking();
    const text = 'x'.repeat(MAX_ANSWER_BYTES + 1);
    await expect(rig.engine.reply(id, 'answer', { text })).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/^answer: is 65537 bytes, the limit is 65536; shorten it$/) },
    });
    await signal(id, 'answer', { text });
    await signal(id, 'comment', { text });
    await signal(id, 'edit', { body: text });
    expect(await refusalsOf(id, 4)).toEqual(Array(4).fill(expect.stringContaining('is 65537 bytes')));
    expect((await rig.details(id)).length).toBeLessThan(8_000);
    await rig.engine.reply(id, 'answer', { text: text.slice(1) });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('that comes 50 times at once under one id has one effect, and the same outcome each time', async () => {
    const { id } = await asking(ASKS, 'until_open fifty-1');
    const sent = Array.from({ length: 50 }, (_, number) =>
      number % 10 === 9
        ? signal(id, 'answer', { text: '80', messageId: 'one', actor: 'Ada' }).then(() => null)
        : rig.engine.answer(id, '80', 'one'),
    );
    const outcomes = (await Promise.all(sent)).filter((outcome) => outcome !== null);
    expect(outcomes).toHaveLength(45);
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    expect(outcomes[0]).toMatchObject({ kind: 'taken' });
    await rig.open('fifty-1');
    await rig.engine.untilEnded(id);
    await rig.happened(id, 'answered', 1);
    await rig.happened(id, 'refused', 0);
    expect(await rig.phases(id)).toHaveLength(4);
  });

  it('of 50 different ones at once wins alone, and the others are told what holds', async () => {
    const { id } = await asking(ASKS, 'until_open fifty-2');
    const people = Array.from({ length: 50 }, (_, number) => `Person ${number}`);
    const sent = await Promise.allSettled(
      people.map((actor) => rig.engine.reply(id, 'answer', { text: `port of ${actor}`, actor, version: 1 })),
    );
    const [winner, ...more] = people.filter((_, index) => sent[index]?.status === 'fulfilled');
    expect(more).toEqual([]);
    for (const result of sent) {
      if (result.status === 'fulfilled') continue;
      expect(result.reason).toMatchObject({
        cause: { message: expect.stringMatching(new RegExp(`^1 was answered by ${winner} at `)) },
      });
    }
    await rig.open('fifty-2');
    await rig.engine.untilEnded(id);
    expect(await rig.happened(id, 'answered', 1)).toMatchObject([{ actor: winner, text: `port of ${winner}` }]);
  });

  it.each(['approve', 'reject'] as const)(
    'to %s decides once against its opposite at the same moment',
    async (first) => {
      const { id, project } = await proposing('patch');
      const replies = {
        approve: () => rig.engine.reply(id, 'approve', { version: 1, actor: 'Ada' }),
        reject: () => rig.engine.reply(id, 'reject', { version: 1, reason: 'No.', actor: 'Bo' }),
      };
      const order = first === 'approve' ? (['approve', 'reject'] as const) : (['reject', 'approve'] as const);
      const sent = await Promise.allSettled(order.map((name) => replies[name]()));
      expect(sent.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const [decision] = await rig.happened(id, 'decided', 1);
      const { state } = await rig.engine.untilEnded(id);
      expect(state).toBe(decision?.decision === 'approved' ? 'landed' : 'rejected');
      expect(await project.subjects()).toEqual(state === 'landed' ? ['Work', 'Begin'] : ['Begin']);
    },
  );

  it('that is sent while no worker runs is queued, and applied once when one does', async () => {
    const { id } = await asking();
    await rig.engine.drainWorker();
    await signal(id, 'answer', { text: '80', messageId: 'queued', actor: 'Ada' });
    await signal(id, 'answer', { text: '81', actor: 'Bo' });
    await rig.engine.startWorker();
    expect(await rig.engine.answer(id, '80', 'queued')).toMatchObject({ kind: 'taken' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await rig.happened(id, 'answered', 1)).toMatchObject([{ text: '80', actor: 'Ada' }]);
    expect(await refusalsOf(id, 1)).toEqual([expect.stringMatching(/^nothing is open .*; 1 was answered by Ada at/)]);
  });

  it('counts while the ledger is away, and is on record when it is back', async () => {
    const { id, project } = await asking();
    await rig.engine.loseLedger();
    await rig.engine.reply(id, 'answer', { text: '80' });
    await rig.engine.until(id, 'landed', ({ state }) => state === 'landed');
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
    await rig.engine.findLedger();
    await eventually('the record', async () => (await rig.engine.ledger.readTask(id))?.state === 'landed');
    expect(await rig.happened(id, 'answered', 1)).toMatchObject([{ text: '80', actor: 'Ada' }]);
  });

  it('to a task that asks nothing, that has ended, or that is none is refused with the reason', async () => {
    const { project } = await rig.project({}, '', 'until_open nothing');
    const id = await rig.engine.submit(project, { title: 'Work', work: { kind: 'shell', run: 'echo x > work' } });
    await rig.engine.until(id, 'landing', ({ state }) => state === 'landing');
    await expect(rig.engine.reply(id, 'answer', { text: 'x' })).rejects.toMatchObject({
      cause: { message: 'nothing is open that waits for a reply: the task is landing' },
    });
    await rig.open('nothing');
    await rig.engine.untilEnded(id);
    for (const name of ['answer', 'comment'] as const) {
      await expect(rig.engine.reply(id, name, { text: 'x' })).rejects.toThrow(/completed/);
      await expect(signal(id, name, { text: 'x' })).rejects.toThrow(/completed/);
    }
    const none = parseTaskId('0123456789');
    if (none.kind === 'invalid') throw new Error(none.message);
    await expect(signal(none.value, 'answer', { text: 'x' })).rejects.toThrow(/not found/);
    expect(await rig.happened(id, 'refused', 1)).toMatchObject([{ message: 'answer', actor: 'Ada' }]);
  });
});
