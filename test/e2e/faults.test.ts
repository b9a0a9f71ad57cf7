import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const HEARTBEAT_AND_MORE_MS = 90_000;

/**
 * One worker dies with three tasks in its hands: one in the middle of a phase, one in the middle of a gate run, and one
 * between its push to main and the answer to it. That push kills the worker.
 */
describe('a worker that is killed by SIGKILL', () => {
  let engine: Engine;
  let first: WorkerProcess;
  let second: WorkerProcess | null = null;
  let goneWithinMs = 0;
  const projects: Record<'phase' | 'gate' | 'push', SampleProject | null> = { phase: null, gate: null, push: null };
  const ids: Partial<Record<'phase' | 'gate' | 'push', TaskId>> = {};

  const project = (name: keyof typeof projects): SampleProject => {
    const found = projects[name];
    if (found === null) throw new Error(`no project ${name}`);
    return found;
  };
  const id = (name: keyof typeof projects): TaskId => {
    const found = ids[name];
    if (found === undefined) throw new Error(`no task ${name}`);
    return found;
  };
  const at = (name: string): string => join(engine.home, name);
  const submit = (name: keyof typeof projects, run: string): Promise<TaskId> =>
    engine.submit(project(name), { title: `Work of ${name}`, attempts: 1, work: { kind: 'shell', run } });

  beforeAll(async () => {
    engine = await Engine.start();
    // The engine's own worker makes room for those that can be killed.
    await engine.drainWorker();
    const waits = `while [ ! -e '${at('go')}' ]; do sleep 0.05; done`;
    projects.phase = await make('phase', GATE);
    projects.gate = await make('gate', `echo run >> '${at('gate-runs')}'\n${waits}\n`);
    projects.push = await make('push', GATE);
    first = await WorkerProcess.start(engine, ['--gates', '2', '--agents', '4']);
    await writeFile(at('pid'), String(first.pid));
    await killsWorkerOnPush(project('push'), at('pid'));

    ids.gate = await submit('gate', 'echo x > work');
    ids.phase = await submit('phase', `echo begun >> '${at('phase-runs')}'; ${waits}; echo x > work`);
    await eventually(
      'the phase and the gate to run',
      () => existsSync(at('gate-runs')) && existsSync(at('phase-runs')),
    );
    expect(await first.children()).not.toEqual([]);
    const runner = await first.gitRunner();
    expect(runner).not.toBeNull();
    ids.push = await submit('push', 'echo x > work');
    await first.ended();
    const diedMs = Date.now();
    await eventually('its processes to be gone', async () => (await first.children()).length === 0);
    await eventually('git’s runner to be gone', () => !existsSync(`/proc/${runner}`));
    goneWithinMs = Date.now() - diedMs;
    second = await WorkerProcess.start(engine, ['--gates', '2', '--agents', '4']);
    await writeFile(at('go'), '');
  });

  afterAll(async () => {
    const code = await second?.stop();
    await engine.stop();
    expect(code).toBe(0);
  });

  const ended = (name: keyof typeof projects): Promise<TaskView> =>
    eventually(
      `the task ${name} to end`,
      async () => {
        const { view } = await engine.detail(id(name));
        return view.endedAt === null ? null : view;
      },
      HEARTBEAT_AND_MORE_MS,
    );

  it('takes all of its processes with it within five seconds', () => {
    expect(first.alive).toBe(false);
    expect(goneWithinMs).toBeLessThan(5_000);
  });

  it('between its push and the answer has landed its task once, found again by the trailers', async () => {
    const view = await ended('push');
    expect(view).toMatchObject({ state: 'landed', attempt: 1, revisions: 0, commit: await project('push').tip() });
    expect(await project('push').subjects()).toEqual(['Work of push', 'Begin']);
    const trailers = await project('push').originGit('log', '-1', '--format=%(trailers:key=Task-Id,valueonly)', 'main');
    expect(trailers.trim()).toBe(id('push'));
  });

  it('is followed by one whose own git’s runner may be killed, too', async () => {
    const runner = await eventually('git’s runner', () => second?.gitRunner());
    process.kill(runner, 'SIGKILL');
    const next = await engine.submit(project('push'), { title: 'Next', work: { kind: 'shell', run: 'echo y > next' } });
    expect(await engine.untilEnded(next)).toMatchObject({ state: 'landed' });
    expect(await second?.gitRunner()).not.toBe(runner);
  });

  it('in the middle of a phase loses the attempt and no try of it, and another worker lands it once', async () => {
    const view = await ended('phase');
    expect(view).toMatchObject({ state: 'landed', attempt: 2 });
    expect(await project('phase').subjects()).toEqual(['Work of phase', 'Begin']);
    expect((await readFile(at('phase-runs'), 'utf8')).trim().split('\n')).toHaveLength(2);
    const lost = (await engine.ledger.readAttempts(id('phase'))).find((row) => row.attempt === 1);
    expect(lost).toMatchObject({ outcome: 'failed', failure: { kind: 'worker-lost' } });
  });

  it('in the middle of a gate run has given no verdict: it runs again, and lands once', async () => {
    const view = await ended('gate');
    expect(view).toMatchObject({ state: 'landed', attempt: 1, revisions: 0 });
    expect(await project('gate').subjects()).toEqual(['Work of gate', 'Begin']);
    expect((await readFile(at('gate-runs'), 'utf8')).trim().split('\n')).toHaveLength(2);
    const happened = (await engine.ledger.readEvents(id('gate'))).map((event) => event.happened.kind);
    expect(happened).not.toContain('returned');
  });
});

function make(name: string, gate: string): Promise<SampleProject> {
  return SampleProject.create({
    'tasks.yaml': projectFile().replace('sample', name),
    'gate.sh': gate,
    'agent.sh': agentScript({}),
  });
}

/** The origin's hook kills the worker once main has moved, while its push still waits for the answer. */
async function killsWorkerOnPush({ origin }: SampleProject, pidFile: string): Promise<void> {
  const hook = join(origin, 'hooks', 'post-receive');
  await writeFile(
    hook,
    `#!/bin/sh\ngrep -q refs/heads/main || exit 0\n[ -e '${pidFile}' ] || exit 0\nkill -9 "$(cat '${pidFile}')"\nrm '${pidFile}'\n`,
  );
  await chmod(hook, 0o755);
}
