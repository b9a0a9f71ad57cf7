import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTemporal, type RunningTemporal } from '../../src/local/temporal-server.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { testBinary } from '../support/temporal.ts';

async function startServer(home: string, port?: number): Promise<RunningTemporal> {
  const started = await startTemporal({
    binary: testBinary(),
    home,
    namespace: 'default',
    preferredPort: null,
    preferredUiPort: null,
    searchAttributes: {},
    ...(port === undefined ? {} : { port }),
  });
  if (started.kind === 'failed') throw new Error(`${started.failure.message}\n${started.failure.evidence ?? ''}`);
  return started;
}

describe('a Temporal server that is killed by SIGKILL', () => {
  const shared = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
  let home: string;
  let server: RunningTemporal;
  let engine: Engine;

  beforeAll(async () => {
    home = await tempFolder('temporal');
    server = await startServer(home);
    process.env['TEST_TEMPORAL_ADDRESS'] = server.address;
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
    process.env['TEST_TEMPORAL_ADDRESS'] = shared;
    await server.stop();
  });

  it('has lost nothing when it is back: what ran goes on, what was asked is asked, and each lands once', async () => {
    const at = (name: string): string => join(engine.home, name);
    const waits = `while [ ! -e '${at('go')}' ]; do sleep 0.05; done`;
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('  phases: [execute]').replace('sample', 'restarted'),
      'gate.sh': `echo run >> '${at('gate-runs')}'\n${waits}\n`,
      'agent.sh': agentScript({
        execute: `grep -q 'answered:\\*\\* yes' "$TASKS_PROMPT_FILE" && echo x > asked || printf '{"status":"question","question":"Sure?"}' > "$TASKS_REPORT_FILE"`,
      }),
    });
    const submit = (title: string, run: string) => engine.submit(project, { title, work: { kind: 'shell', run } });
    const gated = await submit('Gated', 'echo x > gated');
    const asking = await engine.submit(project, { title: 'Asking' });
    const running = await submit('Running', `echo begun >> '${at('phase-runs')}'; ${waits}; echo x > running`);
    await engine.untilWaiting(asking, 'question');
    await eventually('the phase and the gate', () => existsSync(at('gate-runs')) && existsSync(at('phase-runs')));

    process.kill(server.process.pid, 'SIGKILL');
    await server.process.ended;
    server = await startServer(home, server.ports.grpc);
    await engine.answer(asking, 'yes');
    await writeFile(at('go'), '');

    for (const id of [gated, asking, running]) {
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    }
    const subjects = (await project.subjects()).toSorted((a, b) => a.localeCompare(b));
    expect(subjects).toEqual(['Asking', 'Begin', 'Gated', 'Running']);
    expect((await readFile(at('phase-runs'), 'utf8')).trim().split('\n')).toHaveLength(1);
    expect((await engine.detail(asking)).exchanges).toHaveLength(1);
  });
});
