import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { WorkerProcess } from '../support/worker-process.ts';
import { pidsWith } from '../process/rig.ts';

const HEARTBEAT_AND_MORE_MS = 90_000;

describe('a worker without bubblewrap that is killed by SIGKILL in the middle of a phase', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
    await engine.drainWorker();
    await writeFile(join(engine.home, 'host.yaml'), 'containment: off\n');
  });
  afterAll(() => engine.stop());

  it('leaves no process, of those that leave their session and ignore TERM neither, and another worker lands the task', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile(),
      'gate.sh': GATE,
      'agent.sh': agentScript({}),
    });
    const [begun, marker] = [join(engine.home, 'begun'), `marker-${engine.home}`];
    const stays = `(setsid sh -c 'trap "" TERM; while :; do sleep 1; done' '${marker}' > /dev/null 2>&1 &)`;
    const run = `if [ -e '${begun}' ]; then echo x > work; else ${stays}; trap '' TERM; touch '${begun}'; sleep 600; fi`;
    const first = await WorkerProcess.start(engine);
    const id = await engine.submit(project, { title: 'Stays', attempts: 1, work: { kind: 'shell', run } });
    await eventually('the phase to run', () => existsSync(begun) && pidsWith(marker).length > 0);
    expect((await first.children()).length).toBeGreaterThan(1);
    await first.kill();
    await eventually('its processes to be gone', async () => (await first.children()).length === 0, 5_000);
    expect(pidsWith(marker)).toEqual([]);
    const guards = (): readonly number[] => {
      const ofFirst = pidsWith(`.${first.pid}.`);
      return pidsWith('tributary-guard').filter((pid) => ofFirst.includes(pid));
    };
    await eventually('its guards to be gone', () => guards().length === 0);
    const second = await WorkerProcess.start(engine);
    const view = await eventually(
      'the task to end',
      async () => {
        const detail = await engine.detail(id);
        return detail.view.endedAt === null ? null : detail.view;
      },
      HEARTBEAT_AND_MORE_MS,
    );
    expect(view).toMatchObject({ state: 'landed', attempt: 2 });
    expect(second.log.join('\n')).not.toContain('ended processes that a dead worker left');
    expect(await second.stop()).toBe(0);
  });
});
