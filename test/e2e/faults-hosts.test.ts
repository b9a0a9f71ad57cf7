import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workflowIds } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';

function sample(name: string, agent: Parameters<typeof agentScript>[0], gate = GATE): Promise<SampleProject> {
  return SampleProject.create({
    'tasks.yaml': projectFile().replace('sample', name),
    'gate.sh': gate,
    'agent.sh': agentScript(agent),
    line: 'one\n',
  });
}

describe('a task whose worker goes away', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  /** The next worker has a home of its own: nothing of this one's is on it. */
  const moveToAnotherHost = async (): Promise<string> => {
    await engine.drainWorker();
    const home = await tempFolder('home');
    await engine.startWorker(home);
    return home;
  };

  it('goes on at another host with its commits, its uncommitted work and its notes', async () => {
    const project = await sample('moved', {
      understand: 'echo "what I found" > "$TASKS_TASK_DIR/understanding.md"',
      plan: 'echo "what I will do" > "$TASKS_TASK_DIR/plan.md"; mkdir -p "$TASKS_TASK_DIR/outputs"; echo 1 > "$TASKS_TASK_DIR/outputs/table"',
      execute: [
        'if [ -e half ]; then :; else echo half > half; git add half',
        `git -c user.name=A -c user.email=a@example.test commit -q -m Half; echo more > more`,
        `printf '{"status":"question","question":"Go on?"}' > "$TASKS_REPORT_FILE"; exit 0; fi`,
        'grep -q "what I found" "$TASKS_TASK_DIR/understanding.md"; grep -q "what I will do" "$TASKS_TASK_DIR/plan.md"',
        'cat "$TASKS_TASK_DIR/outputs/table" > table; grep -q plan.md "$TASKS_PROMPT_FILE"; cat half more > both',
      ].join('\n'),
    });
    const id = await engine.submit(project, { title: 'Move', attempts: 1 });
    await engine.untilWaiting(id, 'question');
    const home = await moveToAnotherHost();
    await engine.answer(id, 'yes');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 4 });
    expect(await project.read('both')).toBe('half\nmore');
    expect(await project.read('table')).toBe('1');
    expect(existsSync(join(home, 'workspaces'))).toBe(true);
  });

  it('is moved when it only read so far, and begins on what it knew', async () => {
    const project = await sample('reader', {
      understand: 'echo "only read" > "$TASKS_TASK_DIR/understanding.md"',
      plan: `grep -q 'answered:\\*\\* yes' "$TASKS_PROMPT_FILE" || { printf '{"status":"question","question":"Sure?"}' > "$TASKS_REPORT_FILE"; exit 0; }`,
      execute: 'cat "$TASKS_TASK_DIR/understanding.md" > line',
    });
    const id = await engine.submit(project, { title: 'Read', attempts: 1 });
    await engine.untilWaiting(id, 'question');
    await moveToAnotherHost();
    await engine.answer(id, 'yes');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.read('line')).toBe('only read');
  });

  it('is revised at another host than the one that did the work', async () => {
    const open = join(engine.home, 'open-revised');
    const project = await sample(
      'revised',
      { execute: 'echo agent > line', revise: 'grep -q "^<<<<<<<" line; echo both > line' },
      `while [ ! -e '${open}' ]; do sleep 0.02; done\n`,
    );
    const id = await engine.submit(project, { title: 'Revise', attempts: 1 });
    await eventually('its gate', async () => (await engine.queue('revised')).rows[0]?.state === 'gating');
    await project.commit('A person was faster', { line: 'person\n' });
    await moveToAnotherHost();
    await writeFile(open, '');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 1 });
    expect(await project.read('line')).toBe('both');
    expect(await project.subjects()).toEqual(['Revise', 'A person was faster', 'Begin']);
  });

  it('and whose ledger is away when the next worker starts lands all the same, and is recorded later', async () => {
    const project = await sample('unseen', { execute: 'echo x > work' });
    await engine.drainWorker();
    await engine.loseLedger();
    await engine.startWorker();
    const id = await engine.submit(project, { title: 'Unseen' });
    await engine.until(id, 'landed', (view) => view.state === 'landed');
    await engine.findLedger();
    await eventually('the record', async () => (await engine.ledger.readTask(id))?.state === 'landed');
    // Where and when it began its host alone knows.
    await eventually('its host', async () => {
      const attempts = await engine.ledger.readAttempts(id);
      return attempts.length > 0 && attempts.every(({ host, startedAt }) => host !== null && startedAt !== null);
    });
    await eventually('its workflow to be closed', async () => {
      const { status } = await engine.client.workflow.getHandle(workflowIds.task(id)).describe();
      return status.name === 'COMPLETED';
    });
  });

  it('is canceled in the moment of its submission and leaves nothing', async () => {
    const project = await sample('hasty', { execute: 'echo x > work' });
    const id = await engine.submit(project, { title: 'Hasty' });
    await engine.cancel(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
    expect(await engine.processesOf(id)).toEqual([]);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('is terminated by an operator while it is in line, and the queue goes on with the next', async () => {
    const open = join(engine.home, 'open-terminated');
    const project = await sample('terminated', {}, `while [ ! -e '${open}' ]; do sleep 0.02; done\n`);
    const submit = (title: string) =>
      engine.submit(project, { title, work: { kind: 'shell', run: `echo x > ${title.toLowerCase()}` } });
    const first = await submit('First');
    await eventually('its gate', async () => (await engine.queue('terminated')).rows[0]?.state === 'gating');
    const second = await submit('Second');
    await eventually('two in line', async () => (await engine.queue('terminated')).rows.length === 2);
    await engine.client.workflow.getHandle(workflowIds.task(first)).terminate('by the operator');
    await writeFile(open, '');
    expect(await engine.untilEnded(second)).toMatchObject({ state: 'landed' });
    await eventually('the queue to be empty', async () => (await engine.queue('terminated')).rows.length === 0);
  });
});
