import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { QueueRow } from '../../src/core/queue-types.ts';
import type { Control } from '../../src/core/queue.ts';
import { controlUpdate } from '../../src/workflows/messages.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';

/** Side by side in this file's worker; one more is asked for. */
const SLOTS = 2;
const ASKED = SLOTS + 1;

describe('the queue on a real server', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ gates: SLOTS, agents: 6 });
  });

  afterAll(async () => {
    await engine.stop();
  });

  /** A project whose gate tells what it runs on, and goes on once `<home>/<name>/go` is there. */
  const projectOf = async (name: string, gate: string): Promise<{ project: SampleProject; folder: string }> => {
    const folder = join(engine.home, name);
    await mkdir(folder, { recursive: true });
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('sample', name),
      'gate.sh': `F='${folder}'\necho "$(ls | grep '^task' | tr '\\n' ' ')" >> "$F/runs"\n${gate}\n`,
      'agent.sh': agentScript({}),
    });
    return { project, folder };
  };
  const HOLD = 'while [ ! -e "$F/go" ]; do sleep 0.02; done';

  /** Tasks that write a file each, handed off one after another, in this order. */
  const handOff = async (project: SampleProject, names: readonly string[], spec = {}): Promise<TaskId[]> => {
    const ids: TaskId[] = [];
    for (const name of names) {
      const id = await engine.submit(project, { title: name, work: { kind: 'shell', run: `echo x > ${name}` }, spec });
      await engine.until(id, 'landing', ({ state }) => state === 'landing' || state === 'landed');
      ids.push(id);
    }
    return ids;
  };

  const rowsOf = async (name: string): Promise<readonly QueueRow[]> => (await engine.queue(name)).rows;
  const statesOf = async (name: string): Promise<string> => (await rowsOf(name)).map(({ state }) => state).join(' ');
  const say = (name: string, control: Control) =>
    engine.client.workflow.getHandle(`integration/${name}/main`).executeUpdate(controlUpdate, { args: [control] });

  it('gates the first few side by side, each on the one before, and lands them in order', async () => {
    const { project, folder } = await projectOf('chain', HOLD);
    const ids = await handOff(project, ['task1', 'task2', 'task3', 'task4']);
    await eventually('three to be gated', async () => (await statesOf('chain')) === 'gating gating gating queued');
    const rows = await rowsOf('chain');
    expect(rows.map(({ id, position }) => [id, position])).toEqual(ids.map((id, at) => [id, at + 1]));
    expect(new Set(rows.slice(0, ASKED).map(({ base }) => base)).size).toBe(ASKED);
    expect(rows[0]?.base).toBe(await project.tip());
    await writeFile(join(folder, 'go'), '');
    for (const id of ids) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    expect(await project.subjects()).toEqual(['task4', 'task3', 'task2', 'task1', 'Begin']);
    const trees = (await project.originGit('log', '--first-parent', '--format=%T', 'main')).split('\n');
    expect(trees.slice(1, 4)).toEqual(
      rows
        .slice(0, ASKED)
        .map(({ tree }) => tree)
        .toReversed(),
    );
  });

  it('takes a red one out of the middle, lands those around it, and has it come back', async () => {
    const { project, folder } = await projectOf('middle', `${HOLD}\ntest ! -e task2 || test -e mended`);
    const [one] = await handOff(project, ['task1']);
    const two = await engine.submit(project, {
      title: 'task2',
      work: {
        kind: 'shell',
        run: `echo x > task2; [ ! -e '${folder}/second' ] || echo x > mended; touch '${folder}/second'`,
      },
    });
    await engine.until(two, 'landing', ({ state }) => state === 'landing');
    const [three] = await handOff(project, ['task3']);
    await eventually('three to be gated', async () => (await statesOf('middle')) === 'gating gating gating');
    await writeFile(join(folder, 'go'), '');
    for (const id of [one, three]) {
      if (id !== undefined) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    }
    expect(await engine.untilEnded(two)).toMatchObject({ state: 'landed', revisions: 1 });
    expect(await project.subjects()).toEqual(['task2', 'task3', 'task1', 'Begin']);
  });

  it('runs a red tree once more before anybody is blamed, and keeps the place of a flake', async () => {
    const { project, folder } = await projectOf(
      'flaky',
      `test -e "$F/again" || { touch "$F/again"; echo flaked; exit 1; }`,
    );
    const [id] = await handOff(project, ['task1']);
    if (id !== undefined) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    expect(await engine.queue('flaky')).toMatchObject({ flakes: 1, landed: 1 });
    expect(existsSync(join(folder, 'again'))).toBe(true);
  });

  it('pauses when main itself is red, blames nobody, and resumes by itself when a person mends it', async () => {
    const { project } = await projectOf('red-main', 'test ! -e broken || { echo broken; exit 1; }');
    await project.commit('A person breaks main', { broken: 'x' });
    const ids = await handOff(project, ['task1', 'task2']);
    const stopped = await eventually('the pause', async () => (await engine.queue('red-main')).stopped);
    expect(stopped).toMatch(/^main itself is red/);
    const [first] = ids;
    if (first !== undefined) expect(await engine.untilWaiting(first, 'gate')).toMatchObject({ revisions: 0 });
    await project.git('rm', '-q', 'broken');
    await project.commit('And mends it', {});
    // The next look would see it within a minute; a hotfix is looked at now.
    const mend = await engine.submit(project, {
      title: 'hotfix',
      work: { kind: 'shell', run: 'echo x > task3' },
      spec: { priority: 'hotfix' },
    });
    for (const id of [...ids, mend]) {
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    }
    expect((await engine.queue('red-main')).stopped).toBeNull();
  });

  it('gates a red main at once when somebody says resume, since what was wrong lay elsewhere', async () => {
    const { project, folder } = await projectOf(
      'red-outside',
      'test ! -e "$F/down" || { echo the service is down; exit 1; }',
    );
    await writeFile(join(folder, 'down'), '');
    const [id] = await handOff(project, ['task1']);
    await eventually('the pause', async () => (await engine.queue('red-outside')).stopped);
    await rm(join(folder, 'down'));
    await say('red-outside', { action: 'resume', actor: 'Ada' });
    if (id !== undefined) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    await expect(say('red-outside', { action: 'resume', actor: 'Ada' })).rejects.toThrow();
  });

  it('lets a hotfix ahead of what is being gated', async () => {
    const { project, folder } = await projectOf('hotfix', HOLD);
    const ids = await handOff(project, ['task1', 'task2', 'task3', 'task4']);
    await eventually('three to be gated', async () => (await statesOf('hotfix')) === 'gating gating gating queued');
    const [fix] = await handOff(project, ['task5'], { priority: 'hotfix' });
    await eventually('it to be the first', async () => (await rowsOf('hotfix'))[0]?.id === fix);
    await writeFile(join(folder, 'go'), '');
    for (const id of ids) await engine.untilEnded(id);
    expect(await project.subjects()).toEqual(['task4', 'task3', 'task2', 'task1', 'task5', 'Begin']);
  });

  it('lands candidates under the titles that people have given them meanwhile, by the runs that they have', async () => {
    const { project, folder } = await projectOf('edited', HOLD);
    const [one, two] = await handOff(project, ['task1', 'task2']);
    if (one === undefined || two === undefined) throw new Error('two were handed off');
    await eventually('both to be gated', async () => (await statesOf('edited')) === 'gating gating');
    const bases = (await rowsOf('edited')).map(({ base }) => base);
    await engine.reply(one, 'edit', { title: 'Better' });
    await eventually('it to be built again', async () => {
      const rows = await rowsOf('edited');
      return rows[0]?.title === 'Better' && rows[1]?.state === 'gating' && rows[1].base !== bases[1];
    });
    await writeFile(join(folder, 'go'), '');
    for (const id of [one, two]) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    expect(await project.subjects()).toEqual(['task2', 'Better', 'Begin']);
    const runs = (await readFile(join(folder, 'runs'), 'utf8')).trim().split('\n');
    expect(runs.map((run) => run.trim()).toSorted()).toEqual(['task1 task2 tasks.yaml', 'task1 tasks.yaml']);
  });

  it('does what an operator says: pause, promote, remove, resume', async () => {
    const { project } = await projectOf('told', 'true');
    const [zero] = await handOff(project, ['task0']);
    if (zero !== undefined) await engine.untilEnded(zero);
    await say('told', { action: 'pause', actor: 'Ada' });
    const [one, two, three] = await handOff(project, ['task1', 'task2', 'task3']);
    if (one === undefined || two === undefined || three === undefined) throw new Error('three were handed off');
    await eventually('all to wait', async () => (await statesOf('told')) === 'queued queued queued');
    expect((await engine.untilWaiting(two, 'gate')).waitingFor?.text).toContain('paused by Ada');
    await say('told', { action: 'promote', actor: 'Ada', taskId: three });
    await say('told', { action: 'remove', actor: 'Ada', taskId: two });
    await expect(say('told', { action: 'remove', actor: 'Ada', taskId: two })).rejects.toThrow();
    expect((await rowsOf('told')).map(({ id }) => id)).toEqual([three, one]);
    expect(await project.subjects()).toEqual(['task0', 'Begin']);
    await say('told', { action: 'resume', actor: 'Ada' });
    for (const id of [one, three]) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await engine.untilEnded(two)).toMatchObject({ state: 'failed', failure: { kind: 'landing-refused' } });
    expect(await project.subjects()).toEqual(['task1', 'task3', 'task0', 'Begin']);
  });

  it.each([
    ['taken out of it', 'out', (name: string, id: TaskId) => say(name, { action: 'remove', actor: 'Ada', taskId: id })],
    ['canceled in it', 'canceled', (_name: string, id: TaskId) => engine.cancel(id)],
  ])('lands one that was %s when it is retried, though its agent adds nothing', async (_what, name, end) => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('  phases: [execute, revise]').replace('sample', name),
      'gate.sh': 'true\n',
      'agent.sh': agentScript({ execute: 'echo x > work' }),
    });
    const [first] = await handOff(project, ['task0']);
    if (first !== undefined) await engine.untilEnded(first);
    await say(name, { action: 'pause', actor: 'Ada' });
    const id = await engine.submit(project, { title: 'Work' });
    await engine.untilWaiting(id, 'gate');
    await end(name, id);
    await engine.untilEnded(id);
    await say(name, { action: 'resume', actor: 'Ada' });
    await engine.retryEnded(id);
    await engine.until(id, 'landed', ({ state }) => state === 'landed');
    expect(await project.subjects()).toEqual(['Work', 'task0', 'Begin']);
  });

  it('lets one wait that conflicts with a candidate ahead, and sends it back only when that one has landed', async () => {
    const { project, folder } = await projectOf('behind', HOLD);
    const run = 'cat same 2>/dev/null >> task-text; echo "$TASKS_TASK_ID" > same';
    const first = await engine.submit(project, { title: 'first', work: { kind: 'shell', run } });
    await engine.until(first, 'landing', ({ state }) => state === 'landing');
    const second = await engine.submit(project, { title: 'second', work: { kind: 'shell', run } });
    await eventually('it to wait', async () => (await statesOf('behind')) === 'gating held');
    expect((await rowsOf('behind'))[1]?.waitingFor).toContain('conflicts with one ahead');
    expect(await engine.detail(second)).toMatchObject({ view: { state: 'landing', revisions: 0 } });
    await writeFile(join(folder, 'go'), '');
    expect(await engine.untilEnded(first)).toMatchObject({ state: 'landed', revisions: 0 });
    expect(await engine.untilEnded(second)).toMatchObject({ state: 'landed', revisions: 1 });
  });
});
