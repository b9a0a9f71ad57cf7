/** Commands about tasks that have ended while the ledger is away: their workflows know it, and have yet to tell it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliPlace, type CliRun } from './rig.ts';

describe('while the ledger is away', () => {
  let engine: Engine;
  let place: CliPlace;
  const tasks = (...argv: string[]): Promise<CliRun> => cli(place, argv);

  beforeAll(async () => {
    engine = await Engine.start();
    const files = { 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' };
    const project = await SampleProject.create(files, 'checkout');
    place = { cwd: project.origin, env: cliEnvironment(engine.home, engine.servers) };
    await engine.loseLedger();
  });

  afterAll(async () => {
    await engine.findLedger();
    await engine.stop();
  });

  const submit = async (...argv: string[]): Promise<TaskView> => {
    const [made] = (await tasks('submit', ...argv, '--json')).json<TaskView>();
    if (made === undefined) throw new Error('nothing was submitted');
    return made;
  };

  it('a task that has landed is waited for no longer', async () => {
    const { id } = await submit('Work', '--run', 'echo x > work');
    const { code, stdout } = await tasks('wait', id, '--timeout', '30s');
    expect(stdout).toMatch(new RegExp(`^${id} {2}landed {2}Work {2}as [0-9a-f]{12}\n$`));
    expect(code).toBe(0);
  });

  it('one that waits for a person is not said to go on', async () => {
    const { id } = await submit('Which port?', '--type', 'question');
    await engine.untilWaiting(id, 'question');
    const { code, stderr } = await tasks('wait', id, '--timeout', '3s');
    expect(stderr).toContain('nothing was stopped: it waits for a person, see tasks inbox');
    expect(code).toBe(124);
  });

  it('many tasks are waited for side by side, and Node takes no listener for a leak', async () => {
    const lines = Array.from({ length: 48 }, (_, at) => JSON.stringify({ title: `Question ${at}`, type: 'question' }));
    await writeFile(join(engine.home, 'many.jsonl'), lines.join('\n'));
    expect((await tasks('submit', '--from', join(engine.home, 'many.jsonl'))).code).toBe(0);
    // As a process of its own: what Node warns of goes to its standard error.
    const args = [resolve('dist/bin/tasks.cjs'), 'wait', '--all', '--timeout', '2s'];
    const waiting = spawn(process.execPath, args, { env: place.env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [[code], stderr] = await Promise.all([once(waiting, 'close'), text(waiting.stderr)]);
    expect(code).toBe(124);
    expect(stderr).toContain('have not ended within 2 s');
    expect(stderr).not.toContain('Warning');
  });

  it('a retry of one that was rejected says that it has to wait, and for what', async () => {
    const { id } = await submit('Something else', '--type', 'proposal');
    await engine.untilWaiting(id, 'proposal');
    expect((await tasks('reject', `${id}@1`, '--reason', 'No')).code).toBe(0);
    const retried = await tasks('retry', id);
    const why = 'its workflow closes when the ledger knows of it: retry it then, once tasks doctor finds the ledger';
    expect(retried).toMatchObject({ code: 1, stderr: `tasks: ${id}: it has ended (rejected), and ${why}\n` });
  });
});
