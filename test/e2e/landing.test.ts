import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

describe('a task on its way to main', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('goes through understand, plan and execute and lands with its trailers', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile(),
      'gate.sh': GATE,
      'agent.sh': agentScript({ execute: 'echo hello > greeting' }),
    });
    const before = await project.tip();
    const id = await engine.submit(project, { title: 'Add a greeting' });
    const view = await engine.untilEnded(id);

    expect(view).toMatchObject({ state: 'landed', failure: null, waitingFor: null, attempt: 3 });
    expect(await project.tip()).toBe(view.commit);
    expect(await project.originGit('rev-parse', 'refs/heads/main^1')).toBe(before);
    expect(await project.read('greeting')).toBe('hello');
    const message = await project.originGit('log', '-1', '--format=%B', 'refs/heads/main');
    expect(message).toContain('Add a greeting');
    expect(message).toContain(`Task-Id: ${id}`);
    expect(message).toMatch(/Task-Attempt: 3\n/);
  });

  it('leaves no workspace and no task refs once it has landed', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'tidy'),
      'gate.sh': GATE,
      'agent.sh': agentScript({ execute: 'echo hello > greeting' }),
    });
    const id = await engine.submit(project, { title: 'Add a greeting' });
    await engine.untilEnded(id);
    await eventually('the workspace to be gone', () => !existsSync(join(engine.home, 'workspaces', 'tidy', id)));
    await eventually('the task refs to be gone', async () => (await project.taskRefs()).length === 0);
  });

  it('ends as unchanged when there is nothing to land', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'unchanged'),
      'gate.sh': GATE,
      'agent.sh': agentScript({}),
    });
    const before = await project.tip();
    const id = await engine.submit(project, { title: 'Look around' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'unchanged', commit: null });
    expect(await project.tip()).toBe(before);
  });

  it('runs the command of a shell task as its execute phase', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'shell'),
      'gate.sh': GATE,
      'agent.sh': agentScript({}),
    });
    const id = await engine.submit(project, { title: 'Sort', work: { kind: 'shell', run: 'echo sorted > list' } });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 1, agent: 'shell' });
    expect(await project.read('list')).toBe('sorted');
  });

  it('waits on a question and goes on with the answer in the next prompt', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'asking'),
      'gate.sh': GATE,
      'agent.sh': agentScript({
        plan: `grep -q 'paint it blue' "$TASKS_PROMPT_FILE" || printf '{"status":"question","question":"Which colour?"}' > "$TASKS_REPORT_FILE"`,
        execute: 'echo blue > colour',
      }),
    });
    const id = await engine.submit(project, { title: 'Paint' });
    const waiting = await engine.untilWaiting(id, 'question');
    expect(waiting).toMatchObject({ state: 'waiting', phase: 'plan', waitingFor: { text: 'Which colour?' } });
    await engine.answer(id, 'paint it blue');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('goes back with the evidence when the gate is red, and lands once it is green', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'red'),
      'gate.sh': GATE,
      'agent.sh': agentScript({
        execute: 'touch broken; echo x > work',
        revise: `grep -q 'broken is there' "$TASKS_PROMPT_FILE"; rm broken`,
      }),
    });
    const id = await engine.submit(project, { title: 'Break and mend' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 1 });
    expect(await project.originGit('ls-tree', '--name-only', 'refs/heads/main')).not.toContain('broken');
    expect((await project.subjects()).filter((subject) => subject === 'Break and mend')).toHaveLength(1);
  });

  it('amends its branch when two tasks touch the same lines', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'conflict'),
      'gate.sh': GATE,
      line: 'one\n',
      'agent.sh': agentScript({
        execute: 'while [ ! -e "$TASKS_TASK_DIR/go" ]; do sleep 0.02; done; cat "$TASKS_TASK_DIR/go" > line',
        revise: 'grep -q "^<<<<<<<" line; echo both > line',
      }),
    });
    const first = await engine.submit(project, { title: 'First' });
    const second = await engine.submit(project, { title: 'Second' });
    await engine.tell(first, 'conflict', 'go', 'first\n');
    await engine.tell(second, 'conflict', 'go', 'second\n');
    const views = [await engine.untilEnded(first), await engine.untilEnded(second)];
    expect(views.map((view) => view.state)).toEqual(['landed', 'landed']);
    expect(views.map((view) => view.revisions).toSorted((a, b) => a - b)).toEqual([0, 1]);
    expect(await project.read('line')).toBe('both');
  });

  it('runs a shell task again on main as it now is when it conflicts', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'again'),
      'gate.sh': GATE,
      list: 'b\na\n',
      'agent.sh': agentScript({}),
    });
    const run = `while [ ! -e '${engine.home}/go' ]; do sleep 0.02; done; sort list > sorted; mv sorted list`;
    const id = await engine.submit(project, { title: 'Sort', work: { kind: 'shell', run } });
    await engine.started(id, 'again');
    await project.commit('A person adds a line', { list: 'b\na\n0\n' });
    await writeFile(join(engine.home, 'go'), '');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 1 });
    expect(await project.read('list')).toBe('0\na\nb');
  });
});
