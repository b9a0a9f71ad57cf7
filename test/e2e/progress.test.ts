/** What `tasks show` says of a phase that runs, with a real worker and an agent that the test leads. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pendingPhaseOf, type PendingPhase } from '../../src/cli/pending-phase.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { cli, cliEnvironment, type CliRun } from '../cli/rig.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';

const SECRET = 'hunter2-hunter2-hunter2';
const HOLD = 'while [ ! -e "$TASKS_TASK_DIR/go" ]; do sleep 0.05; done';

/** Prints what the test has left for it in the task's folder, a line at a time, and ends with the file go. */
const CLAUDE = `#!/bin/sh
printf '%s\\n' '{"type":"assistant","message":{"id":"m1","content":[{"type":"tool_use","name":"TodoWrite","input":{"todos":[{"status":"completed"},{"status":"pending"}]}}]}}'
printf '{"type":"assistant","message":{"id":"m2","content":[{"type":"tool_use","name":"Bash","input":{"command":"login %s \\\\u0068unter2-hunter2-hunter2"}}]}}\\n' "$THE_SECRET"
${HOLD}
printf '%s' '{"status":"done","summary":"done"}' > "$TASKS_REPORT_FILE"
printf '%s\\n' '{"type":"result","subtype":"success","is_error":false,"result":"done","session_id":"s"}'
`;

describe('a phase that runs', () => {
  let engine: Engine;
  let env: Record<string, string>;

  beforeAll(async () => {
    const folder = await tempFolder('claude');
    const program = join(folder, 'claude');
    const secret = join(folder, 'secret');
    await writeFile(program, CLAUDE);
    await chmod(program, 0o755);
    await writeFile(secret, `${SECRET}\n`);
    engine = await Engine.start({
      programs: { claude: program },
      hostFile: () => `read: [${folder}]\nsecrets: {THE_SECRET: {from: "file:${secret}", agents: [claude]}}\n`,
      limits: { heartbeatMs: 50 },
    });
    env = cliEnvironment(engine.home, engine.servers);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const show = (id: TaskId, ...more: string[]): Promise<CliRun> =>
    cli({ cwd: engine.home, env }, ['show', id, ...more]);
  /** As `tasks show` learns it; a workflow that runs is not asked again and again. */
  const running = async (id: TaskId): Promise<PendingPhase | null> =>
    pendingPhaseOf(await engine.handle(id).describe(), engine.client.options.loadedDataConverter);
  const shown = async (id: TaskId): Promise<PendingPhase | null | undefined> =>
    (await show(id, '--json')).json<{ running: PendingPhase | null }>()[0]?.running;

  it('is shown with the last line of its output, its share and its host', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('sample', 'shell'),
      'gate.sh': ':',
    });
    const run = `echo begins; echo '[ 3/12] Compiles the parser'; ${HOLD}`;
    const id = await engine.submit(project, { title: 'Work', attempts: 1, work: { kind: 'shell', run } });
    const seen = await eventually('its progress to be told', async () => {
      const now = await running(id);
      return now?.progress?.percent === 25 ? now : null;
    });
    expect(seen.state).toBe('started');
    expect(await shown(id)).toMatchObject({
      state: 'started',
      host: expect.stringMatching(/^host-/),
      progress: { text: '[ 3/12] Compiles the parser', at: expect.stringMatching(/^20/) },
    });
    expect((await show(id)).stdout).toMatch(/now +on host-\w+, begun .*: 25 %, \[ 3\/12\] Compiles the parser/);
    await engine.tell(id, 'shell', 'go', '');
    await engine.untilEnded(id);
    expect(await shown(id)).toBeNull();
    expect((await show(id)).stdout).not.toMatch(/^ +now /m);
  });

  it('is shown with what its agent’s adapter understands, and without secrets, however they are written', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': 'project: claude\nbranch: main\ngate: "true"\nagent: claude\n',
    });
    const id = await engine.submit(project, { title: 'Work', attempts: 1 });
    const seen = await eventually('its tool to be told', async () => {
      const now = await running(id);
      return now?.progress?.text.includes('Bash') === true ? now : null;
    });
    expect(seen.progress).toMatchObject({
      text: 'turn 2: Bash: login [secret THE_SECRET] [secret THE_SECRET]',
      percent: 50,
    });
    expect(JSON.stringify((await engine.handle(id).describe()).raw)).not.toContain(
      Buffer.from(SECRET).toString('base64').slice(0, 20),
    );
    await engine.cancel(id);
    await eventually('it to be over', async () => (await engine.handle(id).describe()).status.name === 'CANCELLED');
  });
});
