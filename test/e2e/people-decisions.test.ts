import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { StageGate } from '../../src/core/ask-types.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { eventually } from '../support/eventually.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';
import type { SampleProject } from '../support/sample-project.ts';

const note = (name: string, text: string): string => `printf '%s' '${text}' > "$TASKS_TASK_DIR/${name}.md"`;
const DOCUMENTED = {
  understand: note('understanding', 'What I understood.'),
  plan: note('plan', 'One step.'),
  execute: 'cp "$TASKS_TASK_DIR/plan.md" planned; echo x > work',
};

describe('a project that wants a decision', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start();
  });

  afterAll(async () => {
    await rig.stop();
  });

  const submit = async (
    approve: readonly StageGate[],
    phases: Parameters<PeopleRig['project']>[0] = DOCUMENTED,
  ): Promise<{ id: TaskId; project: SampleProject }> => {
    const { project } = await rig.project(phases, `approve: [${approve.join(', ')}]`);
    return { id: await rig.engine.submit(project, { title: 'Work' }), project };
  };

  it.each([
    [['clarification'], ['understanding']],
    [['plan'], ['plan']],
    [['patch'], ['patch']],
    [
      ['clarification', 'patch'],
      ['understanding', 'patch'],
    ],
    [
      ['patch', 'plan', 'clarification'],
      ['understanding', 'plan', 'patch'],
    ],
    [[], []],
  ] as const)('about %j asks for %j, one after another, and lands after the last', async (approve, kinds) => {
    const { id, project } = await submit(approve);
    for (const [index, kind] of kinds.entries()) {
      const [ask] = await rig.asked(id, index + 1);
      expect(ask).toMatchObject({ kind, version: index + 1 });
      expect(await rig.engine.processesOf(id)).toEqual([]);
      expect(await project.subjects()).toEqual(['Begin']);
      await rig.engine.reply(id, 'approve', { version: index + 1 });
    }
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute']);
    expect(await rig.happened(id, 'asked', kinds.length)).toHaveLength(kinds.length);
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });

  it('about the plan runs the edited one, and nothing of the other', async () => {
    const { id, project } = await submit(['plan']);
    const [ask] = await rig.asked(id, 1);
    expect(ask).toMatchObject({ kind: 'plan', body: 'One step.' });
    expect(await rig.details(id)).toContain(`tasks approve ${id}@1`);
    await rig.engine.reply(id, 'approve', { version: 1, text: 'Two steps.\nAnd a test.' });
    await rig.engine.untilEnded(id);
    expect(await project.read('planned')).toBe('Two steps.\nAnd a test.');
    const prompt = await rig.lastPrompt(id);
    expect(prompt).toMatch(/plan\.md \(approved by a person: it holds as it stands\)/);
    expect(prompt).not.toContain('One step.');
    expect(await rig.happened(id, 'decided', 1)).toMatchObject([{ decision: 'edited', actor: 'Ada' }]);
  });

  it('about the understanding plans from the edited one', async () => {
    const { id, project } = await submit(['clarification'], {
      understand: note('understanding', 'All of it.'),
      execute: 'cp "$TASKS_TASK_DIR/understanding.md" understood',
    });
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'approve', { text: 'Only the parser.' });
    await rig.engine.untilEnded(id);
    expect(await project.read('understood')).toBe('Only the parser.');
  });

  it('about a plan that is too long to show keeps the whole of it, and refuses to have it edited', async () => {
    const { id, project } = await submit(['plan'], {
      plan: 'head -c 40000 /dev/zero | tr "\\\\0" x > "$TASKS_TASK_DIR/plan.md"',
      execute: 'wc -c < "$TASKS_TASK_DIR/plan.md" > size',
    });
    const [ask] = await rig.asked(id, 1);
    expect(ask?.body).toMatch(/^x{31000,32000}\n\[…\]$/);
    await expect(rig.engine.reply(id, 'approve', { text: 'Shorter.' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('ask for changes') },
    });
    await rig.engine.reply(id, 'approve', {});
    await rig.engine.untilEnded(id);
    expect((await project.read('size')).trim()).toBe('40000');
  });

  it('about the patch shows the difference, tries again with what is wanted, and lands what was approved', async () => {
    const { id, project } = await submit(['patch'], {
      execute: 'told "changes are wanted" && echo better > work || echo first > work',
    });
    const [first] = await rig.asked(id, 1);
    expect(first?.body).toContain('+first');
    await rig.engine.reply(id, 'revise', { version: 1, text: 'Say better.' });
    const [second] = await rig.asked(id, 2);
    expect(second?.body).toContain('+better');
    expect(second?.body).not.toContain('first');
    expect(await project.subjects()).toEqual(['Begin']);
    // The first one's approval comes too late to mean the second.
    await expect(rig.engine.reply(id, 'approve', { version: 1 })).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/^1 got changes requested by Ada at .*; open is 2/) },
    });
    await rig.engine.reply(id, 'approve', { version: 2 });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.read('work')).toBe('better');
    expect(await rig.lastPrompt(id)).toContain('changes are wanted: Say better.');
    const decisions = await rig.happened(id, 'decided', 2);
    expect(decisions.map(({ decision }) => decision)).toEqual(['changes-requested', 'approved']);
  });

  it('about a patch that is too long to show keeps the whole of it', async () => {
    const { id } = await submit(['patch'], { execute: 'seq 1 20000 > work' });
    const [ask] = await rig.asked(id, 1);
    expect(ask?.body.length).toBeLessThanOrEqual(32_000);
    expect(ask?.body.endsWith('\n[…]')).toBe(true);
    const patch = await eventually('the artifact', async () =>
      (await rig.engine.ledger.readArtifacts(id)).find(({ name }) => name === 'patch.diff'),
    );
    expect(patch.attempt).toBe(3);
    expect(patch.content).toContain('+20000\n');
    await rig.engine.reply(id, 'reject', { reason: 'Too much.' });
    await rig.engine.untilEnded(id);
  });

  it('about a patch that changes nothing asks nobody', async () => {
    const { id, project } = await submit(['patch'], {});
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'unchanged' });
    await rig.happened(id, 'asked', 0);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('about the patch of a shell command shows it too', async () => {
    const { project } = await rig.project({}, 'approve: [patch]');
    const id = await rig.engine.submit(project, { title: 'Run', work: { kind: 'shell', run: 'echo shell > work' } });
    const [ask] = await rig.asked(id, 1);
    expect(ask).toMatchObject({ kind: 'patch', body: expect.stringContaining('+shell') });
    await rig.engine.reply(id, 'approve', {});
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('is asked again about a patch that came back from landing', async () => {
    const { id, project } = await submit(['patch'], { execute: 'touch broken', revise: 'rm broken; echo x > work' });
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'approve', { version: 1 });
    const [again] = await rig.asked(id, 2);
    expect(again).toMatchObject({ kind: 'patch', body: expect.stringContaining('+x') });
    expect(await project.subjects()).toEqual(['Begin']);
    await rig.engine.reply(id, 'approve', { version: 2 });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 1 });
  });

  it.each(['plan', 'patch'] as const)(
    'about the %s and gets none ends as rejected, and nothing lands',
    async (gate) => {
      const { id, project } = await submit([gate]);
      await rig.asked(id, 1);
      await rig.engine.reply(id, 'reject', { version: 1, reason: 'Not now.' });
      const view = await rig.engine.untilEnded(id);
      expect(view).toMatchObject({ state: 'rejected', commit: null, failure: { kind: 'rejected' } });
      expect(view.failure?.message).toMatch(/^Ada rejected the (plan|patch) .*Not now\./);
      expect(await project.subjects()).toEqual(['Begin']);
      await expect(rig.engine.reply(id, 'approve', { version: 1 })).rejects.toThrow();
    },
  );
});

describe('an agent that proposes', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start();
  });

  afterAll(async () => {
    await rig.stop();
  });

  const effect = { kind: 'effect', title: 'Release it', body: 'npm publish\nversion 2.0' };
  const message = { kind: 'message', title: 'Tell them', body: 'To: all\n\nIt is out.' };
  const proposing = async (proposal: unknown, more = ''): Promise<{ id: TaskId; project: SampleProject }> => {
    const work = `${unlessTold('decided at', { status: 'proposal', proposal })}; echo x > work`;
    const { project } = await rig.project({ execute: work }, more);
    return { id: await rig.engine.submit(project, { title: 'Work' }), project };
  };

  it.each([effect, message])('%j waits, and is started again with the words that were approved', async (proposal) => {
    const { id, project } = await proposing(proposal);
    const [ask] = await rig.asked(id, 1);
    expect(ask).toMatchObject({ kind: proposal.kind, text: proposal.title, body: proposal.body });
    expect(await rig.engine.processesOf(id)).toEqual([]);
    expect(await project.subjects()).toEqual(['Begin']);
    await rig.engine.reply(id, 'approve', { version: 1 });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const prompt = await rig.lastPrompt(id);
    expect(prompt).toContain(
      `**You proposed:** the ${proposal.kind} "${proposal.title}"\n\n\`\`\`\n${proposal.body}\n\`\`\``,
    );
    expect(prompt).toMatch(/\*\*Ada decided at [^:]+:\d\d:[^:]+:\*\* approved\n/);
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute', 'execute']);
  });

  it('an effect has the edited words alone in its prompt', async () => {
    const { id } = await proposing(effect);
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'approve', { text: 'npm publish --dry-run' });
    await rig.engine.untilEnded(id);
    const prompt = await rig.lastPrompt(id);
    expect(prompt).toContain('approved with edits; what holds is:\n\n```\nnpm publish --dry-run\n```');
    expect(prompt).not.toContain('version 2.0');
  });

  it('an effect or a message where the project asks nobody has it approved unasked, on the record', async () => {
    const { id } = await proposing(effect, 'approve: []');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await rig.happened(id, 'asked', 1)).toMatchObject([{ ask: { kind: 'effect', body: effect.body } }]);
    expect(await rig.happened(id, 'decided', 1)).toMatchObject([{ decision: 'approved', actor: 'the project' }]);
    expect(await rig.lastPrompt(id)).toContain(effect.body);
  });

  it('a message still waits where the project asks about messages alone', async () => {
    const { id } = await proposing(message, 'approve: [messages]');
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'revise', { text: 'More politely.' });
    await rig.engine.untilEnded(id);
    expect(await rig.lastPrompt(id)).toContain('changes are wanted: More politely.');
  });

  it('what is rejected ends its task, and nothing lands', async () => {
    const { id, project } = await proposing(effect);
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'reject', { reason: 'No.' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'rejected', commit: null });
    expect(await rig.phases(id)).toHaveLength(3);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('a plan of its own has the approved text in plan.md, and goes on to execute', async () => {
    const proposal = { kind: 'plan', title: 'Two ways', body: 'The short way.' };
    const { project } = await rig.project({
      understand: `report '${JSON.stringify({ status: 'proposal', proposal })}'`,
      execute: 'cp "$TASKS_TASK_DIR/plan.md" planned',
    });
    const id = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'approve', {});
    await rig.engine.untilEnded(id);
    expect(await rig.phases(id)).toEqual(['understand', 'execute']);
    expect(await project.read('planned')).toBe('The short way.');
  });

  it('its patch as it stands is shown with it, and lands when it is approved', async () => {
    const proposal = { kind: 'patch', title: 'Like this?', body: 'Mind the name.' };
    const { project } = await rig.project({
      execute: `echo mine > work; report '${JSON.stringify({ status: 'proposal', proposal })}'`,
    });
    const id = await rig.engine.submit(project, { title: 'Work' });
    const [ask] = await rig.asked(id, 1);
    expect(ask?.body).toMatch(/^Mind the name\.\n\n[^]*\n\+mine\n/);
    await rig.engine.reply(id, 'approve', {});
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute']);
    expect(await project.read('work')).toBe('mine');
  });

  it('further tasks has each made, edited or dropped by itself, as a task of its own', async () => {
    const items = [{ title: 'First' }, { title: 'Second', body: 'old' }, { title: 'Third' }];
    const { id, project } = await proposing({ kind: 'tasks', title: 'More to do', body: 'Three things.', items });
    const [ask] = await rig.asked(id, 1);
    expect(ask?.items.map(({ title }) => title)).toEqual(['First', 'Second', 'Third']);
    await expect(rig.engine.reply(id, 'approve', { items: [{}] })).rejects.toThrow();
    await rig.engine.reply(id, 'approve', { items: [{}, { title: 'Better', body: 'new' }, { drop: true }] });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const [{ tasks } = { tasks: [] }] = await rig.happened(id, 'proposed-tasks-made', 1);
    expect(tasks).toHaveLength(2);
    const details = await Promise.all(tasks.map((one) => rig.engine.detail(one)));
    expect(details.map(({ spec }) => spec)).toMatchObject([
      { title: 'First', body: '', parent: id, type: 'task' },
      { title: 'Better', body: 'new', parent: id, type: 'task' },
    ]);
    expect(await rig.lastPrompt(id)).toContain('- First: accepted\n- Better: edited\n- Third: dropped');
    // They are agents' tasks of the same project: each would ask, and is ended.
    for (const one of tasks) await rig.engine.cancel(one);
    for (const one of tasks) await rig.engine.untilEnded(one);
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });

  it('with its end what somebody should do besides makes tasks that wait for an approval', async () => {
    const report = {
      status: 'done',
      summary: 'Done.',
      proposals: [{ title: 'Clean up', body: 'Later.' }, { title: 'No' }],
    };
    const { project } = await rig.project({
      execute: `[ "$(cat "$TASKS_PROMPT_FILE" | head -1)" = '# Work' ] && report '${JSON.stringify(report)}'; echo x > "$TASKS_TASK_ID"`,
    });
    const id = await rig.engine.submit(project, { title: 'Work' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const [{ tasks } = { tasks: [] }] = await rig.happened(id, 'proposed-tasks-made', 1);
    const [wanted, unwanted] = tasks;
    if (wanted === undefined || unwanted === undefined) throw new Error('two tasks were to be made');
    expect(await rig.asked(wanted, 1)).toMatchObject([{ kind: 'task', text: 'Clean up', body: 'Later.' }]);
    expect((await rig.engine.detail(wanted)).spec).toMatchObject({ type: 'proposal', parent: id });
    await rig.asked(unwanted, 1);
    expect(await rig.phases(wanted)).toEqual([]);
    await rig.engine.reply(unwanted, 'reject', { reason: 'No.' });
    expect(await rig.engine.untilEnded(unwanted)).toMatchObject({ state: 'rejected', attempt: 0 });
    await rig.engine.reply(wanted, 'approve', { text: 'Now.' });
    expect(await rig.engine.untilEnded(wanted)).toMatchObject({ state: 'landed' });
    expect((await rig.prompts(wanted))[0]?.text).toMatch(/^# Clean up\n\nNow\.\n/);
    expect(await rig.phases(unwanted)).toEqual([]);
    expect(await project.subjects()).toEqual(['Clean up', 'Work', 'Begin']);
  });

  it('nobody: a proposal that a person submits waits before its first phase, and is no subject of a change request', async () => {
    const { project } = await rig.project({ execute: 'echo x > work' });
    const id = await rig.engine.submit(project, { title: 'Idea', body: 'Rough.', spec: { type: 'proposal' } });
    expect(await rig.asked(id, 1)).toMatchObject([{ kind: 'task', text: 'Idea', body: 'Rough.' }]);
    await expect(rig.engine.reply(id, 'revise', { text: 'Finer.' })).rejects.toThrow();
    expect(await rig.prompts(id)).toEqual([]);
    await rig.engine.reply(id, 'approve', {});
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['Idea', 'Begin']);
  });
});
