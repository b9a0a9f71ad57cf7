import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

function sample(name: string, agent: Parameters<typeof agentScript>[0], more = ''): Promise<SampleProject> {
  return SampleProject.create({
    'tasks.yaml': projectFile(more).replace('sample', name),
    'gate.sh': GATE,
    'agent.sh': agentScript(agent),
  });
}

describe('a task that needs somebody', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('waits for a person after its last attempt and goes on at a retry', async () => {
    const project = await sample('parked', {});
    const id = await engine.submit(project, {
      title: 'Fails first',
      attempts: 1,
      work: { kind: 'shell', run: `test -e '${engine.home}/mended' || { echo sorry; exit 3; }; echo x > y` },
    });
    const parked = await engine.untilWaiting(id, 'attempts');
    expect(parked.failure).toMatchObject({ kind: 'command-failed', evidence: expect.stringContaining('sorry') });
    await writeFile(join(engine.home, 'mended'), '');
    await engine.retry(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 2, failure: null });
  });

  it('takes an answer once and refuses the next one with the reason', async () => {
    const project = await sample('once', {
      plan: `grep -q 'yes' "$TASKS_PROMPT_FILE" || printf '{"status":"question","question":"Sure?"}' > "$TASKS_REPORT_FILE"`,
    });
    const id = await engine.submit(project, { title: 'Asks' });
    await engine.untilWaiting(id, 'question');
    await engine.answer(id, 'yes', 'one-and-the-same');
    // The same message again finds its first outcome; another one finds no question.
    await expect(engine.answer(id, 'yes', 'one-and-the-same')).resolves.toMatchObject({ kind: 'taken' });
    await expect(engine.answer(id, 'no')).rejects.toThrow();
    await engine.untilEnded(id);
    const { exchanges } = await engine.detail(id);
    expect(exchanges.map((exchange) => exchange.answer)).toEqual(['yes']);
  });

  it('ends as canceled with no process left when it is canceled in the middle of a phase', async () => {
    const project = await sample('canceled', {});
    const id = await engine.submit(project, {
      title: 'Never ends',
      work: { kind: 'shell', run: `trap '' TERM; (setsid sleep 987 &) ; while :; do sleep 0.05; done` },
    });
    await engine.started(id, 'canceled');
    await engine.cancel(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
    expect(await engine.processesOf(id)).toEqual([]);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('is withdrawn from the queue when it is canceled while a neighbour is being gated', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'withdrawn'),
      'gate.sh': 'if [ -e slow ]; then while [ ! -e "$HOME/go" ]; do :; done; fi\n',
      'agent.sh': agentScript({}),
    });
    const slow = await engine.submit(project, { title: 'Slow', work: { kind: 'shell', run: 'touch slow' } });
    await eventually('the gate to run', async () => (await engine.queue('withdrawn')).rows[0]?.state === 'gating');
    const queued = await engine.submit(project, { title: 'Queued', work: { kind: 'shell', run: 'touch other' } });
    await eventually('two in line', async () => (await engine.queue('withdrawn')).rows.length === 2);
    await engine.cancel(queued);
    expect(await engine.untilEnded(queued)).toMatchObject({ state: 'canceled' });
    await engine.cancel(slow);
    expect(await engine.untilEnded(slow)).toMatchObject({ state: 'canceled' });
    expect(await project.subjects()).toEqual(['Begin']);
    expect((await engine.queue('withdrawn')).rows).toEqual([]);
  });

  it('waits for a person when the revisions and its turn are used up', async () => {
    const project = await sample('revisions', { execute: 'touch broken', revise: 'echo more >> work' });
    const id = await engine.submit(project, { title: 'Always red', revisions: 1 });
    const view = await engine.untilWaiting(id, 'revisions');
    expect(view).toMatchObject({ state: 'waiting', revisions: 2 });
    expect(await project.subjects()).toEqual(['Begin']);
    await engine.cancel(id);
    await engine.untilEnded(id);
  });

  it('ends as failed with the fix when its agent is not on the machine', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('').replace('sample', 'missing').replace('[sh, agent.sh]', '[no-such-agent-anywhere]'),
      'gate.sh': GATE,
    });
    const id = await engine.submit(project, { title: 'No agent' });
    const view = await engine.untilEnded(id);
    expect(view).toMatchObject({ state: 'failed', failure: { kind: 'agent-missing' } });
    expect(view.failure?.message).toContain('no-such-agent-anywhere');
  });

  it('goes on from where it was when its worker is drained in the middle of a phase', async () => {
    const project = await sample('drained', {});
    const id = await engine.submit(project, {
      title: 'Interrupted',
      work: { kind: 'shell', run: `while [ ! -e '${engine.home}/go' ]; do :; done; echo x > y` },
    });
    await engine.started(id, 'drained');
    await engine.drainWorker();
    expect(await engine.processesOf(id)).toEqual([]);
    await engine.startWorker();
    await writeFile(join(engine.home, 'go'), '');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 2 });
  });

  it('loses no record when the ledger is away while it runs', async () => {
    const project = await sample('away', { execute: 'echo hello > greeting' });
    await engine.loseLedger();
    const id = await engine.submit(project, { title: 'Unrecorded' });
    await engine.until(id, 'landed', (view) => view.state === 'landed');
    expect((await engine.detail(id)).unrecorded.length).toBeGreaterThan(5);
    await engine.findLedger();
    await eventually('the record', async () => (await engine.ledger.readTask(id))?.state === 'landed');
    const events = await engine.ledger.readEvents(id);
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)?.happened.kind).toBe('ended');
  });
});
