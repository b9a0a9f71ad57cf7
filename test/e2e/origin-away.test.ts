/** An attempt that begins while its origin is away: a real server that has stopped, and comes back at its old place. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { basename, dirname } from 'node:path';
import { pendingPhaseOf } from '../../src/cli/pending-phase.ts';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskSpec } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { serveOverHttp, type HttpOrigin } from '../support/http-origin.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';

const open: HttpOrigin[] = [];

async function serve(project: SampleProject, port = 0): Promise<HttpOrigin> {
  const served = await serveOverHttp(dirname(project.origin), 'ada', 'word', port);
  open.push(served);
  return served;
}

async function sample(name: string): Promise<{ project: SampleProject; served: HttpOrigin; origin: string }> {
  const project = await SampleProject.create({
    'tasks.yaml': projectFile().replace('sample', name),
    'gate.sh': GATE,
  });
  const served = await serve(project);
  return { project, served, origin: `http://ada:word@127.0.0.1:${served.port}/${basename(project.origin)}` };
}

afterAll(async () => {
  await Promise.all(open.splice(0).map((served) => served.close()));
});

function submit(
  engine: Engine,
  project: SampleProject,
  origin: string,
  file: string,
  spec: Partial<TaskSpec> = {},
  attempts = 1,
): Promise<TaskId> {
  const work = { kind: 'shell', run: `echo x > ${file}` } as const;
  return engine.submit(project, { title: file, attempts, work, spec: { origin, ...spec } });
}

describe('an attempt whose origin is away as it begins', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ agents: 2 });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const told = (id: TaskId): readonly string[] =>
    engine.log.filter((line) => line.startsWith('an attempt waits to begin') && line.includes(id));

  /** A task that waits for a server that had served one before; whose tasks.yaml is known, or is still to be fetched. */
  const waiting = async (name: string, configCommit: 'known' | 'new' = 'known') => {
    const { project, served, origin } = await sample(name);
    const known = await project.tip();
    await engine.untilEnded(await submit(engine, project, origin, 'first'));
    if (configCommit === 'new') await project.commit('A person', { person: 'here\n' });
    await served.close();
    const at = configCommit === 'known' ? { configCommit: known } : {};
    const id = await submit(engine, project, origin, 'second', at);
    await eventually('it to wait', () => told(id).length === 1);
    return { project, served, id };
  };

  it.each(['known', 'new'] as const)(
    'waits for it, says so, and costs no try: its tasks.yaml is %s',
    async (configCommit) => {
      const { project, served, id } = await waiting(`late-${configCommit}`, configCommit);
      expect((await engine.detail(id)).view).toMatchObject({ state: 'running', attempt: 1, failure: null });
      const { loadedDataConverter } = engine.client.options;
      await eventually('it to be shown', async () => {
        const phase = await pendingPhaseOf(await engine.handle(id).describe(), loadedDataConverter);
        return phase?.progress?.text.startsWith('it begins once the origin is back: cannot reach') === true;
      });
      await serve(project, served.port);
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 1 });
      expect(await project.read('second')).toBe('x');
    },
  );

  it('can be canceled while it waits', async () => {
    const { project, id } = await waiting('given-up');
    await engine.cancel(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
    expect(await project.subjects()).toEqual(['first', 'Begin']);
  });

  it('fails at once where nobody has reached it before', async () => {
    const { project, served, origin } = await sample('never');
    await served.close();
    const id = await submit(engine, project, origin, 'first');
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view.failure).toMatchObject({ kind: 'origin-unreachable' });
    expect(told(id)).toEqual([]);
  });
});

it('is for a person once it has been away for too long, and no attempt waits for that anew', async () => {
  const engine = await Engine.start({ limits: { awayMs: 200 } });
  try {
    const { project, served, origin } = await sample('gone');
    await engine.untilEnded(await submit(engine, project, origin, 'first'));
    await served.close();
    const id = await submit(engine, project, origin, 'second', {}, 2);
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view).toMatchObject({ attempt: 2, failure: { kind: 'origin-unreachable' } });
    expect(engine.log.filter((line) => line.includes('waits to begin') && line.includes(id))).toHaveLength(1);
  } finally {
    await engine.stop();
  }
});
